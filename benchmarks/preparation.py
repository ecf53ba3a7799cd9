"""Speed of preparing a corpus beside a bare loop of its calls: `python -m benchmarks.preparation`.

Encodes some videos like the corpora's, then measures the loop that decodes and resizes (what the
preparation does to a frame, and nothing else) and the preparation, from files to shards, in one
process, by CPU time; and by how much two processes are faster than one, by the clock, which needs
two idle cores. Medians over interleaved rounds; the start of processes (seconds, once) is measured
on missing files and left out.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import table

ROUNDS = 3
KTH_VIDEOS, KTH_FRAMES = 64, 480
HUMAN_VIDEOS, HUMAN_FRAMES = 8, 75


def main():
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, sources, num_frames in (
            ("kth", kth_sources(Path(folder)), KTH_VIDEOS * KTH_FRAMES),
            ("human36m", human36m_sources(Path(folder)), HUMAN_VIDEOS * HUMAN_FRAMES),
        ):
            bare, cpu, one, two = measure(sources, Path(folder))
            rows.append(
                [
                    name,
                    f"{num_frames / bare:.0f}",
                    f"{num_frames / cpu:.0f} ({bare / cpu:.2f})",
                    f"{one / two:.2f}",
                ]
            )
    header = ["corpus", "bare loop, frames per CPU s", "one process (of it)", "two over one"]
    print(table(header, rows))


def measure(sources, folder):
    """Medians over rounds: (CPU s of the loop, CPU s and seconds of one process, s of two)."""
    start = {n: statistics.median(start_time(folder, n) for _ in range(3)) for n in (1, 2)}
    rounds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for source in sources:
            for _ in source.videos():
                pass
        middle = time.process_time()
        one = write(sources, folder, 1)
        end = time.process_time()
        two = write(sources, folder, 2)
        rounds.append((middle - begin, end - middle, one - start[1], two - start[2]))
    return map(statistics.median, zip(*rounds, strict=True))


def write(sources, folder, workers):
    """Seconds to write the shards of some sources."""
    from data_pipelines.storage.shard_files import plan, shard_path
    from data_pipelines.storage.worker_pool import write_shards

    staging = Path(tempfile.mkdtemp(dir=folder))
    tasks = [(shard, shard_path(staging, shard)) for shard in plan("train", sources, 1)]
    begin = time.perf_counter()
    for _ in write_shards(tasks, workers):
        pass
    seconds = time.perf_counter() - begin
    shutil.rmtree(staging)
    return seconds


def start_time(folder, workers):
    """Seconds that the processes take to start: for shards of missing files."""
    from data_pipelines.corpora.builders.kth import KthVideo

    missing = [KthVideo(folder / f"missing{i}.avi", 64) for i in range(workers)]
    return write(missing, folder, workers)


def kth_sources(folder):
    """MPEG-4 files of 160 x 120 pixels."""
    from data_pipelines.corpora.builders.kth import KthVideo

    encode(folder / "kth.avi", "mpeg4", 160, 120, KTH_FRAMES, {"qscale": "4"})
    return copies(folder / "kth.avi", KTH_VIDEOS, KthVideo)


def human36m_sources(folder):
    """H.264 files of 1000 x 1000 pixels."""
    from data_pipelines.corpora.builders.human36m import Human36mVideo

    encode(folder / "human36m.mp4", "libx264", 1000, 1000, HUMAN_FRAMES, {"crf": "23"})
    return copies(folder / "human36m.mp4", HUMAN_VIDEOS, Human36mVideo)


def copies(path, count, source):
    """Sources for `count` copies of a file."""
    paths = [path.with_name(f"{path.stem}{i}{path.suffix}") for i in range(count)]
    return [source(Path(shutil.copy(path, copy)), 64) for copy in paths]


def encode(path, codec, width, height, num_frames, options):
    """Write a moving texture."""
    import av
    from PIL import Image

    coarse = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    texture = np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for t in range(num_frames):
            frame = np.ascontiguousarray(np.roll(texture, (t, 2 * t), (0, 1)))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
