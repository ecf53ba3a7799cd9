"""Floating-point operations of our networks' convolutions, counted from their shapes.

What is left to do is counted: the halves that a video's frames share once per video, an upsampled
convolution as 4 products per output. A product and its sum are two operations; taps that meet the
zero padding are counted; what is not a convolution (some percent) is not.
"""

from srvp_tf.models.networks.linear_maps import LINEAR_MAPS

_PRODUCTS = {  # per output position and pair of channels
    "conv3": 9,
    "conv4_stride2": 16,
    "conv4_valid": 16,
    "transposed3": 9,
    "transposed4_stride2": 4,
    "expansion4": 1,
    "upsampled_conv3": 4,
}
_SHARED_PRODUCTS = _PRODUCTS | {"upsampled_conv3": 9}
assert _PRODUCTS.keys() == LINEAR_MAPS.keys()


def encoder_flops(model):
    """(of one frame, of its first convolution alone), forward."""
    size, total, first = model.config.frame_size, 0, None
    for i, stage in enumerate(model.encoder.stages):
        if i or not model.encoder.pooled:  # dcgan halves in its convolutions, vgg before them
            size //= 2
        for block in stage:
            total += _block_flops(block, size)[0]
            first = first or total
    return total + _block_flops(model.encoder.last, 1)[0], first


def decoder_flops(model):
    """(of one frame, of what all frames of a video share), forward."""
    decoder, size = model.decoder, 4
    per_frame, per_video = _block_flops(decoder.first, size)
    for stage in decoder.stages:
        size *= 2
        for block in stage:
            own, shared = _block_flops(block, size)
            per_frame += own
            per_video += shared
    return per_frame, per_video


def training_flops(model, batch, num_frames):
    """Forward and backward of one training step on [batch, num_frames] clips.

    The backward pass has the forward one's cost twice: gradients of inputs and of kernels. Frames
    need no gradient, so that the first convolution is spared the former.
    """
    encoder, first = encoder_flops(model)
    per_frame, per_video = decoder_flops(model)
    return batch * (num_frames * (3 * (encoder + per_frame) - first) + 3 * per_video)


def _block_flops(block, size):
    """(own, shared) operations of a `ConvBlock` whose output is size x size."""
    c = block.get_config()
    outputs = 2 * size * size * c["filters"]
    own = outputs * _PRODUCTS[c["linear"]] * c["in_channels"]
    return own, outputs * _SHARED_PRODUCTS[c["linear"]] * c["shared_channels"]
