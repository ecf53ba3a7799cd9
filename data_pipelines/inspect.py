"""Look at a corpus before training on it: counts, lengths, what was left out, and pictures.

    python -m data_pipelines.inspect --dataset=kth --data_dir=prepared --output_dir=inspection

Writes a contact sheet, `<dataset>.png`, and a film, `<dataset>.webp`, of clips as a model will get
them. Exit status 1 if a part gives no clips of the wanted length: training would fail.
"""

from absl import flags

from data_pipelines import command_line
from data_pipelines.errors import DataError
from data_pipelines.inspection import inspect_corpus
from data_pipelines.paths import define_path
from data_pipelines.registry import CORPORA


def define_flags(flag_values: flags.FlagValues) -> None:
    """The flags of this command; those that training has too are called as there."""

    def number(name, default, help, least=1):
        flags.DEFINE_integer(name, default, help, lower_bound=least, flag_values=flag_values)

    def text(name, default, help):
        flags.DEFINE_string(name, default, help, flag_values=flag_values)

    def path(name, default, help):
        define_path(name, default, help, flag_values)

    flags.DEFINE_enum("dataset", None, list(CORPORA), "corpus", flag_values=flag_values)
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
    if not flag_values.dataset:
        raise DataError("--dataset is missing (--help lists the flags).")
    return inspect_corpus(flag_values)


if __name__ == "__main__":
    command_line.run(main, define_flags)
