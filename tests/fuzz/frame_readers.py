"""Readers of frames: videos, GIFs, images, NumPy files, and those in the graph of an export."""

import io
import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.array_files import hostile_npys, hostile_npzs
from tests.fuzz.picture_files import hostile_gifs, hostile_images, hostile_mp4s
from tests.fuzz.reader import Reader, once


def _clip(count=4, height=32, width=48):
    blocks = np.random.default_rng(0).integers(0, 256, (count, height // 8, width // 8, 3))
    return blocks.astype(np.uint8).repeat(8, axis=1).repeat(8, axis=2)


@once
def _encoded(name, codec="", pixel_format="", count=4, height=32, width=48):
    from tests.data_pipelines.readers.test_video_files import encode, make

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        encoder = (codec, pixel_format, {}) if codec else None
        frames = _clip(count, height, width)
        encode(path, frames, encoder) if encoder else make(path, frames)
        return path.read_bytes()


def _mp4s():
    return {
        "h264": {"a.mp4": _encoded("a.mp4", "libx264", "yuv420p")},
        "rgb": {"a.mp4": _encoded("a.mp4")},
        "mov": {"a.mov": _encoded("a.mov", "mjpeg", "yuvj420p")},
    }


def _avis():
    return {
        "mpeg4": {"a.avi": _encoded("a.avi", "mpeg4", "yuv420p")},
        "ffv1": {"a.avi": _encoded("a.avi")},
    }


def _mkvs():
    return {
        "ffv1": {"a.mkv": _encoded("a.mkv")},
        "vp9": {"a.webm": _encoded("a.webm")},
        "vp8": {"a.webm": _encoded("a.webm", "libvpx", "yuv420p")},
    }


def _gifs():
    return {"gif": {"a.gif": _encoded("a.gif")}}


def _read_video(folder):
    """All frames are looked at, none is kept."""
    from data_pipelines.readers.video_files import iterate_frames

    (path,) = folder.iterdir()
    frames = [frame[:1, :1].copy() for frame in iterate_frames(path)]
    assert len(frames) > 0
    return frames


def _hostile_mp4s():
    whole = _encoded("a.mp4", "libx264", "yuv420p")
    return {name: {"a.mp4": content} for name, content in hostile_mp4s(whole).items()}


def _hostile_gifs():
    return {name: {"a.gif": content} for name, content in hostile_gifs().items()}


@once
def _kth():
    video = _encoded("a.avi", "mpeg4", "yuv420p", 2, 120, 160)
    return {"boxing": {"raw/boxing/person01_boxing_d1_uncomp.avi": video}}


def _read_kth(folder):
    from data_pipelines.corpora.builders.kth import KthVideo

    (path,) = folder.rglob("*.avi")
    ((_, frames),) = KthVideo(path, 16).videos()
    assert frames.dtype == np.uint8 and frames.shape[1:] == (16, 16, 1)
    return frames


@once
def _human36m():
    video = _encoded("a.mp4", "libx264", "yuv420p", 1, 904, 904)
    return {"S1": {"S1/Videos/a.mp4": video}}


def _read_human36m(folder):
    from data_pipelines.corpora.builders.human36m import Human36mVideo

    (path,) = folder.rglob("*.mp4")
    ((_, frames),) = Human36mVideo(path, 16).videos()
    assert frames.dtype == np.uint8 and frames.shape[1:] == (16, 16, 3)
    return frames


_KINDS = ("png", "jpg", "bmp", "ppm", "tif", "webp")


@once
def _images():
    from PIL import Image

    trees = {}
    for kind in _KINDS:
        tree = {}
        for number, frame in enumerate(_clip(2)):
            file = io.BytesIO()
            image = Image.fromarray(frame)
            image.save(file, {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind))
            tree[f"film/{number}.{kind}"] = file.getvalue()
        trees[kind] = tree
    return trees


def _read_images(folder):
    from data_pipelines.readers.video_files import iterate_frames

    return [frame[:1, :1].copy() for frame in iterate_frames(folder / "film")]


def _hostile_images():
    return {name: {f"film/1{Path(name).suffix}": x} for name, x in hostile_images().items()}


@once
def _arrays():
    def saved(save, **arrays):
        file = io.BytesIO()
        save(file, **arrays)
        return file.getvalue()

    return {
        "npy": {"a.npy": saved(np.save, arr=_clip())},
        "float": {"a.npy": saved(np.save, arr=_clip()[..., 0] / 255.0)},
        "columns": {"a.npy": saved(np.save, arr=np.asfortranarray(_clip()))},
        "npz": {"a.npz": saved(np.savez_compressed, frames=_clip(), actions=np.zeros(3))},
    }


def _hostile_arrays():
    npys = {f"npy_{k}": {"a.npy": v} for k, v in hostile_npys((4, 8, 8, 3)).items()}
    npzs = hostile_npzs("frames", (4, 8, 8, 3))
    return npys | {f"npz_{k}": {"a.npz": v} for k, v in npzs.items()}


def _served():
    return {k: {"image": next(iter(_images()[k].values()))} for k in ("png", "jpg")}


def _hostile_served():
    return {name: {"image": content} for name, content in hostile_images().items()}


@once
def _decoder():
    import tensorflow as tf

    from export.signatures.image_bytes import decode_videos

    spec = tf.TensorSpec([None, 1], tf.string)
    return tf.function(lambda images: decode_videos(images, 16, 3), input_signature=[spec])


def _read_served(folder):
    """A batch of the image and of one that can be read, which must be read."""
    good = _served()["png"]["image"]
    frames, valid = (x.numpy() for x in _decoder()([[(folder / "image").read_bytes()], [good]]))
    alone, _ = _decoder()([[good]])
    assert valid[1] and np.array_equal(frames[1], alone[0].numpy()), "a neighbour suffers"
    assert valid[0] or not frames[0].any(), "an invalid video is not all zeros"
    if not valid[0]:
        raise OSError("not valid")
    return frames[0]


READERS = (
    Reader("mp4", _mp4s, _read_video, _hostile_mp4s),
    Reader("avi", _avis, _read_video),
    Reader("matroska", _mkvs, _read_video),
    Reader("gif", _gifs, _read_video, _hostile_gifs),
    Reader("kth", _kth, _read_kth),
    Reader("human36m", _human36m, _read_human36m),
    Reader("images", _images, _read_images, _hostile_images),
    Reader("numpy_frames", _arrays, _read_video, _hostile_arrays),
    Reader("served_images", _served, _read_served, _hostile_served),
)
