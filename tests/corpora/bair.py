"""A stand-in for BAIR: `softmotion30_44k/{train,test}/traj_*.tfrecords` of a simulated arm.

    python -m tests.corpora.bair --output_dir=/tmp/bair --num_videos=64

Features are those of the real files: of each frame both cameras' raw bytes, the hand's position and
the action. Video i of a part is always the same, whatever the number of videos, files or processes.
"""

import itertools
import multiprocessing
from pathlib import Path

import numpy as np

from data_pipelines.storage.worker_pool import quiet_stderr
from tests.corpora import command
from tests.corpora.arm import push_cubes

FOLDER = "softmotion30_44k"
NUM_FRAMES = 30
SIZE = 64
_PARTS = ("train", "test")


def make_bair(output_dir, num_videos=32, num_test_videos=8, videos_per_file=8):
    """Write the corpus; returns {path: number of videos}."""
    counts = dict(zip(_PARTS, (num_videos, num_test_videos), strict=True))
    wanted = [(part, index) for part, count in counts.items() for index in range(count)]
    written = {}
    # Spawned, as a process in which TensorFlow runs must not be forked.
    with multiprocessing.get_context("spawn").Pool() as pool:
        videos = pool.imap(_video, wanted)
        for part, count in counts.items():
            folder = Path(output_dir, FOLDER, part)
            folder.mkdir(parents=True, exist_ok=True)
            for first in range(0, count, videos_per_file):
                end = min(first + videos_per_file, count)
                path = folder / f"traj_{first}_to_{end - 1}.tfrecords"
                _write(path, itertools.islice(videos, end - first))
                written[path] = end - first
    return written


def _video(address):
    """The frames of a video by (part, index)."""
    part, index = address
    return list(push_cubes(np.random.default_rng([_PARTS.index(part), index]), NUM_FRAMES, SIZE))


def _write(path, videos):
    with quiet_stderr():  # whatever TensorFlow has to say when it is loaded
        import tensorflow as tf

    temporary = path.with_suffix(".tmp")
    with tf.io.TFRecordWriter(str(temporary)) as writer:
        for video in videos:
            writer.write(record(video))
    temporary.rename(path)


def record(frames):
    """The record of a video, as the real files have them: cameras, positions and actions."""
    import tensorflow as tf

    example = tf.train.Example()
    feature = example.features.feature
    for i, frame in enumerate(frames):
        for camera, picture in frame.pictures.items():
            feature[f"{i}/{camera}/encoded"].bytes_list.value.append(picture.tobytes())
        feature[f"{i}/endeffector_pos"].float_list.value.extend(frame.position)
        feature[f"{i}/action"].float_list.value.extend(frame.action)
    return example.SerializeToString(deterministic=True)


if __name__ == "__main__":
    command.run(make_bair, __doc__)
