"""Datasets of clips with actions: what is checked of them, and each worker's part."""

import types

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.training.dataset_checks import check_clips
from srvp_tf.training.worker_group import WorkerGroup
from tests.models.small import small_config


def dataset(frames=(4, 5), actions=(4, 4, 2), **others):
    """One batch of clips of these sizes, without end."""
    size = (32, 32, 1)
    clips = {"frames": tf.random.stateless_uniform((*frames, *size), (1, 2))}
    if actions:
        clips["actions"] = tf.random.stateless_normal(actions, (1, 2))
    return tf.data.Dataset.from_tensors(clips | others).repeat()


@pytest.mark.parametrize(
    ("size", "clips", "line"),
    [
        (2, dataset(actions=None), r"frames alone; with --action_size=2 give .*\[B, 4, 2\]"),
        (2, dataset(actions=(4, 5, 2)), r"actions: float32 \[4, 5, 2\]; with --action_size=2"),
        (2, dataset(actions=(1, 4, 2)), r"actions: float32 \[1, 4, 2\]"),
        (0, dataset(), "with --action_size=0 give frames alone"),
        (2, dataset(label=tf.zeros([4])), "clips are a dict of frames, actions, label"),
    ],
)
def test_what_does_not_fit_the_model_is_one_line(size, clips, line):
    with pytest.raises(UserError, match=line):
        check_clips("training data", clips, 4, (3, None), small_config(action_size=size))


def test_what_fits_passes():
    check_clips("training data", dataset(), 4, (3, None), small_config(action_size=2))


@pytest.mark.parametrize("index", [0, 1])
def test_each_worker_has_its_rows_of_a_global_batch(index):
    strategy = types.SimpleNamespace(
        num_replicas_in_sync=2, distribute_datasets_from_function=lambda make: make(None)
    )
    group = object.__new__(WorkerGroup)  # two processes: tests/hosts
    group.index, group.size, group.strategy = index, 2, strategy
    whole, own = dataset(), slice(2 * index, 2 * index + 2)
    assert group.batch_size_in(whole, 4) == 4
    assert (
        group.batch_size_in(whole.map(lambda x: tf.nest.map_structure(lambda y: y[:2], x)), 4) == 2
    )
    expected, found = next(iter(whole)), next(group.local_batches(whole, 4))
    for name in ("frames", "actions"):
        np.testing.assert_array_equal(found[name], expected[name][own])
