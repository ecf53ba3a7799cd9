"""Tiny corpora in the folder layouts of the real ones, encoded on the fly."""

import numpy as np
import tensorflow as tf

from data_pipelines.corpora.preparation import make_builder, prepare
from tests.corpora.arm import Frame
from tests.corpora.bair import record


def write_bair(folder, files, count=30, seed=0):
    """TFRecords; files: {"train/name": videos}. Returns {name: uint8 [N, count, 64, 64, 3]}."""
    rng, written = np.random.default_rng(seed), {}
    for name, num_videos in files.items():
        path = folder / "softmotion30_44k" / f"{name}.tfrecords"
        path.parent.mkdir(parents=True, exist_ok=True)
        videos = rng.integers(0, 256, (num_videos, count, 64, 64, 3), np.uint8)
        with tf.io.TFRecordWriter(str(path)) as writer:
            for video in videos:
                writer.write(bair_record(video))
        written[name] = videos
    return written


def bair_record(frames):
    """A record of these frames of the first camera."""
    cameras = ({"image_aux1": frame, "image_main": 255 - frame} for frame in frames)
    return record(Frame(views, [0.5 * i] * 3, [0.5 * i] * 4) for i, views in enumerate(cameras))


def prepared(dataset, source_dir, data_dir, frame_size=64, **options):
    """Prepare in this process; returns the builder."""
    builder = make_builder(dataset, data_dir, frame_size, **options)
    assert prepare(builder, source_dir, workers=1) == 0
    return builder


def stored(builder, split):
    """{name: frames} of a split, read by TFDS, in order."""
    examples = builder.as_dataset(split=split).as_numpy_iterator()
    return {example["name"].decode(): example["video"] for example in examples}
