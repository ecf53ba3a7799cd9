"""Look at a corpus before training on it: counts, lengths, what was left out, and pictures.

    python -m data_pipelines.inspect --dataset=kth --data_dir=prepared --output_dir=inspection

Writes a contact sheet, `<dataset>.png`, and a film, `<dataset>.gif`, of clips as a model will get
them. Exit status 1 if a part gives no clips of the wanted length: training would fail.
"""

import os

from absl import flags

from data_pipelines import command_line
from data_pipelines.command_line import quiet_stderr
from data_pipelines.errors import DataError
from data_pipelines.inspection import describe, draw, draw_clips, measured
from data_pipelines.paths import define_path
from data_pipelines.registry import CORPORA, Lengths, corpus_options, open_corpus

# Flag -> option of a corpus.
_OPTIONS = {
    **{name: name for name in ("data_dir", "frame_size", "channels")},
    **{name: name for name in ("digits_dir", "motion", "num_digits", "max_speed")},
    "digits": "digits_source",
}


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
    name = flag_values.dataset
    if not name:
        raise DataError("--dataset is missing (--help lists the flags).")
    corpus = _open(flag_values)
    print("\n".join(describe(name, corpus)))
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
        for path in draw(clips, name, flag_values.output_dir):
            print(f"wrote {path}")
    return int(bool(failures))


def _open(flag_values: flags.FlagValues):
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


if __name__ == "__main__":
    command_line.run(main, define_flags)
