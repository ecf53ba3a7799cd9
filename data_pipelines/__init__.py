"""Corpora of videos for training, validation and testing; knows nothing of any model.

    corpus = open_corpus("moving_mnist", motion="stochastic")
    batches = corpus.training_batches(length=15, batch_size=128, seed=0)

`Corpus` says what every corpus offers. Bad data and bad options raise `DataError`.
"""

from data_pipelines.corpus import Corpus
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist import MovingMNIST
from data_pipelines.registry import corpus_names, open_corpus

__all__ = ["Corpus", "DataError", "MovingMNIST", "corpus_names", "open_corpus"]
