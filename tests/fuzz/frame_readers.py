"""Readers of frames: videos, GIFs, images, NumPy files, and those in the graph of an export."""

import functools
from pathlib import Path

import numpy as np

from tests.data_pipelines.readers.test_video_files import clip, encode, make
from tests.fuzz.array_files import hostile_npys, hostile_npzs
from tests.fuzz.picture_files import hostile_gifs, hostile_images, hostile_mp4s
from tests.fuzz.reader import Reader, made, written


@functools.cache
def encoded(name, codec="", pixel_format="", count=4, height=32, width=48):
    """{name: a video}; by default without loss."""
    frames = clip(count, height, width)
    if codec:
        return made(lambda folder: encode(folder / name, frames, (codec, pixel_format, {})))
    return made(lambda folder: make(folder / name, frames))


def _mp4s():
    return {
        "h264": encoded("a.mp4", "libx264", "yuv420p"),
        "rgb": encoded("a.mp4"),
        "mov": encoded("a.mov", "mjpeg", "yuvj420p"),
    }


def _avis():
    return {"mpeg4": encoded("a.avi", "mpeg4", "yuv420p"), "ffv1": encoded("a.avi")}


def _mkvs():
    return {
        "ffv1": encoded("a.mkv"),
        "vp9": encoded("a.webm"),
        "vp8": encoded("a.webm", "libvpx", "yuv420p"),
    }


def _read_video(folder):
    """All frames are looked at, none is kept."""
    from data_pipelines.readers.video_files import iterate_frames

    (path,) = folder.iterdir()
    frames = [frame[:1, :1].copy() for frame in iterate_frames(path)]
    assert len(frames) > 0
    return frames


def _hostile_mp4s():
    return hostile_mp4s(_mp4s()["h264"]["a.mp4"])


_KTH, _HUMAN = "raw/boxing/person01_boxing_d1_uncomp.avi", "S1/Videos/a.mp4"


def _kth():
    return {"boxing": encoded("a.avi", "mpeg4", "yuv420p", 2, 120, 160)["a.avi"]}


def _human36m():
    return {"S1": encoded("a.mp4", "libx264", "yuv420p", 1, 904, 904)["a.mp4"]}


def _only_video(source, channels):
    ((_, frames, _),) = source.videos()
    assert frames.dtype == np.uint8 and frames.shape[1:] == (16, 16, channels)
    return frames


def _read_kth(folder):
    from data_pipelines.corpora.builders.kth import KthVideo

    return _only_video(KthVideo(folder / _KTH, 16), 1)


def _read_human36m(folder):
    from data_pipelines.corpora.builders.human36m import Human36mVideo

    return _only_video(Human36mVideo(folder / _HUMAN, 16), 3)


_KINDS = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "ppm": "PPM", "tif": "TIFF", "webp": "WEBP"}


@functools.cache
def _images():
    from PIL import Image

    images = [Image.fromarray(frame) for frame in clip(2)]
    return {
        suffix: {
            f"film/{number}.{suffix}": written(functools.partial(image.save, format=kind))
            for number, image in enumerate(images)
        }
        for suffix, kind in _KINDS.items()
    }


def _read_images(folder):
    from data_pipelines.readers.video_files import iterate_frames

    return [frame[:1, :1].copy() for frame in iterate_frames(folder / "film")]


def _hostile_images():
    return {name: {f"film/1{Path(name).suffix}": x} for name, x in hostile_images().items()}


def _arrays():
    def npy(array):
        return {"a.npy": written(lambda file: np.save(file, array))}

    npz = written(lambda file: np.savez_compressed(file, frames=clip(4), actions=np.zeros(3)))
    return {
        "npy": npy(clip(4)),
        "float": npy(clip(4)[..., 0] / 255.0),
        "columns": npy(np.asfortranarray(clip(4))),
        "npz": {"a.npz": npz},
    }


def _hostile_arrays():
    npys = {f"npy_{k}": {"a.npy": v} for k, v in hostile_npys((4, 8, 8, 3)).items()}
    npzs = hostile_npzs("frames", (4, 8, 8, 3))
    return npys | {f"npz_{k}": {"a.npz": v} for k, v in npzs.items()}


# --- tables of actions --------------------------------------------------------------------------


def _tables():
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    return {
        "csv": {"a.actions.csv": b"dx,dy\n0,1\n2,3.5\n4,-5e-3\n"},
        "npy": {"a.actions.npy": written(lambda file: np.save(file, rows))},
    }


def _read_table(folder):
    from data_pipelines.readers.action_tables import read_columns, read_rows

    (path,) = folder.iterdir()
    columns = read_columns(path)
    rows = read_rows(path, columns)
    assert rows.dtype == np.float32 and rows.shape[1] == len(columns)
    return [rows, *columns]


def _hostile_tables():
    npys = {f"npy_{k}": {"a.actions.npy": v} for k, v in hostile_npys((3, 2)).items()}
    texts = {
        "digits": b"a\n" + b"9" * 100_000,
        "long_field": b"a\n" + b"9" * 10_000_000,
        "long_name": b"a" * 100_000 + b"\n1\n",
        "a_million_columns": b"a," * 1_000_000 + b"\n",
        "a_million_values": b"a\n" + b"1," * 1_000_000 + b"\n",
        "empty_lines": b"a\n" + b"\n" * 3_000_000,
        "open_quote": b'a,"b\n' + b"1,2\n" * 1_000_000,
        "nul": b"a,b\n1,\0\n",
        "nan": b"a,b\n1,nan\n",
        "infinite": b"a,b\n1,1e400\n",
        "hexadecimal": b"a,b\n1,0x10\n",
        "escape": b"a,\x1b[31mb\n1,2\n",
        "surrogate": "a,\ud800\n".encode("utf-8", "surrogatepass"),
        "utf16": "a,b\n1,2\n".encode("utf-16"),
        "lines_of_old_macs": b"a,b\r1,2\r",
        "empty": b"",
    }
    return npys | {f"csv_{k}": {"a.actions.csv": v} for k, v in texts.items()}


def _served():
    return {kind: _images()[kind][f"film/0.{kind}"] for kind in ("png", "jpg")}


@functools.cache
def _decoder():
    import tensorflow as tf

    from export.signatures.image_bytes import decode_videos

    spec = tf.TensorSpec([None, 1], tf.string)
    return tf.function(lambda images: decode_videos(images, 16, 3), input_signature=[spec])


def _read_served(folder):
    """A batch of the image and of one that can be read, which must be read."""
    good = _served()["png"]
    frames, valid = (x.numpy() for x in _decoder()([[(folder / "image").read_bytes()], [good]]))
    alone, _ = _decoder()([[good]])
    assert valid[1] and np.array_equal(frames[1], alone[0].numpy()), "a neighbour suffers"
    assert valid[0] or not frames[0].any(), "an invalid video is not all zeros"
    if not valid[0]:
        raise OSError("not valid")
    return frames[0]


READERS = (
    Reader("mp4", "a.mp4", _read_video, _mp4s, _hostile_mp4s),
    Reader("avi", "", _read_video, _avis),
    Reader("matroska", "", _read_video, _mkvs),
    Reader("gif", "a.gif", _read_video, lambda: {"gif": encoded("a.gif")}, hostile_gifs),
    Reader("kth", _KTH, _read_kth, _kth),
    Reader("human36m", _HUMAN, _read_human36m, _human36m),
    Reader("images", "", _read_images, _images, _hostile_images),
    Reader("numpy_frames", "", _read_video, _arrays, _hostile_arrays),
    Reader("action_table", "", _read_table, _tables, _hostile_tables),
    Reader("served_images", "image", _read_served, _served, hostile_images),
)
