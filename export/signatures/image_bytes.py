"""PNG and JPEG images in the graph: decoded and fitted as the pipelines do, and written."""

import functools

import tensorflow as tf

from export.signatures.validity import where_valid

MAX_IMAGE_PIXELS = 1 << 24
"""Of one image; a header that asks for more is broken or meant to fill the memory."""

MAX_SCANS = 64
"""Of a progressive JPEG: each goes over the whole picture for a few bytes; usual are 10."""

# The decoder unpacks all that follows a header, a thousand times what there is of it at most.
_PNG_BYTES_PER_PIXEL = 9  # 4 channels of 16 bits, and the filters of the rows
_PNG_OTHER_BYTES = 1 << 18  # profiles and notes

# Each has images of up to `MAX_IMAGE_PIXELS` in memory, whatever the batch and the machine.
_DECODERS = 2

# ITU-R BT.601, as JPEG and the pipelines have it.
_LUMA = (0.299, 0.587, 0.114)
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_SCAN = b"\xff\xda"


def decode_videos(image_bytes: tf.Tensor, size: int, channels: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Images bytes [B, T] -> (frames float32 [B, T, size, size, channels] in [0, 1], valid [B]).

    Each image is cut to its central square and resized: areas are averaged where it shrinks, and it
    grows by bicubic interpolation. Transparent parts lie on white; for one channel colours become
    their luma. The result has the values k / 255. A video with an image that is neither PNG nor
    JPEG, broken, or of more than `MAX_IMAGE_PIXELS` is not valid, and all zeros.

    This is what the pipelines make of the same pixels. PNG of 16 bits a channel are cut to 8, not
    rounded, and a JPEG's orientation mark is not heeded.
    """
    shape = tf.shape(image_bytes)
    flat = tf.reshape(image_bytes, [-1])
    count = tf.size(flat, tf.int64)
    decode = functools.partial(_decode, size=size, channels=channels)
    # A failure inside a dataset can be passed over; anywhere else it fails the whole batch.
    images = (
        tf.data.Dataset.from_tensor_slices((tf.range(count), flat))
        .map(lambda index, image: (index, decode(image)), num_parallel_calls=_DECODERS)
        .ignore_errors()
        .batch(tf.maximum(count, 1))
    )
    nothing = tf.zeros([0], tf.int64), tf.zeros([0, size, size, channels], tf.uint8)
    indices, decoded = images.reduce(nothing, lambda _, batch: batch)
    frames = tf.scatter_nd(indices[:, None], decoded, [count, size, size, channels])
    is_read = tf.scatter_nd(indices[:, None], tf.ones_like(indices), count[None]) > 0
    valid = tf.reduce_all(tf.reshape(is_read, shape), axis=1)
    num_frames = image_bytes.shape[1] or shape[1]
    frames = tf.reshape(frames, [-1, num_frames, size, size, channels])
    return where_valid(valid, tf.cast(frames, tf.float32) / 255.0), valid


def encode_videos(frames: tf.Tensor) -> tf.Tensor:
    """Frames [B, K, H, W, C] in [0, 1] -> PNG images bytes [B, K], quantised as floor(255 x)."""
    pixels = tf.floor(255.0 * tf.clip_by_value(frames, 0.0, 1.0))
    return tf.io.encode_png(tf.cast(pixels, tf.uint8))


def _decode(image: tf.Tensor, size: int, channels: int) -> tf.Tensor:
    """One image -> uint8 [size, size, channels]; fails if it cannot be read."""
    is_png = tf.strings.substr(image, 0, len(_PNG)) == _PNG
    pixels, is_grey = tf.cond(is_png, lambda: _decode_png(image), lambda: _decode_jpeg(image))
    shape = tf.shape(pixels)
    side = tf.minimum(shape[0], shape[1])
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    square = tf.cast(pixels[top : top + side, left : left + side], tf.float32)
    fitted = tf.case(
        [
            (side > size, lambda: tf.image.resize(square, [size, size], "area")),
            (side < size, lambda: tf.image.resize(square, [size, size], "bicubic")),
        ],
        default=lambda: square,
    )
    if channels == 1:
        luma = tf.reduce_sum(fitted * tf.constant(_LUMA), axis=-1, keepdims=True)
        fitted = tf.where(is_grey, fitted[..., :1], luma)
    rounded = tf.cast(tf.round(tf.clip_by_value(fitted, 0.0, 255.0)), tf.uint8)
    return tf.ensure_shape(rounded, [size, size, channels])


def _decode_png(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A PNG -> (uint8 [H, W, 3], whether it is grey)."""
    header = tf.cast(tf.io.decode_raw(tf.strings.substr(image, 16, 10), tf.uint8), tf.int64)
    width, height = (
        tf.reduce_sum(header[i : i + 4] * (1 << 24, 1 << 16, 1 << 8, 1)) for i in (0, 4)
    )
    most = _PNG_BYTES_PER_PIXEL * width * height + _PNG_OTHER_BYTES
    length = tf.strings.length(image)
    has_few = tf.debugging.Assert(tf.cast(length, tf.int64) <= most, ["image of", length, "bytes"])
    with tf.control_dependencies([_assert_sane(width, height), has_few]):
        rgba = tf.io.decode_png(image, channels=4)
        bits, is_palette = header[8], header[9] == 3
        # A file's own alpha shows as a fourth channel, but for grey, where it is 0 or 255 alone.
        has_alpha = tf.cond(
            tf.logical_and(bits < 8, is_palette),
            lambda: tf.shape(tf.io.decode_png(image))[-1] == 4,
            lambda: False,
        )
    alpha = tf.cast(rgba[..., 3:], tf.int32)
    # Of less than 8 bits, TensorFlow gives opaque images an alpha of 2^bits - 1.
    opaque = tf.bitwise.left_shift(1, tf.cast(tf.minimum(bits, 8), tf.int32)) - 1
    alpha = tf.where(tf.logical_or(alpha != opaque, has_alpha), alpha, 255)
    on_white = tf.cast(rgba[..., :3], tf.int32) * alpha + 255 * (255 - alpha)
    return tf.cast((on_white + 127) // 255, tf.uint8), header[9] & 3 == 0


def _decode_jpeg(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A JPEG -> (uint8 [H, W, 3], whether it is grey)."""
    is_jpeg = tf.debugging.Assert(tf.strings.substr(image, 0, len(_JPEG)) == _JPEG, ["no image"])
    scans = tf.size(tf.strings.split(image, _SCAN)) - 1
    has_few = tf.debugging.Assert(scans <= MAX_SCANS, ["image of", scans, "scans"])
    with tf.control_dependencies([is_jpeg, has_few]):
        shape = tf.cast(tf.io.extract_jpeg_shape(image), tf.int64)
    with tf.control_dependencies([_assert_sane(shape[0], shape[1])]):
        # The accurate transform is the one that other software takes.
        pixels = tf.io.decode_jpeg(image, channels=3, dct_method="INTEGER_ACCURATE")
    return pixels, shape[2] == 1


def _assert_sane(width: tf.Tensor, height: tf.Tensor):
    is_sane = tf.logical_and(tf.minimum(width, height) > 0, width * height <= MAX_IMAGE_PIXELS)
    return tf.debugging.Assert(is_sane, ["image of", width, "x", height])
