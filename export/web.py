"""Write a page that plays a run's model: `python -m export.web --run_dir=runs/kth --output=demo`.

A static folder: the model runs in the reader's own browser, through LiteRT.js, and nothing is
uploaded. The folder appears when its model agrees with the Keras model, or not at all. Modules do
not load from files: `python -m http.server --directory=demo`, or any other server, shows it.
"""

from pathlib import Path

from absl import flags

from export.extras import require
from export.web_page import runtime
from export.writers import source_run
from export.writers.settings import define_settings_flags, export_settings
from srvp_tf.cli import command
from srvp_tf.config.corpora import define_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.gallery_page.folder import DEMO, check_replaceable, replacing_gallery

WEB_QUANTIZATIONS = ("none", "float16")
_TITLE = "Futures, drawn in your browser"


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command."""
    source_run.define_run_flags(flag_values)
    define_path("output", "demo", "folder to write; an earlier demo is replaced", flag_values)
    flags.DEFINE_string("title", _TITLE, "title of the page", flag_values=flag_values)
    define_settings_flags(flag_values, ("conditioning_frames", "horizon"))
    kept = "how weights are kept"
    flags.DEFINE_enum("quantize", "none", WEB_QUANTIZATIONS, kept, flag_values=flag_values)
    local = f"unpacked npm package {runtime.PACKAGE}, to be copied; without it --litert_cdn is used"
    define_path("litert_dir", None, local, flag_values)
    remote = f"address that readers' browsers load {runtime.PACKAGE} from"
    flags.DEFINE_string("litert_cdn", runtime.CDN, remote, flag_values=flag_values)


def main(flag_values: flags.FlagValues) -> int:
    """Write the page; returns the exit status."""
    run = source_run.open_source_run(flag_values, needs="content_swap")
    settings = export_settings(flag_values, run.config)
    if flag_values.litert_dir:
        litert = runtime.from_folder(Path(flag_values.litert_dir))
    else:
        litert = runtime.from_cdn(flag_values.litert_cdn)
    output = Path(flag_values.output).resolve()
    check_replaceable(output, DEMO)
    require("comparing the page's model with the Keras model", "ai_edge_litert")

    start_tensorflow(deterministic=False)
    from export.web_page.page import export_page

    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing_gallery(output, DEMO) as folder:
        sizes = export_page(run, settings, folder, flag_values.quantize, flag_values.title, litert)
    for name, size in sizes.items():
        print(f"{size / 1e6:5.1f} MB  {name}")
    browser = sizes["model"] / 1e6 + runtime.LOADED_MEGABYTES
    where = f", loaded from {litert.base}" if litert.origin else ""
    source = f"LiteRT.js {litert.version} ({runtime.LICENCE}){where}"
    print(f"{source}; a reader's browser loads some {browser:.0f} MB in all")
    print(f"wrote {output}; to see it: python -m http.server --directory={flag_values.output}")
    return 0


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
