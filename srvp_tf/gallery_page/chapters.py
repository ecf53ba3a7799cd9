"""Chapters: the runs of one test set, from their folders to all that the page says of them."""

import dataclasses
import sys

from srvp_tf.config.corpora import CORPORA, open_corpus
from srvp_tf.errors import UserError
from srvp_tf.evaluation.protocol import evaluate
from srvp_tf.gallery_page import charts, sections, stored_evaluations, tables
from srvp_tf.gallery_page.material import Material, OpenRun
from srvp_tf.gallery_page.page import Chapter
from srvp_tf.metrics.published_results import RESULTS, published_setting
from srvp_tf.metrics.registry import METRICS
from srvp_tf.models.clips import ACTIONS, parts
from srvp_tf.runs.run_folder import read_model

_OF_TRAINING = ("train_length", "val_length")


def comparable(runs):
    """The runs in groups of one test set, [{name: (folder, config)}, ...], in their order."""
    groups = {}
    for name, (folder, config) in runs.items():
        data = dataclasses.asdict(config.data)
        test_set = tuple(value for key, value in data.items() if key not in _OF_TRAINING)
        key = test_set, config.model.frame_size, config.model.channels
        groups.setdefault(key, {})[name] = folder, config
    return list(groups.values())


def judged_run(name, folder, config, flag_values, metrics, scratch) -> OpenRun:
    """Read a run, and judge it if no evaluation of it can be used.

    Args:
        name: of the run. folder: its `RunFolder`. config: its `Config`.
        flag_values: a gallery's; an evaluation that is missing is as small as they say.
        metrics: `ChosenMetrics` that are wanted.
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
        if missing := set(metrics.names) - set(found.report["metrics"]):
            reasons.append(f"no {', '.join(sorted(missing))}")
    report = None if reasons else found.report
    if report and found.has_samples:
        return OpenRun(name, config, model, step, report, found)
    reasons = reasons or ["the evaluation's samples are not there"]
    print(f"{name}: {'; '.join(reasons)}: judged anew, for this page alone", file=sys.stderr)
    smaller = dataclasses.replace(
        config.eval,
        num_videos=max(flag_values.num_videos, flag_values.num_shown),
        num_samples=flag_values.num_samples,
    )
    evaluate(dataclasses.replace(config, eval=smaller), folder, scratch, metrics)
    evaluation = stored_evaluations.stored(scratch)
    return OpenRun(name, config, model, step, report or evaluation.report, evaluation)


def make_chapters(runs, flag_values, metrics, scratch) -> list[Chapter]:
    """A `Chapter` for each test set of some runs, name -> (`RunFolder`, `Config`).

    Args:
        runs: see `comparable`.
        flag_values, metrics, scratch: see `judged_run`.
    """
    made = []
    for number, members in enumerate(comparable(runs), start=1):
        configs = [config for _, config in members.values()]
        corpus = open_corpus(max(configs, key=lambda config: config.model.action_size))
        opened = [
            judged_run(name, *run, flag_values, metrics, scratch / f"{number}-{index}")
            for index, (name, run) in enumerate(members.items())
        ]
        made.append(_chapter(f"chapter-{number}", opened, corpus, flag_values, metrics))
    return made


def _chapter(chapter_id, runs, corpus, flag_values, metrics) -> Chapter:
    """The `Chapter` of `OpenRun`s of one test set.

    Raises:
        UserError: an evaluation is damaged or of other videos.
    """
    data = runs[0].config.data
    judged = (run.evaluation.report["num_videos"] for run in runs)
    count = min(flag_values.num_shown, corpus.num_test_videos, *judged)
    if count < flag_values.num_shown:
        print(f"{count} test videos are shown: the evaluation is of no more", file=sys.stderr)
    videos = corpus.test_videos(length=data.test_length, num_videos=count)
    shown, given = parts(next(videos.batch(count).as_numpy_iterator()))
    material = Material(
        chapter_id,
        tuple(runs),
        shown,
        data.nt_cond,
        runs[0].config.eval.eval_seed,
        given.get(ACTIONS),
        getattr(corpus, "action_names", ()),
    )
    metrics, best_by = _frame_metrics(runs, metrics), flag_values.best_by
    shown_parts = (
        sections.samples(material, best_by, metrics[best_by]),
        *sections.made_of(
            material,
            plans=sections.plans,
            frame_rates=sections.frame_rates,
            content_swap=sections.content_swap,
            interpolation=sections.interpolation,
            long_horizon=lambda runs: sections.long_horizon(runs, flag_values.long_horizon),
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
    scores = []
    for run in runs:
        count = run.evaluation.report["num_videos"]
        if count > corpus.num_test_videos:
            raise UserError(f"{run.evaluation.folder} is of more test videos than there are")
        videos = corpus.test_videos(length=data.test_length, num_videos=count)
        videos = videos.map(lambda video: parts(video)[0])
        batches = videos.batch(run.config.eval.eval_batch_size).as_numpy_iterator()
        scores.append(
            stored_evaluations.frame_scores(run.evaluation, batches, data.nt_cond, metrics)
        )
    drawn = []
    for name in metrics:
        lines = [
            charts.summarize_frames(run.name, of_model[name])
            for run, (of_model, _) in zip(runs, scores, strict=True)
        ]
        most = max((baseline[name] for _, baseline in scores), key=len)
        lines.append(charts.summarize_frames("last given frame", most, baseline=True))
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
