"""Random numbers with addresses: a counter-based generator over tensors of addresses.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) maps a 64-bit
key and a 128-bit counter to 128 random bits, with no state in between. The key is the user's seed;
the counter spells out what the number is for: (purpose, example, index, frame). A number therefore
never depends on the device, the batch, the worker or on what else was asked for.

TensorFlow's own stateless operations use the same generator but take one key and one contiguous
range of counters a call; here every element carries its own address, so one call serves a batch of
videos, samples and frames. `tests/models/test_rng.py` checks the bits against TensorFlow's.
"""

import enum
import math

import tensorflow as tf

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MASK = 0xFFFFFFFF
_WORDS = 4  # 32-bit words made from one counter
_PURPOSE_SHIFT = 24  # the first counter word: purpose in 8 bits, block of four words in 24


class Purpose(enum.IntEnum):
    """What a number is drawn for; part of its address. Never renumber: saved runs depend on it."""

    FOLD = 0
    TRAIN_STATE = 1  # eps of y_1
    TRAIN_LATENT = 2  # eps of z_t
    TRAIN_CONTENT_FRAMES = 3
    TRAIN_SKIP_FRAME = 4
    PREDICT_STATE = 5
    PREDICT_LATENT = 6
    TRAIN_DECODED_FRAMES = 7


def philox(key: tuple, counter: tuple) -> tuple[tf.Tensor, ...]:
    """Philox4x32-10.

    Args:
        key: two integer tensors, broadcastable, values in [0, 2^32).
        counter: four integer tensors, broadcastable, values in [0, 2^32).

    Returns:
        Four int64 tensors of the broadcast shape, values in [0, 2^32).
    """
    k0, k1 = (tf.cast(word, tf.int64) for word in key)
    c0, c1, c2, c3 = (tf.cast(word, tf.int64) for word in counter)
    for _ in range(_ROUNDS):
        # int64 products wrap; masking both halves recovers the exact unsigned 64-bit product.
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            _high(product1) ^ c1 ^ k0,
            product1 & _MASK,
            _high(product0) ^ c3 ^ k1,
            product0 & _MASK,
        )
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def random_bits(
    seed: int | tf.Tensor,
    purpose: Purpose,
    size: int,
    *,
    example: int | tf.Tensor = 0,
    index: int | tf.Tensor = 0,
    frame: int | tf.Tensor = 0,
) -> tf.Tensor:
    """Random 32-bit words at the addresses (seed, purpose, example, index, frame).

    Args:
        seed: integer or integer tensor; all 64 bits count.
        purpose: a `Purpose`.
        size: number of words per address; a larger size extends a smaller one.
        example, index, frame: integers or integer tensors in [0, 2^32); with `seed` they broadcast
            to the shape of the addresses [...].

    Returns:
        int64 [..., size], uniform in [0, 2^32).
    """
    blocks = -(-size // _WORDS)
    seed = tf.cast(seed, tf.int64)[..., None]
    first = (int(purpose) << _PURPOSE_SHIFT) + tf.range(blocks, dtype=tf.int64)
    rest = [tf.cast(word, tf.int64)[..., None] & _MASK for word in (example, index, frame)]
    words = philox((seed & _MASK, _high(seed)), (first, *rest))
    shape = tf.shape(words[0])
    bits = tf.reshape(tf.stack(words, axis=-1), tf.concat([shape[:-1], [blocks * _WORDS]], 0))
    return bits[..., :size]


def normal(
    seed: int | tf.Tensor, purpose: Purpose, size: int, **address: int | tf.Tensor
) -> tf.Tensor:
    """Standard normal draws, float32 [..., size], addressed as in `random_bits` (Box-Muller)."""
    pairs = -(-size // 2)
    bits = random_bits(seed, purpose, 2 * pairs, **address)
    # (k + 1/2) / 2^32 keeps the logarithm finite at k = 0. Kernels may round an element differently
    # by its place in the tensor; computed in float64, that is lost in the final rounding.
    uniform = (tf.cast(bits, tf.float64) + 0.5) * 2.0**-32
    radius = tf.sqrt(-2.0 * tf.math.log(uniform[..., 0::2]))
    angle = (2.0 * math.pi) * uniform[..., 1::2]
    draws = tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=-1)
    draws = tf.reshape(draws, tf.concat([tf.shape(radius)[:-1], [2 * pairs]], 0))
    return tf.cast(draws[..., :size], tf.float32)


def fold(seed: int | tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """A new seed from `seed` and an integer, e.g. one per validation step.

    Both are integers or integer tensors [...]; the new seed is int64 of their broadcast shape.
    """
    words = random_bits(seed, Purpose.FOLD, 2, example=data)
    return words[..., 0] | tf.bitwise.left_shift(words[..., 1], tf.constant(32, tf.int64))


def _high(product: tf.Tensor):
    """Upper 32 bits of an int64 read as unsigned (the shift itself is arithmetic)."""
    return tf.bitwise.right_shift(product, tf.constant(32, tf.int64)) & _MASK
