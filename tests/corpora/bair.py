"""A stand-in for BAIR: `softmotion30_44k/{train,test}/traj_*.tfrecords` of a simulated arm.

    python -m tests.corpora.bair --output_dir=/tmp/bair --num_videos=64

Features are those of the real files: of each frame both cameras' raw bytes, the hand's position and
the action. Video i of a part is always the same, whatever the number of videos, files or processes.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import os
from pathlib import Path

import numpy as np

from data_pipelines.storage.worker_pool import quiet_stderr
from tests.corpora.arm import push_cubes

FOLDER = "softmotion30_44k"
NUM_FRAMES = 30
SIZE = 64
_PARTS = ("train", "test")


def make_bair(output_dir, num_videos=32, num_test_videos=8, videos_per_file=8, workers=1):
    """Write the corpus; returns its folder."""
    counts = dict(zip(_PARTS, (num_videos, num_test_videos), strict=True))
    wanted = [(part, index) for part, count in counts.items() for index in range(count)]
    with contextlib.ExitStack() as stack:
        if workers == 1:
            videos = map(_video, wanted)
        else:
            # Spawned, as a process in which TensorFlow runs must not be forked.
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(workers))
            videos = pool.imap(_video, wanted)
        for part, count in counts.items():
            folder = Path(output_dir, FOLDER, part)
            folder.mkdir(parents=True, exist_ok=True)
            for first in range(0, count, videos_per_file):
                end = min(first + videos_per_file, count)
                path = folder / f"traj_{first}_to_{end - 1}.tfrecords"
                _write(path, itertools.islice(videos, end - first))
    return Path(output_dir)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--num_videos", type=int, default=32, help="training videos")
    parser.add_argument("--num_test_videos", type=int, default=8)
    parser.add_argument("--videos_per_file", type=int, default=8)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    print(make_bair(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
