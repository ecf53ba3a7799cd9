"""Training input from prepared corpora: `python -m benchmarks.stored_clips`.

Writes videos of random bytes as `prepare` stores them, in the number of frames, size and colours of
each corpus, and reads training batches of its published setting: clips a second on this machine,
page cache warm.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import parser_of, per_second, print_table
from srvp_tf.config.tensorflow_start import load_tensorflow

# corpus: (videos, frames of each, channels, frames of a clip, stride, batch, epochs)
CORPORA = {
    "kth": (120, 480, 1, 20, 1, 100, False),
    "human36m": (12, 2400, 3, 16, 8, 100, False),
    "bair": (800, 30, 3, 12, 1, 192, True),
}
SIZE, SECONDS = 64, 4.0


def main():
    """Print the table."""
    parser_of(__doc__).parse_args()
    load_tensorflow()
    print_table({"corpus": name} | row(*CORPORA[name]) for name in CORPORA)


def row(num_videos, num_frames, channels, length, stride, batch_size, epochs):
    """Clips a second from the pipeline."""
    import tensorflow as tf

    from data_pipelines.moving_mnist.draws import ClipRows
    from data_pipelines.storage.clip_pipeline import clip_batches
    from data_pipelines.storage.record_files import map_videos
    from data_pipelines.storage.shard_files import serialize
    from data_pipelines.storage.stored_videos import StoredVideos

    shape = (SIZE, SIZE, channels)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "videos.tfrecord")
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(num_videos):
                frames = rng.integers(0, 256, (num_frames, *shape), np.uint8)
                writer.write(serialize(str(number), frames))
        videos = StoredVideos(map_videos(path, shape), shape)
        clips = ClipRows(0, 1, batch_size, range(batch_size))
        options = {"length": length, "stride": stride, "epochs": epochs}
        batches = iter(clip_batches(videos, (0, "b"), clips, **options))
        next(batches)
        read = per_second(lambda: next(batches), SECONDS)[0] * batch_size
    return {"clips/s": f"{read:.0f}"}


if __name__ == "__main__":
    main()
