"""Look at a corpus before training on it: counts, lengths, what was left out, and pictures.

    python -m data_pipelines.inspect --dataset=kth --data_dir=prepared --output_dir=inspection

Writes a contact sheet, `<dataset>.png`, and a film, `<dataset>.webp`, of clips as a model will get
them. Exit status 1 if a part gives no clips of the wanted length: training would fail.
"""

import functools
import os

import numpy as np
from absl import flags

from data_pipelines import command_line, contact_sheet
from data_pipelines.errors import DataError
from data_pipelines.paths import define_path, local_path
from data_pipelines.registry import CORPORA, Lengths, corpus_options, open_corpus

# Flag -> option of a corpus.
_OPTIONS = {
    name: name
    for name in "data_dir frame_size channels digits_dir motion num_digits max_speed".split()
} | {"digits": "digits_source"}
_FPS = 8
_COLUMNS = 10


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command; those that training has too are called as there."""
    own = {"flag_values": flag_values}
    number = functools.partial(flags.DEFINE_integer, lower_bound=1, **own)
    text = functools.partial(flags.DEFINE_string, **own)
    path = functools.partial(define_path, **own)
    flags.DEFINE_enum("dataset", None, list(CORPORA), "corpus", **own)
    path("data_dir", None, "folder in which it was prepared (Moving MNIST needs none)")
    path("output_dir", "inspection", "folder for the pictures")
    number("frame_size", 64, "height and width of the frames, pixels")
    number("channels", None, "1 or 3, where a folder was prepared in grey and in colour")
    number("train_length", None, "frames of a training clip; by default as published")
    number("val_length", None, "frames of a validation clip; by default as published")
    number("test_length", None, "frames of a test clip; by default as published")
    number("num_clips", 4, "clips to draw of each part")
    number("seed", 0, "which training and validation clips", lower_bound=0)
    text("digits", "embedded", "Moving MNIST: embedded, idx or tfds")
    path("digits_dir", None, "Moving MNIST: folder of the idx files, or TFDS's data folder")
    text("motion", "stochastic", "Moving MNIST: stochastic or deterministic")
    number("num_digits", 2, "Moving MNIST: digits per video")
    number("max_speed", 4, "Moving MNIST: largest speed per axis, pixels a frame")


def main(flag_values: flags.FlagValues) -> int:
    """Print and draw; returns the exit status."""
    name = flag_values.dataset
    if not name:
        raise DataError("--dataset is missing (--help lists the flags).")
    corpus = _open(flag_values)
    print("\n".join(describe_corpus(name, corpus)))
    published = CORPORA[name].lengths
    lengths = Lengths(
        flag_values.train_length or published.train,
        flag_values.val_length or published.validation,
        flag_values.test_length or published.test,
    )
    clips, failures = draw_clips(corpus, lengths, flag_values.num_clips, flag_values.seed)
    for part, of_part in clips.items():
        print(measured(part, of_part))
    for part, failure in failures.items():
        print(f"{part} clips: none: {failure}")
    if clips:
        sections = [contact_sheet.SheetSection(f"{part} clips", c) for part, c in clips.items()]
        sheet, film = (local_path(flag_values.output_dir) / f"{name}.{x}" for x in ("png", "webp"))
        contact_sheet.save(sheet, contact_sheet.contact_sheet(sections, _COLUMNS), "PNG")
        contact_sheet.save_film(film, contact_sheet.film(sections), _FPS)
        print(f"wrote {sheet}\nwrote {film}")
    return int(bool(failures))


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


def _open(flag_values: flags.FlagValues):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with command_line.quiet_stderr():
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


if __name__ == "__main__":
    command_line.run(main, define_flags)
