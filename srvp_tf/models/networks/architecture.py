"""Widths of the two convolutional families for every frame size.

A family has one stage per factor of two between the frame and a 4 x 4 map: `dcgan` halves before
each of its stages' outputs, `vgg` between its stages. 64 x 64 is the paper's; other sizes have one
stage more or fewer, of 8 nf filters at most.
"""

import math

LAST_MAP = 4  # the side of the map that the last encoder convolution reads and the decoder makes


def num_stages(frame_size: int) -> int:
    """Stages of encoder and decoder: 4 for frames of 64 x 64."""
    return int(math.log2(frame_size // LAST_MAP))


def stage_widths(frame_size: int, nf: int) -> list[int]:
    """Filters of each encoder stage, from the frame inwards: nf, 2 nf, 4 nf, 8 nf, 8 nf, ..."""
    return [nf * min(2**i, 8) for i in range(num_stages(frame_size))]


def stage_depths(frame_size: int) -> list[int]:
    """Convolutions of each `vgg` stage, from the frame inwards: 2, 2, 3, 3, 3, ..."""
    return [2 if i < 2 else 3 for i in range(num_stages(frame_size))]


def vgg_decoder_widths(frame_size: int, nf: int) -> list[list[int]]:
    """Filters of the convolutions of each `vgg` decoder stage, deepest first.

    A stage mirrors the encoder's of the same resolution, with its last convolution as wide as the
    next stage.
    """
    widths, depths = stage_widths(frame_size, nf), stage_depths(frame_size)
    stages = [
        [widths[i]] * (depths[i] - 1) + [widths[i - 1]] for i in reversed(range(1, len(widths)))
    ]
    return [*stages, [nf]]
