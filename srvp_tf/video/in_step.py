"""Videos that play beside each other: what is shown when, at their several frame rates."""

import numpy as np


def at_rate(
    observed: np.ndarray, predicted: np.ndarray, rate: int, ticks_per_frame: int
) -> tuple[np.ndarray, int]:
    """A prediction at `rate` frames per interval as a video of one frame per tick.

    Every frame stays until the next one is due: the last observed one too.

    Args:
        observed: uint8 [T, H, W, C], one frame per interval.
        predicted: uint8 [K * rate, H, W, C].
        rate: divides `ticks_per_frame`.
        ticks_per_frame: ticks in an interval.

    Returns:
        (uint8 [(T - 1 + K) * ticks_per_frame + 1, H, W, C], tick of the first prediction).
    """
    hold = ticks_per_frame // rate
    before = np.repeat(observed[:-1], ticks_per_frame, axis=0)
    after = np.repeat(np.concatenate([observed[-1:], predicted]), hold, axis=0)
    video = np.concatenate([before, after])
    return video[: len(video) - hold + 1], len(video) - hold * len(predicted)


def with_length(video: np.ndarray, length: int) -> np.ndarray:
    """A video uint8 [T, H, W, C] cut to `length` frames, or with white ones at its end."""
    video = video[:length]
    blank = np.full((length - len(video), *video.shape[1:]), 255, np.uint8)
    return np.concatenate([video, blank])
