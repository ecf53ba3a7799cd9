"""Batch normalisation against its formula: which variance, which momentum, how many devices."""

import numpy as np
import pytest
import tensorflow as tf

from srvp_tf.models.networks.batch_norm import BatchNorm
from srvp_tf.training.strategy import mirrored_strategy

CHANNELS = 5


def random_layer(dtype="float32"):
    """A layer none of whose variables has its initial value."""
    layer = BatchNorm(CHANNELS, seed=0, dtype=dtype)
    layer.build()
    random = np.random.default_rng(1)
    for variable in (layer.scale, layer.offset, layer.mean, layer.variance):
        variable.assign(random.uniform(0.5, 2.0, CHANNELS))
    return layer


def random_input(batch=6, dtype=np.float64):
    x = np.random.default_rng(0).normal(2.0, 3.0, (batch, 3, 4, CHANNELS))
    return x.astype(dtype)


def numbers(layer):
    variables = (layer.scale, layer.offset, layer.mean, layer.variance)
    return tuple(v.numpy().astype(np.float64) for v in variables)


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 2e-6)])
def test_the_biased_variance_normalises_and_the_unbiased_one_is_kept(dtype, tolerance):
    layer, x = random_layer(dtype), random_input()
    scale, offset, mean, variance = numbers(layer)
    normalised = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    outputs = layer(tf.constant(x, dtype))
    np.testing.assert_allclose(outputs, normalised * scale + offset, atol=5 * tolerance)
    expected_mean = 0.9 * mean + 0.1 * x.mean((0, 1, 2))
    expected_variance = 0.9 * variance + 0.1 * x.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(layer.mean, expected_mean, rtol=tolerance)
    np.testing.assert_allclose(layer.variance, expected_variance, rtol=tolerance)


def test_inference_is_the_explicit_normalisation_with_the_running_statistics():
    layer, x = random_layer("float64"), random_input()
    scale, offset, mean, variance = numbers(layer)
    folded_scale, folded_offset = layer.affine()
    expected = scale * (x - mean) / np.sqrt(variance + 1e-5) + offset
    np.testing.assert_allclose(x * folded_scale + folded_offset, expected, rtol=1e-11)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_inputs_keep_their_dtype_and_statistics_stay_float32(dtype):
    layer, exact = random_layer(f"mixed_{dtype}"), random_layer()
    x = tf.cast(random_input(), dtype)
    outputs = layer(x)
    expected = exact(tf.cast(x, tf.float32))
    assert outputs.dtype == dtype
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, rtol=1e-2, atol=1e-2)
    assert layer.mean.value.dtype == tf.float32
    np.testing.assert_allclose(layer.variance, exact.variance, rtol=1e-5)


def run_on(devices, x):
    """Outputs, statistics and gradients of a layer whose batch is cut over `devices`."""
    strategy = mirrored_strategy(*devices)
    with strategy.scope():
        layer = random_layer()
    weights = np.random.default_rng(2).normal(size=x.shape).astype(np.float32)

    def replica(index):
        part = len(x) // len(devices)
        rows = tf.range(index * part, (index + 1) * part)
        inputs = tf.gather(x, rows)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(tf.gather(weights, rows) * outputs)
        by_input, *by_variable = tape.gradient(
            loss, [inputs, layer.scale.value, layer.offset.value]
        )
        context = tf.distribute.get_replica_context()
        by_variable = context.all_reduce(tf.distribute.ReduceOp.SUM, by_variable)
        return outputs, by_input, *by_variable

    @tf.function
    def step():
        index = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(context.replica_id_in_sync_group)
        )
        return strategy.run(replica, args=(index,))

    per_replica = [strategy.experimental_local_results(value) for value in step()]
    outputs, by_input = (np.concatenate(parts) for parts in per_replica[:2])
    by_variable = [parts[0].numpy() for parts in per_replica[2:]]
    copies = [
        [copy.numpy() for copy in strategy.experimental_local_results(v.value)]
        for v in (layer.mean, layer.variance)
    ]
    return [outputs, by_input, *by_variable, *(c[0] for c in copies)], copies


def test_two_replicas_are_one():
    x = random_input(8, np.float32)
    x[4:] += 5.0  # halves with different statistics
    one, _ = run_on(["/device:CPU:0"], x)
    two, copies = run_on(["/device:CPU:0", "/device:CPU:1"], x)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6 * np.abs(a).max())
    for first, second in copies:
        np.testing.assert_array_equal(first, second)
