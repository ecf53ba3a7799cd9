"""Videos for people: grids with green and red frames, film strips, and the files that hold them."""

from srvp_tf.video.canvas import strip, to_uint8
from srvp_tf.video.files import write_video

__all__ = ["strip", "to_uint8", "write_video"]
