"""Speed of preparing a corpus beside a bare loop of its calls: `python -m benchmarks.preparation`.

Encodes some videos like the corpora's, then measures the loop that decodes and resizes (what the
preparation does to a frame, and nothing else) and the preparation, from files to shards, in one
process, by CPU time; and by how much two processes are faster than one, by the clock, which needs
two idle cores. Medians over interleaved rounds; the start of processes (seconds, once) is measured
on missing files and left out.
"""

import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness import interleave, parser_of, print_table
from srvp_tf.config.tensorflow_start import load_tensorflow
from tests.corpora.encoding import write_video

PIXELS = "yuv420p"
# corpus: (videos, frames of each, file, codec, its options, width, height in pixels)
CORPORA = {
    "kth": (64, 480, "kth.avi", "mpeg4", {"qscale": "4"}, 160, 120),
    "human36m": (8, 75, "human36m.mp4", "libx264", {"crf": "23"}, 1000, 1000),
}


def main():
    """Print the table."""
    parser_of(__doc__).parse_args()
    load_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        print_table(row(name, Path(folder)) for name in CORPORA)


def row(name, folder):
    """The row of a corpus."""
    from data_pipelines.corpora.builders.human36m import Human36mVideo
    from data_pipelines.corpora.builders.kth import KthVideo

    num_videos, num_frames, file, codec, options, *size = CORPORA[name]
    write_video(folder / file, moving_texture(num_frames, *size), encoder=(codec, PIXELS, options))
    source = {"kth": KthVideo, "human36m": Human36mVideo}[name]
    copies = [shutil.copy(folder / file, folder / f"{i}{file}") for i in range(num_videos)]
    sources = [source(Path(copy), 64) for copy in copies]
    variants = {"loop": functools.partial(decode, sources)}
    for workers in (1, 2):
        missing = [KthVideo(folder / f"missing{i}.avi", 64) for i in range(workers)]
        variants[workers] = functools.partial(write, sources, folder, workers)
        variants[workers, "start"] = functools.partial(write, missing, folder, workers)
    timings = interleave(variants, rounds=3)
    (_, loop), (_, one) = timings["loop"], timings[1]
    seconds = [(timings[workers] - timings[workers, "start"])[0] for workers in (1, 2)]
    frames = num_videos * num_frames
    return {
        "corpus": name,
        "bare loop, frames per CPU s": f"{frames / loop:.0f}",
        "one process (of it)": f"{frames / one:.0f} ({loop / one:.2f})",
        "two over one": f"{seconds[0] / seconds[1]:.2f}",
    }


def decode(sources):
    """Decode and resize all frames."""
    for source in sources:
        for _ in source.videos():
            pass


def write(sources, folder, workers):
    """Write the shards of some sources."""
    from data_pipelines.storage.shard_files import plan, shard_path
    from data_pipelines.storage.worker_pool import write_shards

    with tempfile.TemporaryDirectory(dir=folder) as staging:
        shards = plan("train", sources, 1)
        for _ in write_shards({shard_path(Path(staging), x): x for x in shards}, workers):
            pass


def moving_texture(num_frames, width, height):
    """Frames [height, width, 3]."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    texture = np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    for t in range(num_frames):
        yield np.ascontiguousarray(np.roll(texture, (t, 2 * t), (0, 1)))


if __name__ == "__main__":
    main()
