"""Corpora by name: one entry holds all that is asked of a corpus outside its own module.

CORPORA["mine"] = CorpusEntry("My videos", MyCorpus)  # --dataset=mine
"""

import dataclasses
import importlib
import inspect
from typing import TYPE_CHECKING, NamedTuple

from data_pipelines.errors import DataError, require_one_of

if TYPE_CHECKING:
    from data_pipelines.corpus import Corpus


class Lengths(NamedTuple):
    """Frames of the clips of each part."""

    train: int = 12
    validation: int = 20
    test: int = 20


@dataclasses.dataclass(frozen=True)
class CorpusEntry:
    """What is known of a corpus without opening it.

    title: for people.
    corpus: the class, see `Corpus`, or "module:class", imported when asked for: some corpora need
        decoders. `open_corpus` gives it those options that it takes.
    channels: colour channels that its frames can have.
    lengths: of its clips, as published.
    builder: class or "module:class" of the TFDS builder that `prepare` makes it with; None: it
        needs no preparation.
    """

    title: str
    corpus: type | str
    channels: tuple[int, ...] = (1, 3)
    lengths: Lengths = Lengths()
    builder: type | str | None = None


def _prepared(title: str, name: str, channels: tuple[int, ...], lengths: Lengths) -> CorpusEntry:
    """The entry of a corpus made from files; name: "module:class" of it and of its builder."""
    corpora = "data_pipelines.corpora"
    return CorpusEntry(title, f"{corpora}.{name}", channels, lengths, f"{corpora}.builders.{name}")


_MOVING_MNIST = "data_pipelines.moving_mnist.generator:MovingMNIST"

CORPORA = {
    "moving_mnist": CorpusEntry("Moving MNIST", _MOVING_MNIST, (1,), Lengths(15, 15, 25)),
    "kth": _prepared("KTH actions", "kth:Kth", (1,), Lengths(20, 30, 40)),
    "human36m": _prepared("Human3.6M", "human36m:Human36m", (3,), Lengths(16, 53, 53)),
    "bair": _prepared("BAIR robot pushing", "bair:Bair", (3,), Lengths(12, 12, 30)),
    # Lengths of configs/video_folder.cfg.
    "video_folder": _prepared(
        "A folder of videos", "video_folder:VideoFolder", (1, 3), Lengths(12, 20, 20)
    ),
}
"""Name -> `CorpusEntry`; `--dataset` takes the names."""


def corpus_names() -> tuple[str, ...]:
    """The names that `open_corpus` knows."""
    return tuple(CORPORA)


def corpus_class(name: str) -> type:
    """The class of a corpus; `DataError` for an unknown name."""
    require_one_of("corpus", name, corpus_names())
    return loaded(CORPORA[name].corpus)


def corpus_options(name: str) -> dict[str, bool]:
    """Option of a corpus -> whether it must be given; `DataError` for an unknown name."""
    parameters = inspect.signature(corpus_class(name)).parameters.values()
    return {parameter.name: parameter.default is parameter.empty for parameter in parameters}


def open_corpus(name: str = "moving_mnist", **options) -> "Corpus":
    """Open a corpus.

    Args:
        name: one of `corpus_names()`.
        **options: arguments of the corpus' class.

    Raises:
        DataError: for an unknown name or option, or data that cannot be used.
    """
    known = corpus_options(name)
    for option in options:
        if option not in known:
            raise DataError(f"{name} has no option {option!r}; it has: {', '.join(known)}.")
    return corpus_class(name)(**options)


def loaded(entry: type | str) -> type:
    """A class, imported if it is given as "module:class"."""
    if not isinstance(entry, str):
        return entry
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)
