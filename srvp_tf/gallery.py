"""A page of what runs predict: `python -m srvp_tf.gallery --run_dir=runs/kth --output=site`.

Writes a static page that needs no network and opens from a file: test videos with the best, the
worst and a random prediction, scores over time, frame rates, content swap, interpolation, long
forecasts, the results beside the published ones, and the configuration. --compare=runs/b,runs/c
shows further runs beside the first, or in chapters of their own where their test sets differ.

The evaluation in RUN_DIR/evaluation is taken where it is of the same model; else the run is judged
on --num_videos test videos, which leaves the run folder as it is.
"""

from pathlib import Path

from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config.corpora import define_path, define_paths
from srvp_tf.config.flags import WHERE_THE_DATA_IS, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import define_metric_flags, metrics_from_flags
from srvp_tf.gallery_page.folder import address_of_demo, check_replaceable, replacing_gallery
from srvp_tf.gallery_page.shown_runs import runs_from_flags
from srvp_tf.metrics.registry import METRICS, per_frame
from srvp_tf.runs.atomic_files import scratch_folder

_TITLE = "Predicted videos"


def define_flags(flag_values):
    """The flags of this command."""

    def number(name, default, help, least=1):
        flags.DEFINE_integer(name, default, help, least, flag_values=flag_values)

    define_run_flag(flag_values)
    define_paths("compare", [], "folders of further runs", flag_values)
    define_path("output", "site", "folder to write; an earlier gallery is replaced", flag_values)
    flags.DEFINE_string("title", _TITLE, "title of the page", flag_values=flag_values)
    define_path("demo", None, "folder that `export.web` wrote, to link to", flag_values)
    number("num_shown", 4, "test videos to show")
    number("num_videos", 32, "test videos to judge, where there is no evaluation")
    number("num_samples", 20, "predictions per video, where there is no evaluation")
    number("long_horizon", 100, "frames of the long forecast")
    text = "metric by which a sample is shown as the best"
    flags.DEFINE_enum("best_by", "psnr", per_frame(METRICS), text, flag_values=flag_values)
    define_metric_flags(flag_values)
    define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Make the page; returns the exit status."""
    judged_by = metrics_from_flags(flag_values)
    if flag_values.best_by not in judged_by.names:
        raise UserError(f"--best_by={flag_values.best_by} is not judged: add it to --metrics")
    output = Path(flag_values.output).resolve()
    check_replaceable(output)
    demo = address_of_demo(flag_values.demo, output)
    runs = runs_from_flags(run_from_flags(flag_values), flag_values)
    judged_by.weights_sha256()  # if some are missing, then now

    start_tensorflow(next(iter(runs.values()))[1].train.deterministic)
    from srvp_tf.gallery_page import chapters, page

    with scratch_folder("srvp_tf_gallery_") as scratch:
        made = chapters.make_chapters(runs, flag_values, judged_by, scratch)
        with replacing_gallery(output) as folder:
            page.write_page(
                page.GalleryPage(flag_values.title, page.LEDE, tuple(made), demo), folder
            )
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"wrote {output / page.PAGE}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
