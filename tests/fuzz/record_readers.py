"""Readers of records: MNIST's idx files, BAIR's TFRecords, prepared corpora and their reports."""

import contextlib
import gzip
import io
import json
import struct
import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.mutations import record
from tests.fuzz.reader import Reader, once, write

_IDX = "train-images-idx3-ubyte"


def _idx(count=3, rows=28, columns=28, data=None):
    data = bytes(range(256)) * 10 if data is None else data
    return b"\0\0\x08\x03" + struct.pack(">III", count, rows, columns) + data[: 3 * 784]


def _idxs():
    test = {"t10k-images-idx3-ubyte": _idx()}
    return {
        "raw": {_IDX: _idx(), **test},
        "gz": {f"{_IDX}.gz": gzip.compress(_idx(), mtime=0), **test},
    }


def _read_idx(folder):
    from data_pipelines.moving_mnist.digits import load_digits

    return list(load_digits("idx", folder))


def _bomb(head, gibibytes):
    """A gzip file of many members, in a thousandth of their bytes."""
    return gzip.compress(head) + gzip.compress(bytes(1 << 26)) * (gibibytes << 4)


@once
def _hostile_idx():
    test = {"t10k-images-idx3-ubyte": _idx()}
    heads = {
        "2^32_images": _idx(2**32 - 1),
        "2^96_pixels": _idx(2**32 - 1, 2**32 - 1, 2**32 - 1),
        "no_images": _idx(0, 28, 28, b""),
        "no_pixels": _idx(3, 0, 0, b""),
        "empty": b"",
        "floats": b"\0\0\x0d\x03" + _idx()[4:],
    }
    made = {name: {_IDX: head, **test} for name, head in heads.items()}
    right = _idx((3 << 30) // 784, data=b"")
    bombs = {"bomb": b"", "bomb_with_header": right}
    return made | {name: {f"{_IDX}.gz": _bomb(head, 3), **test} for name, head in bombs.items()}


# --- BAIR ---------------------------------------------------------------------------------------

_BAIR = "softmotion30_44k/train/a.tfrecords"


@once
def _bair():
    from tests.data_pipelines.corpora.corpus_files import bair_record

    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    return {"records": {_BAIR: record(bair_record(frames)) * 2}}


def _read_bair(folder):
    from data_pipelines.corpora.builders.bair import BairRecords

    videos = [frames for _, frames in BairRecords(folder / _BAIR, 64).videos()]
    assert all(x.dtype == np.uint8 and x.shape[1:] == (64, 64, 3) for x in videos)
    return videos


def _hostile_bair():
    import tensorflow as tf

    def example(**features):
        made = {
            name.replace("_", "/", 1): tf.train.Feature(**value) for name, value in features.items()
        }
        return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()

    nothing = {"bytes_list": tf.train.BytesList(value=[])}
    numbers = {"float_list": tf.train.FloatList(value=[1.0])}
    key = "0_image_aux1/encoded"
    made = {
        f"length_{length}": record(b"abc", length)
        for length in (0, 2**31, 2**32, 10**12, 2**62, 2**63, 2**64 - 16, 2**64 - 1)
    }
    return {
        name: {_BAIR: content}
        for name, content in (
            made
            | {
                "no_bytes": record(example(**{key: nothing})),
                "numbers": record(example(**{key: numbers})),
                "no_features": record(example()),
                "nested": record(b"\x0a\x02" * 10_000),
                "groups": record(b"\x0b" * 1_000_000),
                "varint": record(b"\x0a" + b"\xff" * 1_000_000),
                "empty_records": record(b"") * 10_000,
                "empty": b"",
            }
        ).items()
    }


# --- a prepared corpus --------------------------------------------------------------------------


@once
def _prepared():
    from data_pipelines.corpora.preparation import make_builder, prepare
    from tests.fuzz.frame_readers import READERS

    gif = next(reader for reader in READERS if reader.name == "gif").seeds()["gif"]["a.gif"]
    with tempfile.TemporaryDirectory() as folder:
        source, data = Path(folder, "videos"), Path(folder, "data")
        write({f"{i}.gif": gif for i in range(4)}, source)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            builder = make_builder("video_folder", data, 16, min_frames=2)
            prepare(builder, source, workers=1)
        place = Path(builder.data_dir)
        return {"corpus": {f"corpus/{p.name}": p.read_bytes() for p in place.iterdir()}}


def _read_prepared(folder):
    from data_pipelines.registry import open_corpus

    corpus = open_corpus("video_folder", data_dir=folder / "corpus", frame_size=16, channels=3)
    videos = corpus.test_videos(length=2, num_videos=1)
    return list(videos.as_numpy_iterator()) + [list(corpus.skipped)]


def _hostile_prepared():
    corpus = _prepared()["corpus"]
    shard = next(name for name in corpus if "-test.tfrecord" in name)
    info, features = (json.loads(corpus[f"corpus/{n}.json"]) for n in ("dataset_info", "features"))

    def info_with(**changes):
        return {"corpus/dataset_info.json": json.dumps(info | changes).encode()}

    def features_with(text):
        return {"corpus/features.json": text.encode()}

    def shape_with(*sizes):
        text = json.dumps(features)
        old = json.dumps(features["featuresDict"]["features"]["video"]["tensor"]["shape"])
        new = json.dumps({"dimensions": [str(size) for size in sizes]})
        return features_with(text.replace(old, new))

    good = corpus[shard][12:-4]
    made = {
        "shape_2^62": shape_with(-1, 2**62, 2**62, 3),
        "shape_0": shape_with(-1, 0, 0, 0),
        "shape_none": shape_with(-1, -1, 16, 3),
        "shape_short": shape_with(16),
        "features_nested": features_with("[" * 100_000),
        "features_objects": features_with('{"a":' * 100_000),
        "features_list": features_with("[]"),
        "info_nested": {"corpus/dataset_info.json": b"[" * 100_000},
        "info_list": {"corpus/dataset_info.json": b"[]"},
        "info_empty": {"corpus/dataset_info.json": b"{}"},
        "info_version": info_with(version="9.9.9"),
        "info_name": info_with(name="../../../evil"),
        "info_no_splits": info_with(splits=[]),
        "metadata_list": {"corpus/metadata.json": b"[]"},
        "metadata_number": {"corpus/metadata.json": b'{"skipped": 1}'},
        "metadata_nested": {"corpus/metadata.json": b"[" * 100_000},
        "metadata_none": {"corpus/metadata.json": b'{"skipped": null}'},
    }
    records = {
        "varint": record(b"\x0a" + b"\xff" * 3_000_000),
        "no_value": record(_field(_field(_field(b"name") + _field(b"", 2)))),
        "no_list": record(_field(_field(_field(b"name") + _field(_field(b""), 2)))),
        "many_fields": record(_field(_field(_field(b"") * 1_000_000))),
        "no_name": record(_field(_field(_field(b"video") + _field(_field(_field(b"x")), 2)))),
        "length_2^63": record(good, 2**63),
        "beyond": record(good[:4] + b"\xff\xff\xff\x7f" + good[8:]),
        "name_no_text": record(good.replace(b".gif", b"\xff\xff\xff\xff")),
        "nothing": b"",
    }
    made |= {f"records_{name}": {shard: content} for name, content in records.items()}
    return {name: corpus | changes for name, changes in made.items()}


def _field(content, number=1):
    """A field of a protocol buffer."""
    size, length = b"", len(content)
    while length > 127:
        size, length = size + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


# --- BAIR as TFDS prepares it -------------------------------------------------------------------


def _read_tfds_bair(folder):
    from data_pipelines.corpora.builders.bair import Bair

    with tempfile.TemporaryDirectory(dir=folder.parent / "out") as data:
        layout = Bair(config=Bair.BUILDER_CONFIGS[0], data_dir=data).layout(folder)
    return [len(layout.parts["train"])]


@once
def _tfds_bair():
    import tensorflow_datasets as tfds

    feature = tfds.features.FeaturesDict(
        {
            "image_aux1": tfds.features.Image(shape=(64, 64, 3)),
            "action": tfds.features.Scalar(np.int8),
        }
    )
    corpus = _prepared()["corpus"]
    info = json.loads(corpus["corpus/dataset_info.json"])
    info |= {"name": "bair_robot_pushing_small", "version": "2.0.0"}
    features = tfds.features.Dataset(feature).to_json()
    place = "bair_robot_pushing_small/2.0.0"
    return {
        "corpus": {
            f"{place}/dataset_info.json": json.dumps(info).encode(),
            f"{place}/features.json": json.dumps(features).encode(),
        }
    }


def _hostile_tfds_bair():
    place = "bair_robot_pushing_small/2.0.0"
    corpus = _tfds_bair()["corpus"]
    return {
        "nested": corpus | {f"{place}/features.json": b"[" * 100_000},
        "empty": corpus | {f"{place}/dataset_info.json": b""},
    }


# --- what `prepare` notes of a shard ------------------------------------------------------------


def _reports():
    lines = {"skipped": ["a: is damaged."], "failed": ["a"], "remarks": ["b: is HDR"]}
    report = {"lengths": [3], "num_bytes": 84, **lines}
    return {"shard": {"s.json": json.dumps(report).encode(), "s.tfrecord": bytes(100)}}


def _read_report(folder):
    from data_pipelines.storage.shard_files import finished

    report = finished(folder / "s.tfrecord")
    if report is None:
        raise OSError("taken for unfinished")
    assert all(type(line) is str for line in (*report.skipped, *report.failed, *report.remarks))
    assert all(type(n) is int and n > 0 for n in report.lengths) and type(report.num_bytes) is int
    return list(report)


def _hostile_reports():
    texts = {
        "nested": "[" * 100_000,
        "numbers": '{"lengths": [1e400], "num_bytes": 84, "skipped": [1], "failed": [null]}',
        "texts": '{"lengths": "a", "num_bytes": 84, "skipped": "ab", "failed": "c"}',
        "true": '{"lengths": [true], "num_bytes": 84, "skipped": [], "failed": []}',
        "digits": '{"lengths": [3], "num_bytes": %s, "skipped": [], "failed": []}' % ("9" * 5000),
    }
    texts = {name: text.replace("}", ', "remarks": []}') for name, text in texts.items()}
    texts["remarks"] = json.dumps(json.loads(_reports()["shard"]["s.json"]) | {"remarks": [1]})
    return {name: _reports()["shard"] | {"s.json": text.encode()} for name, text in texts.items()}


READERS = (
    Reader("idx", _idxs, _read_idx, _hostile_idx),
    Reader("bair_records", _bair, _read_bair, _hostile_bair),
    Reader("prepared_corpus", _prepared, _read_prepared, _hostile_prepared),
    Reader("tfds_corpus", _tfds_bair, _read_tfds_bair, _hostile_tfds_bair),
    Reader("shard_report", _reports, _read_report, _hostile_reports, damaged=(".json",)),
)
