"""A page of what runs predict: `python -m srvp_tf.gallery --run_dir=runs/kth --output=site`.

Writes a static page that needs no network and opens from a file: test videos with the best, the
worst and a random prediction, scores over time, frame rates, content swap, interpolation, long
forecasts, the results beside the published ones, and the configuration. --compare=runs/b,runs/c
shows further runs beside the first, or in chapters of their own where their test sets differ.

The evaluation in RUN_DIR/evaluation is taken where it is of the same model; else the run is judged
on --num_videos test videos, which leaves the run folder as it is.
"""

import dataclasses
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from absl import flags

from srvp_tf.cli import command
from srvp_tf.cli.checks import check_at_least
from srvp_tf.cli.run_flags import define_run_flag, run_from_flags
from srvp_tf.config import corpora
from srvp_tf.config.corpora import define_path, define_paths
from srvp_tf.config.flags import WHERE_THE_DATA_IS, config_from_flags, define_config_flags
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import define_metric_flags, metrics_from_flags
from srvp_tf.evaluation.protocol import evaluate
from srvp_tf.gallery_page.folder import DEMO, check_replaceable, is_one, replacing_folder
from srvp_tf.runs.run_folder import RunFolder

_AT_LEAST = {"num_shown": 1, "num_videos": 1, "num_samples": 1, "long_horizon": 1}
_TITLE = "Predicted videos"
_LEDE = (
    "Given a few frames of a video, a model draws many futures of it. What lasts is kept in a "
    "content variable; time lives in a state that moves by small learned steps."
)


def define_flags(flag_values):
    """The flags of this command."""

    def number(name, default, help):
        flags.DEFINE_integer(name, default, help, flag_values=flag_values)

    define_run_flag(flag_values)
    define_paths("compare", [], "folders of further runs", flag_values)
    define_path("output", "site", "folder to write; an earlier gallery is replaced", flag_values)
    flags.DEFINE_string("title", _TITLE, "title of the page", flag_values=flag_values)
    define_path("demo", None, "folder that `export.web` wrote, to link to", flag_values)
    number("num_shown", 4, "test videos to show")
    number("num_videos", 32, "test videos to judge, where there is no evaluation")
    number("num_samples", 20, "predictions per video, where there is no evaluation")
    number("long_horizon", 100, "frames of the long forecast")
    flags.DEFINE_enum(
        "best_by",
        "psnr",
        ("psnr", "ssim", "lpips"),
        "metric by which a sample is shown as the best",
        flag_values=flag_values,
    )
    define_metric_flags(flag_values)
    define_config_flags(flag_values, only=WHERE_THE_DATA_IS)


def main(flag_values):
    """Make the page; returns the exit status."""
    check_at_least(flag_values, _AT_LEAST)
    judged_by = metrics_from_flags(flag_values)
    if flag_values.best_by not in judged_by.names:
        raise UserError(
            f"--best_by={flag_values.best_by} is not judged: add it to --metrics="
            f"{','.join(judged_by.names)}"
        )
    output = Path(flag_values.output).resolve()
    check_replaceable(output)
    demo = _address_of_demo(flag_values.demo, output)
    runs = _runs(run_from_flags(flag_values), flag_values)
    judged_by.weights_sha256()  # if some are missing, then now

    start_tensorflow(next(iter(runs.values()))[1].train.deterministic)
    from srvp_tf.gallery_page import chapters, page

    request = chapters.Request(
        flag_values.num_shown,
        flag_values.best_by,
        flag_values.long_horizon,
        judged_by,
        lambda config, folder, path: evaluate(
            _small_evaluation(config, flag_values), folder, path, judged_by
        ),
    )
    with tempfile.TemporaryDirectory(prefix="srvp_tf_gallery_") as scratch:
        made = []
        for number, members in enumerate(chapters.comparable(runs), start=1):
            corpus = corpora.open_corpus(next(iter(members.values()))[1])
            opened = [
                chapters.open_run(name, *run, request, Path(scratch, f"{number}-{index}"))
                for index, (name, run) in enumerate(members.items())
            ]
            made.append(chapters.make_chapter(f"chapter-{number}", opened, corpus, request))
        with replacing_folder(output) as folder:
            page.write(page.Page(flag_values.title, _LEDE, tuple(made), demo), folder)
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"wrote {output / page.PAGE}: {size / 1e6:.1f} MB")
    return 0


def _address_of_demo(folder, output):
    """The relative address of a demo, seen from the gallery; empty if there is none."""
    if not folder:
        return ""
    path = Path(folder).resolve()
    if not is_one(path, DEMO):
        raise UserError(f"--demo={folder} is no demo: write one with `python -m export.web`")
    return quote(os.path.relpath(path, output)) + "/index.html"


def _runs(run, flag_values):
    """Name -> (`RunFolder`, `Config`) of every run, each name once."""
    runs = {}
    for folder in (run, *map(RunFolder.find, dict.fromkeys(flag_values.compare))):
        config = config_from_flags(flag_values, folder.config(), only=WHERE_THE_DATA_IS)
        folder.checkpoint_path(config.eval.checkpoint)  # if there is none, then now
        parts = folder.path.resolve().parts
        name = parts[-1] if parts[-1] not in runs else "/".join(parts[-2:])
        if name in runs:
            raise UserError(f"--compare={folder.path}: two runs are called {name}: rename a folder")
        runs[name] = folder, config
    return runs


def _small_evaluation(config, flag_values):
    """The configuration with fewer test videos and samples, as the flags say."""
    smaller = dataclasses.replace(
        config.eval,
        num_videos=max(flag_values.num_videos, flag_values.num_shown),
        num_samples=flag_values.num_samples,
    )
    return dataclasses.replace(config, eval=smaller)


if __name__ == "__main__":
    command.run(main, define_flags=define_flags)
