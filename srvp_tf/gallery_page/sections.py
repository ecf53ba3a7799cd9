"""The sections of a chapter: samples, and the experiments, drawn from models and test videos."""

import numpy as np

from srvp_tf.gallery_page.page import PageSection
from srvp_tf.gallery_page.stored_evaluations import as_unit_floats
from srvp_tf.metrics.registry import METRICS, formatted
from srvp_tf.video.in_step import at_rate

RATES = (1, 2, 4)
NUM_POINTS = 6  # of an interpolation, ends included
_MOST_COLUMNS = 2  # of the actions that plans are made of
_RATE_NAMES = {1: "every frame", 2: "twice the rate", 4: "four times the rate"}


def samples(material, metric, score) -> PageSection:
    """The truth, and the best, the worst and a random sample of each run.

    Args:
        material: `Material`.
        metric: that best and worst are by.
        score: function of (target, prediction), frames [..., H, W, C] in [0, 1], to [...].
    """
    count, length = material.videos.shape[:2]
    player = material.player(
        "samples", "test videos and predictions", length, num_given=material.nt_cond
    )
    kinds = {"best": f"{metric}_best", "worst": f"{metric}_worst", "random": "random_1"}
    kept = {
        run.name: {kind: next(run.evaluation.samples(file, count)) for kind, file in kinds.items()}
        for run in material.runs
    }

    def clips(run, index):
        target = as_unit_floats(material.videos[index, material.nt_cond :])
        for kind in kinds:
            predicted = kept[run.name][kind][index]
            value = score(target, as_unit_floats(predicted, floored=True))
            note = f"{METRICS[metric].heading} {formatted(metric, np.mean(value))}"
            yield material.forecast_clip(player, f"{kind} sample", index, predicted, note)

    material.add_rows(player, "Test video", count, material.truth(player), clips)
    drawn = sorted({run.evaluation.report["num_samples"] for run in material.runs})
    text = (
        f"The first {count} test videos, not chosen. {material.nt_cond} frames were given, "
        f"{material.horizon} predicted. Best and worst by {METRICS[metric].heading} of "
        f"{' or '.join(map(str, drawn))} samples per video; the random one is the first drawn."
    )
    return PageSection("samples", "Samples", text, player)


def made_of(material, **makers) -> list[PageSection]:
    """The sections of experiments, name -> function of the `Material` of the runs that have it.

    An experiment that none of the runs' models can be put to has no section.
    """
    made = []
    for name, make in makers.items():
        able = tuple(run for run in material.runs if name in _possible(run.model.config))
        if able:
            made.append(make(material._replace(runs=able)))
    return made


def _possible(config):
    """Sections that a model can have."""
    return ("plans",) if config.action_size else config.experiments


def _for_each_run(material, function, *arguments, **options):
    """Name of a run -> what `function` makes of its model and the arguments, with one seed."""
    return {
        run.name: function(run.model, *arguments, seed=material.seed, **options)
        for run in material.runs
    }


def plans(material, num_videos=2) -> PageSection:
    """What is predicted if one thing is done, or another."""
    from srvp_tf.video import to_uint8

    past, length = material.nt_cond - 1, material.videos.shape[1]
    player = material.player(
        "plans", "one start, several plans", length, num_given=material.nt_cond
    )

    def clips(run, index):
        own = material.actions[index]
        captions, planned = zip(*_plans(run.model, own[past:], material.action_names), strict=True)
        done = np.repeat(own[None, :past], len(planned), axis=0)
        same = np.zeros(len(planned), np.int32)  # one sample, and so one noise
        noise = run.model.forecast_noise(material.seed, np.array([index]), same, length)
        noise = noise.with_actions(np.concatenate([done, planned], axis=1)[None])
        frames = run.model.forecast_from_noise(material.observed[index : index + 1], noise)
        for caption, predicted in zip(captions, to_uint8(frames[0]), strict=True):
            yield material.forecast_clip(player, caption, index, predicted)

    count = min(num_videos, len(material.videos))
    material.add_rows(player, "Test video", count, material.truth(player), clips)
    text = (
        "The same given frames and the same noise; what is done is another thing in each. The "
        "first plan is what was really done; in the others one column of the actions stays at two "
        "standard deviations from its mean, and the other columns at theirs."
    )
    return PageSection("plans", "What if", text, player)


def _plans(model, true, names):
    """Captions and plans [F, A]: what was done, and much and little of the first columns."""
    mean, scale = model.action_mean.numpy(), model.action_scale.numpy()
    yield "as it was done", true
    for column in range(min(len(names), _MOST_COLUMNS)):
        for sign, word in ((1, "high"), (-1, "low")):
            plan = np.tile(mean, (len(true), 1)).astype(np.float32)
            plan[:, column] += sign * 2 * scale[column]
            yield f"{names[column]} {word}", plan


def frame_rates(material, num_videos=2) -> PageSection:
    """One future at several frame rates."""
    from srvp_tf.experiments import forecast_at_rates, steps_for_rate

    ticks, observed = RATES[-1], material.observed[:num_videos]
    given = (material.nt_cond - 1) * ticks + 1
    player = material.player(
        "frame-rates", "one future at several frame rates", given + material.horizon * ticks,
        ticks_per_frame=ticks, num_given=given,
    )  # fmt: skip
    futures = _for_each_run(material, forecast_at_rates, observed, material.horizon, RATES)

    def clips(run, index):
        for rate in RATES:
            predicted = futures[run.name][rate][index, 0]
            video, first = at_rate(observed[index], predicted, rate, ticks)
            note = f"dt = {_step(steps_for_rate(run.model.config, rate))}"
            yield player.clip(_RATE_NAMES[rate], video, first, note)

    material.add_rows(player, "Test video", len(observed), material.truth(player, ticks), clips)
    trained = " or ".join(sorted({_step(run.model.config.euler_steps) for run in material.runs}))
    text = (
        "Time lives in the state, so frames can be decoded in between. The noise is the same at "
        "all rates: one future in each row. dt is the step of the dynamics, in frames; in training "
        f"it was {trained}. At a quarter of the speed the difference shows best."
    )
    return PageSection("frame-rates", "Frame rates", text, player)


def content_swap(material, num_pairs=2) -> PageSection:
    """What one video shows, moving as another one does."""
    from srvp_tf.experiments import swap_content

    title = "Content swap"
    if len(material.videos) < 2:
        return PageSection("content-swap", title, "It takes two test videos.")
    of_a, of_b = _pairs(material.videos, num_pairs)
    length = material.videos.shape[1]
    player = material.player("content-swap", "content of one video, motion of another", length)
    swaps = _for_each_run(material, swap_content, of_a[:, : material.nt_cond], of_b)

    def sources(index):
        yield player.clip(f"A, video {2 * index + 1}: content", of_a[index], length)
        yield player.clip(f"B, video {2 * index + 2}: motion", of_b[index], length)

    def clips(run, index):
        yield player.clip("content of A, motion of B", swaps[run.name].swapped[index, 0], 0)

    material.add_rows(player, "Pair", len(of_a), sources, clips)
    text = (
        f"The content variable is read from the first {material.nt_cond} frames of A, the states "
        "from all frames of B; the decoder joins them. Nothing is forecast here."
    )
    return PageSection("content-swap", title, text, player)


def interpolation(material, num_pairs=2) -> PageSection:
    """From the dynamics of one video to those of another."""
    from srvp_tf.experiments import interpolate_dynamics

    title = "Interpolation of dynamics"
    if len(material.videos) < 2:
        return PageSection("interpolation", title, "It takes two test videos.")
    of_a, of_b = _pairs(material.videos, num_pairs)
    length, shares = material.videos.shape[1], np.linspace(0, 1, NUM_POINTS)
    player = material.player("interpolation", "from one video's dynamics to another's", length)
    observed = (videos[:, : material.nt_cond] for videos in (of_a, of_b))
    options = {"num_points": NUM_POINTS, "horizon": material.horizon}
    between = _for_each_run(material, interpolate_dynamics, *observed, **options)

    def start(index):
        yield player.clip(f"A, video {2 * index + 1}", of_a[index], length)

    def clips(run, index):
        for share, video in zip(shares, between[run.name][index], strict=True):
            yield player.clip(f"{share:.0%} B", video, 0)

    def end(index):
        yield player.clip(f"B, video {2 * index + 2}", of_b[index], length)

    material.add_rows(player, "Pair", len(of_a), start, clips, end)
    text = (
        "The first state runs on the line from that of A to that of B; the content stays that of "
        "A, and the noise after the first frame is the same in all, drawn from the prior."
    )
    return PageSection("interpolation", title, text, player)


def long_horizon(material, num_frames, num_videos=2) -> PageSection:
    """A forecast far past the length of training clips."""
    from srvp_tf.experiments import forecast_thinned

    observed = material.observed[:num_videos]
    length = material.nt_cond + num_frames
    player = material.player("long-horizon", "long forecasts", length, num_given=material.nt_cond)
    futures = _for_each_run(material, forecast_thinned, observed, num_frames)

    def clips(run, index):
        yield material.forecast_clip(player, "prediction", index, futures[run.name][index, 0])

    material.add_rows(player, "Test video", len(observed), material.truth(player), clips)
    text = (
        f"{num_frames} frames predicted from {material.nt_cond}; the first sample. The truth is "
        "shown as far as the test videos go."
    )
    return PageSection("long-horizon", "Long horizon", text, player)


def _pairs(videos, most):
    """The videos of at most so many pairs (0, 1), (2, 3), ...: the first ones, the second ones."""
    count = min(len(videos) // 2, most)
    return videos[: 2 * count : 2], videos[1 : 2 * count : 2]


def _step(euler_steps):
    return f"1/{euler_steps}" if euler_steps > 1 else "1"
