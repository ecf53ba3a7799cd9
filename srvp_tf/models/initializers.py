"""The published distributions of initial weights. Others diverge on deep rollouts."""

import zlib

import keras


def child_seed(seed: int | None, name: str) -> int | None:
    """Seed of the part called `name` in a layer seeded with `seed` (None stays None)."""
    return None if seed is None else zlib.crc32(f"{seed}/{name}".encode())


def uniform(fan_in: int, seed: int | None) -> keras.initializers.Initializer:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)), for kernels and biases of affine maps and LSTMs."""
    bound = fan_in**-0.5
    return keras.initializers.RandomUniform(-bound, bound, seed=seed)


def normal_kernel(stddev: float, seed: int | None) -> keras.initializers.Initializer:
    """N(0, stddev^2)."""
    return keras.initializers.RandomNormal(0.0, stddev, seed=seed)


def convolution(seed: int | None) -> keras.initializers.Initializer:
    """N(0, 0.02^2), for every (transposed) convolution kernel."""
    return normal_kernel(0.02, seed)


def norm_scale(seed: int | None) -> keras.initializers.Initializer:
    """N(1, 0.02^2), for the scale of batch normalisation."""
    return keras.initializers.RandomNormal(1.0, 0.02, seed=seed)


def orthogonal(gain: float, seed: int | None) -> keras.initializers.Initializer:
    """Orthogonal with a gain, for the kernels of the residual function f."""
    return keras.initializers.Orthogonal(gain, seed=seed)
