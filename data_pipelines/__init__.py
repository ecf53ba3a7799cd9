"""Corpora of videos for training, validation and testing; knows nothing of any model.

    corpus = open_corpus("moving_mnist", motion="stochastic")
    batches = corpus.training_batches(length=15, batch_size=128, seed=0)

`Corpus` says what every corpus offers. Bad data and bad options raise `DataError`.
`python -m data_pipelines.prepare` makes a corpus of video files.
"""

import importlib

# Public name -> its module.
_LAZY = {
    "Corpus": "data_pipelines.corpus",
    "DataError": "data_pipelines.errors",
    "MovingMNIST": "data_pipelines.moving_mnist.generator",
    "corpus_names": "data_pipelines.registry",
    "open_corpus": "data_pipelines.registry",
}

__all__ = list(_LAZY)


def __getattr__(name):
    # TensorFlow is imported with the first name that needs it: commands answer --help at once.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__():
    return sorted(__all__)
