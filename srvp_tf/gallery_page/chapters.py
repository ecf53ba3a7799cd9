"""Chapters: the runs of one test set, from their folders to all that the page says of them."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from srvp_tf.config import Config
from srvp_tf.config.corpora import CORPORA, open_corpus
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import ChosenMetrics
from srvp_tf.evaluation.protocol import evaluate
from srvp_tf.gallery_page import charts, sections, stored_evaluations, tables
from srvp_tf.gallery_page.material import Material, ShownRun
from srvp_tf.gallery_page.page import Chapter
from srvp_tf.gallery_page.shown_runs import small_evaluation
from srvp_tf.gallery_page.stored_evaluations import StoredEvaluation
from srvp_tf.metrics.published_results import RESULTS, published_setting
from srvp_tf.metrics.registry import METRICS
from srvp_tf.models.clips import ACTIONS, parts
from srvp_tf.models.video_model import VideoModel
from srvp_tf.runs.run_folder import RunFolder, read_model

_OF_TRAINING = ("train_length", "val_length")


class Request(NamedTuple):
    """What is to be shown.

    num_shown: test videos. best_by: metric that chooses the best and the worst sample.
    long_horizon: frames of the long forecast. metrics: those that are wanted.
    evaluate: function of (Config, RunFolder, Path of a new folder) that judges a run into it.
    """

    num_shown: int
    best_by: str
    long_horizon: int
    metrics: ChosenMetrics
    evaluate: Callable[[Config, RunFolder, Path], dict]


class OpenRun(NamedTuple):
    """A run, its model, the report for the table, and the evaluation whose samples are shown."""

    name: str
    config: Config
    model: VideoModel
    step: int
    report: dict
    evaluation: StoredEvaluation


def comparable(runs):
    """The runs in groups of one test set, [{name: (folder, config)}, ...], in their order."""
    groups = {}
    for name, (folder, config) in runs.items():
        data = dataclasses.asdict(config.data)
        test_set = tuple(value for key, value in data.items() if key not in _OF_TRAINING)
        key = test_set, config.model.frame_size, config.model.channels
        groups.setdefault(key, {})[name] = folder, config
    return list(groups.values())


def judged_run(name, folder, config, request, scratch) -> OpenRun:
    """Read a run, and judge it if no evaluation of it can be used.

    Args:
        name: of the run. folder: its `RunFolder`. config: its `Config`.
        request: a `Request`.
        scratch: `Path` of a folder for an evaluation.

    Raises:
        UserError: the checkpoint or the evaluation is damaged, or weights of metrics are missing.
    """
    model, metadata = read_model(config.model, folder.checkpoint_path(config.eval.checkpoint))
    step = metadata["step"]
    found = stored_evaluations.stored(folder.results / "evaluation")
    if found is None:
        reasons = ["there is no evaluation"]
    else:
        reasons = stored_evaluations.mismatches(found.report, config, step)
        if missing := set(request.metrics.names) - set(found.report["metrics"]):
            reasons.append(f"no {', '.join(sorted(missing))}")
    report = None if reasons else found.report
    if report and found.has_samples:
        return OpenRun(name, config, model, step, report, found)
    reasons = reasons or ["the evaluation's samples are not there"]
    print(f"{name}: {'; '.join(reasons)}: judged anew, for this page alone", file=sys.stderr)
    request.evaluate(config, folder, scratch)
    evaluation = stored_evaluations.stored(scratch)
    return OpenRun(name, config, model, step, report or evaluation.report, evaluation)


def request_from_flags(flag_values, metrics: ChosenMetrics) -> Request:
    """The `Request` of a gallery's flags; an evaluation that is missing is as small as they say."""
    return Request(
        flag_values.num_shown,
        flag_values.best_by,
        flag_values.long_horizon,
        metrics,
        lambda config, folder, path: evaluate(
            small_evaluation(config, flag_values), folder, path, metrics
        ),
    )


def make_chapters(runs, request, scratch) -> list[Chapter]:
    """A `Chapter` for each test set of some runs, name -> (`RunFolder`, `Config`).

    Args:
        runs: see `comparable`.
        request: a `Request`.
        scratch: `Path` of a folder for evaluations.
    """
    made = []
    for number, members in enumerate(comparable(runs), start=1):
        configs = [config for _, config in members.values()]
        corpus = open_corpus(max(configs, key=lambda config: config.model.action_size))
        opened = [
            judged_run(name, *run, request, scratch / f"{number}-{index}")
            for index, (name, run) in enumerate(members.items())
        ]
        made.append(make_chapter(f"chapter-{number}", opened, corpus, request))
    return made


def make_chapter(chapter_id, runs, corpus, request) -> Chapter:
    """The `Chapter` of `OpenRun`s of one test set.

    Raises:
        UserError: an evaluation is damaged or of other videos.
    """
    data = runs[0].config.data
    count = min(
        request.num_shown,
        corpus.num_test_videos,
        *(r.evaluation.report["num_videos"] for r in runs),
    )
    if count < request.num_shown:
        print(f"{count} test videos are shown: the evaluation is of no more", file=sys.stderr)
    videos = corpus.test_videos(length=data.test_length, num_videos=count)
    shown, given = parts(next(videos.batch(count).as_numpy_iterator()))
    material = Material(
        chapter_id,
        tuple(ShownRun(run.name, run.model, run.evaluation) for run in runs),
        shown,
        data.nt_cond,
        runs[0].config.eval.eval_seed,
        given.get(ACTIONS),
        getattr(corpus, "action_names", ()),
    )
    metrics = _frame_metrics(runs, request.metrics)
    shown_parts = (
        sections.samples(material, request.best_by, metrics[request.best_by]),
        *sections.made_of(
            material,
            plans=sections.plans,
            frame_rates=sections.frame_rates,
            content_swap=sections.content_swap,
            interpolation=sections.interpolation,
            long_horizon=lambda runs: sections.long_horizon(runs, request.long_horizon),
        ),
    )
    setting = published_setting(runs[0].config)
    reports = {run.name: run.report for run in runs}
    return Chapter(
        chapter_id,
        _title(data),
        _lede(runs),
        tuple(reports),
        shown_parts,
        _charts(runs, corpus, metrics),
        _charts_text(runs),
        tables.results_table(reports, RESULTS[setting] if setting else ()),
        tuple(_notes(data, reports, setting, corpus.num_test_videos)),
        tables.settings_table({run.name: run.config for run in runs}),
    )


def _frame_metrics(runs, chosen):
    """Those that all runs were judged by, name -> function; LPIPS where its weights are there."""
    names = [
        n for n in runs[0].evaluation.metrics if all(n in run.evaluation.metrics for run in runs)
    ]
    shared = chosen._replace(names=tuple(names))
    try:
        shared.weights_sha256()
    except UserError as error:
        print(f"no curve of LPIPS: {error}", file=sys.stderr)
        shared = shared._replace(names=tuple(n for n in names if not METRICS[n].needs_weights))
    return shared.frame_metrics()


def _title(data):
    if data.dataset != "moving_mnist":
        return CORPORA[data.dataset].title
    digits = "1 digit" if data.num_digits == 1 else f"{data.num_digits} digits"
    return f"{data.motion.capitalize()} Moving MNIST, {digits}"


def _lede(runs):
    models = ", ".join(
        f"{run.name} ({run.config.eval.checkpoint} model, step {run.step:,})" for run in runs
    )
    data = runs[0].config.data
    return (
        f"{data.test_length - data.nt_cond} frames are predicted from {data.nt_cond}. "
        f"{'Runs' if len(runs) > 1 else 'Run'}: {models}."
    )


def _charts(runs, corpus, metrics):
    """A `Chart` per metric."""
    data = runs[0].config.data
    curves, baselines = {name: [] for name in metrics}, {}
    for run in sorted(runs, key=lambda run: run.evaluation.report["num_videos"]):
        count = run.evaluation.report["num_videos"]
        if count > corpus.num_test_videos:
            raise UserError(f"{run.evaluation.folder} is of more test videos than there are")
        videos = corpus.test_videos(length=data.test_length, num_videos=count)
        videos = videos.map(lambda video: parts(video)[0])
        batches = videos.batch(run.config.eval.eval_batch_size).as_numpy_iterator()
        of_model, of_baseline = stored_evaluations.frame_scores(
            run.evaluation, batches, data.nt_cond, metrics
        )
        for name in metrics:
            curves[name].append(charts.summarize_frames(run.name, of_model[name]))
        baselines = of_baseline  # that of the most videos stays
    order = [run.name for run in runs]
    drawn = []
    for name in metrics:
        lines = sorted(curves[name], key=lambda curve: order.index(curve.label))
        lines.append(charts.summarize_frames("last given frame", baselines[name], baseline=True))
        drawn.append(
            charts.chart(
                METRICS[name].heading,
                "higher" if METRICS[name].higher_is_better else "lower",
                lines,
                data.nt_cond + 1,
                METRICS[name].decimals,
            )
        )
    return tuple(drawn)


def _charts_text(runs):
    counts = sorted(
        {(r.evaluation.report["num_videos"], r.evaluation.report["num_samples"]) for r in runs}
    )
    evaluated = " or ".join(
        f"{videos} test videos, best of {samples}" for videos, samples in counts
    )
    return (
        f"Mean over {evaluated}, for each metric separately; bands are 95 % intervals of the mean. "
        "Dashed: the last given frame, repeated. Frames that were copied exactly have no PSNR and "
        "are left out. The scores are those of frames as saved, in 8 bits. The vertical line "
        "follows the videos above."
    )


def _notes(data, reports, setting, num_test_videos):
    yield f"The test set used here has {num_test_videos:,} videos."
    if setting:
        yield f"The published rows are those of {setting} in the paper's tables."
    else:
        yield "The paper has no results of this setting."
    if data.dataset == "moving_mnist" and data.digits == "embedded":
        yield "Not the official test set: its digits are 2,000 of the 10,000 test digits."
    for name, report in reports.items():
        for metric, summary in report["metrics"].items():
            if summary.get("infinite"):
                yield (
                    f"{name}: {summary['infinite']} videos were predicted without any error, their "
                    f"{METRICS[metric].heading} is infinite."
                )
    if any("fvd" in report["metrics"] for report in reports.values()):
        yield "FVD depends on the number of videos: compare equal ones."
