"""PSNR and SSIM of single frames, as the paper's tables compute them (section 5 of the paper).

Both take targets and predictions whose leading axes broadcast, so that one truth
`[B, 1, T, H, W, C]` is scored against S samples `[B, S, T, H, W, C]` and everything that depends on
the truth alone is computed once per video. A video's score is the mean over its predicted frames.
"""

import numpy as np
import tensorflow as tf

WINDOW_SIZE = 11
WINDOW_SIGMA = 1.5
K1, K2 = 0.01, 0.03


def psnr(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Peak signal-to-noise ratio in dB: frames [..., H, W, C] in [0, 1] -> [...].

    10 log10(1 / mse) per frame AND channel, then the mean over channels. Predictions are clamped to
    [0, 1], not quantised. A channel copied exactly has mse 0, which makes its frame +inf.

    Args:
      target: float32 or float64; leading axes broadcast against those of `prediction`.
      prediction: same dtype and same H, W, C.

    Raises:
      ValueError: the frames differ in dtype or size, or are not floating point.
    """
    target, prediction = _checked_frames(target, prediction)
    error = tf.reduce_mean(tf.math.squared_difference(target, prediction), axis=[-3, -2])
    decibels = tf.math.log(error) * tf.constant(-10.0 / np.log(10.0), error.dtype)
    return tf.reduce_mean(decibels, axis=-1)


def ssim(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Structural similarity (Wang et al., 2004): frames [..., H, W, C] -> [...] in [-1, 1].

    Frames are in [0, 1]. 11x11 Gaussian window with sigma 1.5, no padding, K = (0.01, 0.03), per
    channel, averaged over channels and window positions. Predictions are clamped to [0, 1], not
    quantised.

    Args:
      target: float32 or float64; leading axes broadcast against those of `prediction`.
      prediction: same dtype and same H, W, C; H and W at least 11.

    Raises:
      ValueError: the frames differ in dtype or size, are not floating point, or are smaller than
        the window.
    """
    target, prediction = _checked_frames(target, prediction)
    dtype = target.dtype
    height, width, channels = target.shape[-3:]
    if min(height, width) < WINDOW_SIZE:
        raise ValueError(
            f"SSIM needs frames of at least {WINDOW_SIZE} x {WINDOW_SIZE} pixels, "
            f"got {height} x {width}"
        )
    target = _planes(tf.cast(target, _product_dtype(dtype)), channels)
    prediction = _planes(tf.cast(prediction, target.dtype), channels)

    # With d = prediction - target, SSIM = l * cs where
    #   l  = a / (a + E[d]^2),  a = 2 E[target] E[prediction] + c1,
    #   cs = b / (b + var d),   b = 2 cov(target, prediction) + c2.
    # The textbook form subtracts nearly equal variances when the prediction is good; this one does
    # not, needs three filtered maps per sample and two per target, and is exactly 1 where d is 0.
    # Second moments are taken about mid-grey, which keeps float32 from losing them on white.
    difference = prediction - target
    centred = target - 0.5
    centred_mean = _smooth(centred)
    target_variance = _smooth(tf.square(centred)) - tf.square(centred_mean)
    difference_mean = _smooth(difference)
    difference_variance = _smooth(tf.square(difference)) - tf.square(difference_mean)
    covariance_gain = _smooth(centred * difference) - centred_mean * difference_mean

    target_mean = centred_mean + 0.5
    a = 2.0 * target_mean * (target_mean + difference_mean) + K1**2
    b = 2.0 * (target_variance + covariance_gain) + K2**2
    similarity = a / (a + tf.square(difference_mean)) * (b / (b + difference_variance))
    return tf.cast(tf.reduce_mean(similarity, axis=[-3, -2, -1]), dtype)


def _checked_frames(target: tf.Tensor, prediction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Frames as tensors of one dtype and one static size, the predictions clamped to [0, 1]."""
    target, prediction = tf.convert_to_tensor(target), tf.convert_to_tensor(prediction)
    if target.dtype != prediction.dtype or target.dtype not in (tf.float32, tf.float64):
        raise ValueError(
            "frames must both be float32 or both float64, got "
            f"target {target.dtype.name} and prediction {prediction.dtype.name}"
        )
    size = target.shape[-3:]
    if size.rank != 3 or not size.is_fully_defined() or size != prediction.shape[-3:]:
        raise ValueError(
            "target and prediction need the same static [H, W, C], got "
            f"{target.shape} and {prediction.shape}"
        )
    return target, tf.clip_by_value(prediction, 0.0, 1.0)


def _product_dtype(dtype: tf.DType) -> tf.DType:
    """The dtype to filter in: TF32 matrix products on a GPU keep 10 bits, too few for SSIM."""
    rounds_products = tf.config.experimental.tensor_float_32_execution_enabled()
    if rounds_products and tf.config.list_physical_devices("GPU"):
        return tf.float64
    return dtype


def _planes(frames: tf.Tensor, channels: int) -> tf.Tensor:
    """[..., H, W, C] -> [..., C, H, W]; a mere reshape for grey frames."""
    if channels == 1:
        return tf.expand_dims(tf.squeeze(frames, axis=-1), axis=-3)
    return tf.einsum("...hwc->...chw", frames)


def _smooth(planes: tf.Tensor) -> tf.Tensor:
    """Gaussian means over every full window: [..., H, W] -> [..., W - 10, H - 10], transposed.

    The separable filter is two products with banded matrices. At 64 pixels these hold five zeros
    per tap, yet run several times as fast on CPU as shifts or depthwise convolutions of few
    channels. Only matrices are multiplied: TF 2.21's oneDNN product of a rank-4 tensor with a
    matrix corrupts memory (tensorflow/tensorflow#117700).
    """
    height, width = planes.shape[-2:]
    rows = tf.matmul(
        tf.reshape(planes, [-1, width]), _window_matrix(width, planes.dtype), transpose_b=True
    )
    columns = tf.transpose(tf.reshape(rows, [-1, height, width - WINDOW_SIZE + 1]), [0, 2, 1])
    means = tf.matmul(
        tf.reshape(columns, [-1, height]), _window_matrix(height, planes.dtype), transpose_b=True
    )
    positions = [width - WINDOW_SIZE + 1, height - WINDOW_SIZE + 1]
    return tf.reshape(means, tf.concat([tf.shape(planes)[:-2], positions], axis=0))


def _window_matrix(size: int, dtype: tf.DType) -> tf.Tensor:
    """[size - 10, size]; row p holds the normalised window on pixels p..p+10."""
    offsets = np.arange(WINDOW_SIZE, dtype=np.float64) - (WINDOW_SIZE - 1) / 2
    window = np.exp(-0.5 * np.square(offsets / WINDOW_SIGMA))
    window /= window.sum()
    positions = size - WINDOW_SIZE + 1
    matrix = np.zeros((positions, size), np.float64)
    for position in range(positions):
        matrix[position, position : position + WINDOW_SIZE] = window
    return tf.constant(matrix, dtype)
