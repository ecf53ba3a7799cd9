"""Look at a corpus before training on it: counts, lengths, what was left out, and pictures.

    python -m data_pipelines.inspect --dataset=kth --data_dir=prepared --output_dir=inspection

Writes a contact sheet, `<dataset>.png`, and a film, `<dataset>.webp`, of clips as a model will get
them. Exit status 1 if a part gives no clips of the wanted length: training would fail.
"""

import functools

from absl import flags

from data_pipelines import command_line, contact_sheet
from data_pipelines.errors import DataError
from data_pipelines.inspection import corpus_of_flags, describe_corpus, draw_clips, measured
from data_pipelines.paths import define_path, local_path
from data_pipelines.registry import CORPORA, Lengths

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
    corpus = corpus_of_flags(flag_values)
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


if __name__ == "__main__":
    command_line.run(main, define_flags)
