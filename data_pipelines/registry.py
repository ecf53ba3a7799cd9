"""Corpora by name."""

import importlib
import inspect

from data_pipelines.arguments import require_one_of
from data_pipelines.corpus import Corpus
from data_pipelines.errors import DataError

# Name -> module and class, imported when asked for: some corpora need decoders, others do not.
_CORPORA = {
    "moving_mnist": ("data_pipelines.moving_mnist.generator", "MovingMNIST"),
    "kth": ("data_pipelines.corpora.kth", "Kth"),
    "human36m": ("data_pipelines.corpora.human36m", "Human36m"),
    "bair": ("data_pipelines.corpora.bair", "Bair"),
    "video_folder": ("data_pipelines.corpora.video_folder", "VideoFolder"),
}


def corpus_names() -> tuple[str, ...]:
    """The names that `open_corpus` knows."""
    return tuple(_CORPORA)


def open_corpus(name: str = "moving_mnist", **options) -> Corpus:
    """Open a corpus.

    Args:
        name: one of `corpus_names()`.
        **options: arguments of the corpus' class.

    Raises:
        DataError: for an unknown name or option, or data that cannot be used.
    """
    require_one_of("corpus", name, corpus_names())
    module, class_name = _CORPORA[name]
    corpus = getattr(importlib.import_module(module), class_name)
    known = tuple(inspect.signature(corpus).parameters)
    for option in options:
        if option not in known:
            raise DataError(f"{name} has no option {option!r}; it has: {', '.join(known)}.")
    return corpus(**options)
