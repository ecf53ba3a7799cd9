"""What there is to see of a corpus: counts and lengths in words, and clips."""

import os

import numpy as np
from absl import flags

from data_pipelines.command_line import quiet_stderr
from data_pipelines.errors import DataError
from data_pipelines.registry import Lengths, corpus_options, open_corpus

# Flag -> option of a corpus.
_OPTIONS = {
    name: name
    for name in "data_dir frame_size channels digits_dir motion num_digits max_speed".split()
} | {"digits": "digits_source"}


def corpus_of_flags(flag_values: flags.FlagValues):
    """The `Corpus` that the flags of `data_pipelines.inspect` name."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():
        known = corpus_options(flag_values.dataset)
    options = {}
    for flag, option in _OPTIONS.items():
        if option in known:
            options[option] = flag_values[flag].value
            if known[option] and not flag_values[flag].value:
                raise DataError(f"--{flag} is missing: name the folder that `prepare` was given.")
        elif flag_values[flag].present:
            raise DataError(f"--{flag} is no option of --dataset={flag_values.dataset}.")
    return open_corpus(flag_values.dataset, **options)


def describe_corpus(name: str, corpus) -> list[str]:
    """What is known of a `Corpus` without reading its frames; a prepared one has more to tell."""
    size, colour = corpus.frame_size, "grey" if corpus.channels == 1 else "RGB"
    lines = [f"{name}: frames of {size} x {size} pixels, {colour}"]
    if parts := getattr(corpus, "parts", {}):
        lines.append(
            f"{'part':12}{'videos':>8}{'frames':>10}{'shortest':>10}{'median':>8}{'longest':>9}"
        )
    else:
        lines.append("training and validation clips are generated without end")
    for part, videos in parts.items():
        counts = videos.lengths
        lines.append(
            f"{part:12}{len(counts):8}{counts.sum():10}{counts.min():10}"
            f"{np.median(counts):8g}{counts.max():9}"
        )
    lines.append(f"test clips: {corpus.num_test_videos}")
    if (stride := getattr(corpus, "stride", 1)) > 1:
        lines.append(f"clips take every {stride}th frame of these")
    if parts:
        if names := corpus.action_names:
            lines.append(f"{'actions of an interval':32}{'mean':>12}{'scale':>12}")
        for name, mean, scale in zip(names, corpus.action_mean, corpus.action_scale, strict=True):
            lines.append(f"  {name:30}{mean:12.4g}{scale:12.4g}")
        lines.append(f"left out when it was prepared: {len(corpus.skipped) or 'nothing'}")
        lines += [f"  {line}" for line in corpus.skipped]
        lines += [f"note: {line}" for line in corpus.remarks]
    return lines


def draw_clips(
    corpus, lengths: Lengths, num_clips: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, DataError]]:
    """Clips just as training, validation and testing get them.

    Returns:
        part -> uint8 [num_clips, T, H, W, C] (fewer if there are fewer test videos), and
        part -> error for the parts that have no clip of such a length.
    """
    size = {"batch_size": num_clips, "seed": seed}
    count = min(num_clips, corpus.num_test_videos)
    train, validation, test = lengths
    makers = {
        "training": lambda: corpus.training_batches(length=train, **size),
        "validation": lambda: corpus.validation_batches(length=validation, num_batches=1, **size),
        "test": lambda: corpus.test_videos(length=test, num_videos=count).batch(count),
    }
    clips, failures = {}, {}
    for part, make in makers.items():
        try:
            clips[part] = next(make().take(1).as_numpy_iterator())
        except DataError as error:
            failures[part] = error
    return clips, failures


def measured(part: str, clips: np.ndarray) -> str:
    """A line that gives away black, still and flickering videos."""
    count, length = clips.shape[:2]
    change = np.abs(np.diff(clips.astype(np.int16), axis=1)).mean() if length > 1 else 0.0
    return (
        f"{part} clips: {length} frames; in the {count} drawn, mean {clips.mean():.1f} of 255, "
        f"change from frame to frame {change:.2f}"
    )
