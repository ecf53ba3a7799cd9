"""GIF files with every frame, the right duration and one palette for the whole video."""

from collections.abc import Sequence

import numpy as np

from srvp_tf.errors import UserError
from srvp_tf.video.canvas import GREEN, RED, WHITE

MAX_FPS = 50
PALETTE_SIZE = 255
SAMPLED_PIXELS = 1 << 15


def write_gif(path: str, pictures: Sequence[np.ndarray], fps: float) -> None:
    """Writes uint8 [H, W, 3] pictures as an endless loop; durations add up to T / fps.

    Exact where the pictures hold at most 255 colours; otherwise each is mapped to the nearest of
    255 chosen for the whole video (one palette, so that still pixels do not flicker).

    Raises:
      UserError: more than 50 frames a second, which no viewer plays.
    """
    from PIL import Image

    if fps > MAX_FPS:
        raise UserError(f"a GIF plays at most {MAX_FPS} frames a second, got fps {fps:g}; use .mp4")
    palette, indexed = _index_colours(pictures)
    white = int(np.argmax((palette == WHITE).all(axis=-1)))
    _keep_equal_frames(indexed, white, twin=len(palette))
    palette = np.concatenate([palette, [WHITE]])
    images = []
    for indices in indexed:
        image = Image.fromarray(indices)
        image.putpalette(palette.astype(np.uint8).tobytes())
        images.append(image)
    # GIF counts hundredths of a second: rounding the end of each frame, not its duration, keeps
    # the whole video in time.
    ends = [round(100 * time / fps) for time in range(len(images) + 1)]
    durations = [10 * (end - start) for start, end in zip(ends, ends[1:], strict=False)]
    images[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        optimize=False,
        disposal=1,
    )


def _keep_equal_frames(indexed: Sequence[np.ndarray], white: int, twin: int) -> None:
    """Makes equal consecutive frames differ where nobody sees it, in place.

    Pillow merges them, which would change the number of frames. The last pixel, always white page,
    alternates between two palette entries that are both white.
    """
    previous = None
    for indices in indexed:
        assert indices[-1, -1] == white
        if previous is not None and np.array_equal(indices.flat[:-1], previous.flat[:-1]):
            indices[-1, -1] = white if previous[-1, -1] == twin else twin
        previous = indices


def _index_colours(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """uint8 [H, W, 3] pictures -> one palette, uint8 [K <= 255, 3], and indices, uint8 [H, W]."""
    codes = [_codes(picture) for picture in pictures]
    seen = np.zeros(1 << 24, bool)
    seen[_codes(np.array(WHITE))] = True
    for picture_codes in codes:
        seen[picture_codes] = True
    used = np.flatnonzero(seen)
    colours = np.stack([used >> 16, used >> 8 & 255, used & 255], axis=-1).astype(np.uint8)
    table = np.zeros(1 << 24, np.uint8)
    if len(colours) <= PALETTE_SIZE:
        palette = colours
        table[used] = np.arange(len(colours))
    else:
        palette = _choose_palette(pictures)
        table[used] = _nearest(colours, palette)
    return palette, [table[picture_codes] for picture_codes in codes]


def _choose_palette(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The page's own colours and a median cut, refined, of sampled pixels: uint8 [255, 3]."""
    from PIL import Image

    page = np.array([WHITE, GREEN, RED], np.uint8)
    # At random: at even steps they could all lie in a few columns of the page.
    rng, share = np.random.default_rng(0), -(-SAMPLED_PIXELS // len(pictures))
    sample = np.concatenate([rng.choice(picture.reshape(-1, 3), share) for picture in pictures])
    sample = sample[~np.isin(_codes(sample), _codes(page))]
    cut = Image.fromarray(sample[None]).quantize(
        PALETTE_SIZE - len(page), method=Image.Quantize.MEDIANCUT, kmeans=1
    )
    chosen = np.frombuffer(bytes(cut.getpalette()), np.uint8).reshape(-1, 3)
    return np.concatenate([page, chosen[: PALETTE_SIZE - len(page)]])


def _nearest(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Index of the palette entry at the least squared distance: [N, 3], [K, 3] -> uint8 [N]."""
    entries = palette.astype(np.float32)
    nearest = np.empty(len(colours), np.uint8)
    for start in range(0, len(colours), 1 << 14):
        block = colours[start : start + (1 << 14)].astype(np.float32)
        # |c - p|^2 without |c|^2; exact, as all terms are integers below 2^24.
        nearest[start : start + len(block)] = np.argmin(
            np.square(entries).sum(axis=-1) - 2 * block @ entries.T, axis=-1
        )
    return nearest


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Pixels [..., 3] -> int32 0xRRGGBB [...]."""
    red, green, blue = np.moveaxis(np.asarray(pixels, np.int32), -1, 0)
    return red << 16 | green << 8 | blue
