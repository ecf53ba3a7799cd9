"""Faults of data are the package's own errors, wherever they are found."""

import pytest

from srvp_tf.config import Config, DataConfig, corpora
from srvp_tf.errors import UserError


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"a\.avi: "):
        list(corpora.iterate_frames(tmp_path / "a.avi"))


def test_a_folder_without_the_corpus(tmp_path):
    with pytest.raises(UserError, match="holds no prepared kth"):
        corpora.open_corpus(Config(data=DataConfig(dataset="kth", data_dir=str(tmp_path))))


def test_what_an_open_corpus_refuses():
    corpus = corpora.open_corpus(Config())
    assert corpus.channels == 1
    with pytest.raises(UserError, match="batch_size"):
        corpus.training_batches(length=5, batch_size=3, seed=0, shard=(0, 2))
