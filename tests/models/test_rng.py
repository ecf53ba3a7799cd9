"""Addressed random numbers: the published generator, the normal law, one address one number."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models import rng
from srvp_tf.models.rng import Purpose

ONES = 0xFFFFFFFF
# Random123's file of known answers (kat_vectors): counter, key, output of philox4x32-10.
KNOWN_ANSWERS = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize("counter, key, expected", KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(counter, key, expected):
    assert [int(word) for word in rng.philox(key, counter)] == expected


@pytest.mark.parametrize("seed", [0, -1, 2**40 + 3, -(2**63)])
@pytest.mark.parametrize("size", [4, 11])
def test_bits_are_those_of_tensorflows_own_generator(seed, size):
    purpose, example, index, frame = Purpose.TRAIN_LATENT, 7, ONES, 123_456_789
    first = int(purpose) << 24
    theirs = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[size],
        key=tf.constant([seed % 2**64], tf.uint64),
        counter=tf.constant([example << 32 | first, frame << 32 | index], tf.uint64),
        alg=1,  # Philox
        dtype=tf.uint32,
    )
    ours = rng.random_bits(seed, purpose, size, example=example, index=index, frame=frame)
    np.testing.assert_array_equal(ours, theirs.numpy().astype(np.int64))


def test_normal_is_box_muller_of_the_bits():
    address = {"example": tf.range(1000), "index": 3, "frame": 5}
    bits = rng.random_bits(9, Purpose.TRAIN_STATE, 6, **address).numpy()
    u = (bits + 0.5) / 2.0**32
    radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(1000, 6)
    draws = rng.normal(9, Purpose.TRAIN_STATE, 6, **address)
    assert draws.dtype == tf.float32
    np.testing.assert_allclose(draws, expected, rtol=1e-6)


def test_an_element_depends_on_its_own_address_alone():
    seed = tf.constant([3, -8, 2**50])[:, None, None]
    example, index = tf.range(4)[:, None], tf.constant([0, 9, ONES])
    batch = rng.normal(seed, Purpose.PREDICT_LATENT, 5, example=example, index=index, frame=2)
    assert batch.shape == (3, 4, 3, 5)
    for i, j, k in np.ndindex(3, 4, 3):
        alone = rng.normal(
            int(seed[i, 0, 0]), Purpose.PREDICT_LATENT, 5, example=j, index=int(index[k]), frame=2
        )
        np.testing.assert_array_equal(batch[i, j, k], alone)


@pytest.mark.parametrize("draw", [rng.random_bits, rng.normal])
def test_a_larger_size_extends_a_smaller_one(draw):
    whole = draw(3, Purpose.TRAIN_STATE, 13, example=tf.range(5))
    for size in (1, 2, 4, 11):
        part = draw(3, Purpose.TRAIN_STATE, size, example=tf.range(5))
        np.testing.assert_array_equal(part, whole[:, :size])


def test_purposes_keep_their_numbers():
    assert {p.name: int(p) for p in Purpose} == {
        "FOLD": 0,
        "TRAIN_STATE": 1,
        "TRAIN_LATENT": 2,
        "TRAIN_CONTENT_FRAMES": 3,
        "TRAIN_SKIP_FRAME": 4,
        "PREDICT_STATE": 5,
        "PREDICT_LATENT": 6,
        "TRAIN_DECODED_FRAMES": 7,
    }


def test_fold_makes_new_64_bit_seeds():
    data = tf.range(2000)
    folded = rng.fold(5, data)
    words = rng.random_bits(5, Purpose.FOLD, 2, example=data).numpy()
    assert folded.dtype == tf.int64
    expected = (words[:, 0] + words[:, 1] * 2**32).astype(np.int64)
    np.testing.assert_array_equal(folded, expected)
    assert len(np.unique(folded)) == 2000
    assert 900 < np.sum(folded < 0) < 1100
    np.testing.assert_array_equal(rng.fold(5, 17), folded[17])
    assert rng.fold(5 + 2**32, 17) != folded[17]


@pytest.mark.parametrize("bits", list(itertools.product([0, 2**32 - 1], repeat=2)))
def test_normal_is_finite_at_the_extremes_of_the_bits(monkeypatch, bits):
    monkeypatch.setattr(rng, "random_bits", lambda *_, **__: tf.constant([bits], tf.int64))
    draws = rng.normal(0, Purpose.TRAIN_STATE, 2).numpy()
    assert np.isfinite(draws).all()
    radius = np.sqrt(-2 * np.log((bits[0] + 0.5) / 2**32))
    np.testing.assert_allclose(np.linalg.norm(draws), radius, atol=2e-5)
