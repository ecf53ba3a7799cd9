"""Look at a corpus before training on it: counts, lengths, what was left out, and pictures.

    python -m data_pipelines.inspect --dataset=kth --data_dir=prepared --output_dir=inspection

Writes a contact sheet, `<dataset>.png`, and a film, `<dataset>.gif`, of clips as a model will get
them. Exit status 1 if a part gives no clips of the wanted length: training would fail.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from data_pipelines import command_line
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path, local_path


class Lengths(NamedTuple):
    """Frames of the clips of each part."""

    train: int
    validation: int
    test: int


# Those of the published settings, and of configs/video_folder.cfg.
_LENGTHS = {
    "moving_mnist": Lengths(15, 15, 25),
    "kth": Lengths(20, 30, 40),
    "human36m": Lengths(16, 53, 53),
    "bair": Lengths(12, 12, 30),
    "video_folder": Lengths(12, 20, 20),
}
_FPS = 8
_COLUMNS = 10
_DIGIT_FLAGS = ("digits", "digits_dir", "motion", "num_digits", "max_speed")


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command; those that training has too are called as there."""

    def number(name, default, help, least=1):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    def text(name, default, help):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def path(name, default, help):
        define_path(name, default, help, flag_values)

    flags.DEFINE_enum("dataset", None, list(_LENGTHS), "corpus", flag_values=flag_values)
    path("data_dir", None, "folder in which it was prepared (Moving MNIST needs none)")
    path("output_dir", "inspection", "folder for the pictures")
    number("frame_size", 64, "height and width of the frames, pixels")
    number("channels", None, "1 or 3, where a folder was prepared in grey and in colour")
    number("train_length", None, "frames of a training clip; by default as published")
    number("val_length", None, "frames of a validation clip; by default as published")
    number("test_length", None, "frames of a test clip; by default as published")
    number("num_clips", 4, "clips to draw of each part")
    number("seed", 0, "which training and validation clips", least=0)
    text("digits", "embedded", "Moving MNIST: embedded, idx or tfds")
    path("digits_dir", None, "Moving MNIST: folder of the idx files, or TFDS's data folder")
    text("motion", "stochastic", "Moving MNIST: stochastic or deterministic")
    number("num_digits", 2, "Moving MNIST: digits per video")
    number("max_speed", 4, "Moving MNIST: largest speed per axis, pixels a frame")


def main(flag_values: flags.FlagValues) -> int:
    """Inspect; returns the exit status."""
    name = flag_values.dataset
    if not name:
        raise DataError("--dataset is missing (--help lists the flags).")
    corpus = _open(flag_values)
    print("\n".join(describe(name, corpus)))
    given = Lengths(flag_values.train_length, flag_values.val_length, flag_values.test_length)
    lengths = Lengths(*(ours or theirs for ours, theirs in zip(given, _LENGTHS[name], strict=True)))
    clips, failures = draw_clips(corpus, lengths, flag_values.num_clips, flag_values.seed)
    for part, of_part in clips.items():
        print(_measured(part, of_part))
    for part, failure in failures.items():
        print(f"{part} clips: none: {failure}")
    if clips:
        for path in draw(clips, name, flag_values.output_dir):
            print(f"wrote {path}")
    return int(bool(failures))


def describe(name: str, corpus) -> list[str]:
    """What is known of a corpus without reading its frames: lines of text.

    Args:
        name: of the corpus.
        corpus: a `Corpus`. A prepared one (`PreparedCorpus`) has more to tell.
    """
    size, colour = corpus.frame_size, "grey" if corpus.channels == 1 else "RGB"
    lines = [f"{name}: frames of {size} x {size} pixels, {colour}"]
    parts = getattr(corpus, "parts", {})
    if parts:
        lines.append(
            f"{'part':12}{'videos':>8}{'frames':>10}{'shortest':>10}{'median':>8}{'longest':>9}"
        )
    for part, videos in parts.items():
        counts = videos.lengths
        lines.append(
            f"{part:12}{len(counts):8}{counts.sum():10}{counts.min():10}"
            f"{np.median(counts):8g}{counts.max():9}"
        )
    if not parts:
        lines.append("training and validation clips are generated without end")
    lines.append(f"test clips: {corpus.num_test_videos}")
    if (stride := getattr(corpus, "stride", 1)) > 1:
        lines.append(f"clips take every {stride}th frame of these")
    skipped = getattr(corpus, "skipped", [])
    if parts:
        lines.append(f"left out when it was prepared: {len(skipped) or 'nothing'}")
    lines += [f"  {line}" for line in skipped]
    return lines + [f"note: {line}" for line in getattr(corpus, "remarks", [])]


def draw_clips(
    corpus, lengths: Lengths, num_clips: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, DataError]]:
    """Clips just as training, validation and testing get them.

    Returns:
        part -> uint8 [num_clips, T, H, W, C] (fewer if there are fewer test videos), and
        part -> error for the parts that have no clip of such a length.
    """
    size = {"batch_size": num_clips, "seed": seed}

    def test_clips():
        count = min(num_clips, corpus.num_test_videos)
        return corpus.test_videos(length=lengths.test, num_videos=count).batch(count)

    makers = {
        "training": lambda: corpus.training_batches(length=lengths.train, **size),
        "validation": lambda: corpus.validation_batches(
            length=lengths.validation, num_batches=1, **size
        ),
        "test": test_clips,
    }
    clips, failures = {}, {}
    for part, make in makers.items():
        try:
            clips[part] = next(make().take(1).as_numpy_iterator())
        except DataError as error:
            failures[part] = error
    return clips, failures


def draw(clips: dict[str, np.ndarray], name: str, folder: str | os.PathLike) -> list[Path]:
    """Write the contact sheet and the film of some clips; returns their paths."""
    from data_pipelines import contact_sheet as sheets

    sections = [sheets.Section(f"{part} clips", of_part) for part, of_part in clips.items()]
    paths = [local_path(folder) / f"{name}.{suffix}" for suffix in ("png", "gif")]
    sheets.save_sheet(paths[0], sheets.contact_sheet(sections, _COLUMNS))
    sheets.save_film(paths[1], sheets.film(sections), _FPS)
    return paths


def _open(flag_values: flags.FlagValues):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from data_pipelines.command_line import quiet_stderr

    with quiet_stderr():
        from data_pipelines.registry import open_corpus
    name, frame_size = flag_values.dataset, flag_values.frame_size
    if name == "moving_mnist":
        if flag_values.data_dir:
            raise DataError(f"--data_dir={flag_values.data_dir}: moving_mnist has no such folder.")
        options = {option: flag_values[option].value for option in _DIGIT_FLAGS}
        options["digits_source"] = options.pop("digits")
        return open_corpus(name, frame_size=frame_size, **options)
    if given := [option for option in _DIGIT_FLAGS if flag_values[option].present]:
        raise DataError(f"--{given[0]} is an option of --dataset=moving_mnist alone.")
    if not flag_values.data_dir:
        raise DataError("--data_dir is missing: name the folder that was given to `prepare`.")
    return open_corpus(
        name, data_dir=flag_values.data_dir, frame_size=frame_size, channels=flag_values.channels
    )


def _measured(part: str, clips: np.ndarray) -> str:
    """A line that gives away black, still and flickering videos."""
    count, length = clips.shape[:2]
    change = np.abs(np.diff(clips.astype(np.int16), axis=1)).mean() if length > 1 else 0.0
    return (
        f"{part} clips: {length} frames; in the {count} drawn, mean {clips.mean():.1f} of 255, "
        f"change from frame to frame {change:.2f}"
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
