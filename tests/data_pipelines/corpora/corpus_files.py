"""Tiny corpora in the folder layouts of the real ones, encoded on the fly."""

import numpy as np
import tensorflow as tf
from PIL import Image

from data_pipelines.corpora.preparation import make_builder, prepare
from tests.corpora.arm import Frame
from tests.corpora.bair import record
from tests.data_pipelines.readers.test_video_files import encode

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")


def moving_texture(count, height, width, seed=0):
    """Frames that all differ, uint8 [T, H, W, 3], grey."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4), np.uint8)
    image = np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    frames = [np.roll(image, (t, 2 * t), (0, 1)) for t in range(count)]
    return np.stack(frames)[..., None].repeat(3, -1)


def write_kth(folder, persons=(1, 2, 21, 25), count=42):
    """One take of each action and person, as MPEG-4 .avi; lengths count + person."""
    for number, action in enumerate(ACTIONS):
        (folder / "raw" / action).mkdir(parents=True)
        for person in persons:
            path = folder / "raw" / action / f"person{person:02d}_{action}_d1_uncomp.avi"
            frames = moving_texture(count + person, 120, 160, seed=100 * number + person)
            encode(path, frames, ("mpeg4", "yuv420p", {"qscale": "3"}))
    return folder


def write_human36m(folder, names, count=5):
    """H.264 files of 1000 x 1002 pixels, `S<n>/<stem>` each."""
    for seed, name in enumerate(names):
        subject, stem = name.split("/")
        path = folder / subject / "Videos" / f"{stem}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, moving_texture(count, 1000, 1002, seed), ("libx264", "yuv420p", {}))
    return folder


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
