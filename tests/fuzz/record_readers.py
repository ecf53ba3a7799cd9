"""Readers of records: MNIST's idx files, BAIR's TFRecords, prepared corpora and their reports."""

import contextlib
import functools
import gzip
import io
import json
import struct
import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.frame_readers import encoded
from tests.fuzz.mutations import record
from tests.fuzz.reader import Reader, store, stored

_TRAIN, _TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"


def _idx(count=3, rows=28, columns=28, data=bytes(range(256)) * 10):
    return b"\0\0\x08\x03" + struct.pack(">III", count, rows, columns) + data[: 3 * 784]


def _idxs():
    gz = {f"{_TRAIN}.gz": gzip.compress(_idx(), mtime=0)}
    return {"raw": {_TRAIN: _idx(), _TEST: _idx()}, "gz": gz | {_TEST: _idx()}}


def _read_idx(folder):
    from data_pipelines.moving_mnist.digits import load_digits

    return list(load_digits("idx", folder))


def _bomb(head, gibibytes):
    """A gzip file of many members, in a thousandth of their bytes."""
    return gzip.compress(head) + gzip.compress(bytes(1 << 26)) * (gibibytes << 4)


def _hostile_idx():
    heads = {
        "2^32_images": _idx(2**32 - 1),
        "2^96_pixels": _idx(2**32 - 1, 2**32 - 1, 2**32 - 1),
        "no_images": _idx(0, 28, 28, b""),
        "no_pixels": _idx(3, 0, 0, b""),
        "empty": b"",
        "floats": b"\0\0\x0d\x03" + _idx()[4:],
    }
    bombs = {"bomb": b"", "bomb_with_header": _idx((3 << 30) // 784, data=b"")}
    return {name: {_TRAIN: head, _TEST: _idx()} for name, head in heads.items()} | {
        name: {f"{_TRAIN}.gz": _bomb(head, 3), _TEST: _idx()} for name, head in bombs.items()
    }


# --- BAIR ---------------------------------------------------------------------------------------

_BAIR = "softmotion30_44k/train/a.tfrecords"


def _bair():
    from tests.data_pipelines.corpora.corpus_files import bair_record

    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    return {"records": record(bair_record(frames)) * 2}


def _read_bair(folder):
    from data_pipelines.corpora.builders.bair import BairRecords

    videos = []
    for _, frames, actions in BairRecords(folder / _BAIR, 64, with_actions=True).videos():
        assert frames.dtype == np.uint8 and frames.shape[1:] == (64, 64, 3)
        assert actions.shape == (len(frames) - 1, 7)
        videos += [frames, np.nan_to_num(actions)]  # the writer of shards looks for NaN
    return videos


def _hostile_bair():
    import tensorflow as tf

    def example(**feature):
        features = {"0/image_aux1/encoded": tf.train.Feature(**feature)} if feature else {}
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    lengths = (0, 2**31, 2**32, 10**12, 2**62, 2**63, 2**64 - 16, 2**64 - 1)
    return {f"length_{length}": record(b"abc", length) for length in lengths} | {
        "no_bytes": record(example(bytes_list=tf.train.BytesList(value=[]))),
        "numbers": record(example(float_list=tf.train.FloatList(value=[1.0]))),
        "no_features": record(example()),
        "nested": record(b"\x0a\x02" * 10_000),
        "groups": lambda: record(b"\x0b" * 1_000_000),
        "varint": lambda: record(b"\x0a" + b"\xff" * 1_000_000),
        "empty_records": record(b"") * 10_000,
        "empty": b"",
    }


# --- a prepared corpus --------------------------------------------------------------------------


@functools.cache
def _prepared():
    from data_pipelines.corpora.preparation import make_builder, prepare

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source, gif = Path(folder, "videos"), encoded("a.gif")["a.gif"]
        store({f"{i}.gif": gif for i in range(4)}, source)
        table = b"dx,dy\n0,1\n2,3\n4,5\n"
        store({f"{i}.actions.csv": table for i in range(4)}, source)
        with contextlib.redirect_stderr(io.StringIO()):
            builder = make_builder("video_folder", Path(folder, "data"), 16, min_frames=2)
            prepare(builder, source, workers=1)
        files = stored(Path(builder.data_dir))
    return {"corpus": {f"corpus/{name}": content for name, content in files.items()}}


def _read_prepared(folder):
    from data_pipelines.registry import open_corpus

    options = {"frame_size": 16, "channels": 3, "actions": True}
    corpus = open_corpus("video_folder", data_dir=folder / "corpus", **options)
    videos = corpus.test_videos(length=2, num_videos=1)
    statistics = [corpus.action_mean, corpus.action_scale]
    return [*videos.as_numpy_iterator(), *statistics, list(corpus.skipped)]


def _hostile_prepared():
    corpus = _prepared()["corpus"]
    shard = next(name for name in corpus if "-test.tfrecord" in name)
    info, features = (json.loads(corpus[f"corpus/{n}.json"]) for n in ("dataset_info", "features"))

    def shape_with(*sizes):
        text = json.dumps(features)
        old = json.dumps(features["featuresDict"]["features"]["video"]["tensor"]["shape"])
        new = json.dumps({"dimensions": [str(size) for size in sizes]})
        return text.replace(old, new)

    good = corpus[shard][12:-4]
    texts = {
        "features": {
            "shape_2^62": shape_with(-1, 2**62, 2**62, 3),
            "shape_0": shape_with(-1, 0, 0, 0),
            "shape_none": shape_with(-1, -1, 16, 3),
            "shape_short": shape_with(16),
            "features_nested": "[" * 100_000,
            "features_objects": '{"a":' * 100_000,
            "features_list": "[]",
        },
        "dataset_info": {
            "info_nested": "[" * 100_000,
            "info_list": "[]",
            "info_empty": "{}",
            "info_version": json.dumps(info | {"version": "9.9.9"}),
            "info_name": json.dumps(info | {"name": "../../../evil"}),
            "info_no_splits": json.dumps(info | {"splits": []}),
        },
        "metadata": {
            "metadata_list": "[]",
            "metadata_number": '{"skipped": 1}',
            "metadata_nested": "[" * 100_000,
            "metadata_none": '{"skipped": null}',
            "actions_number": '{"skipped": [], "actions": 1}',
            "actions_of_scale_0": json.dumps(
                {"skipped": [], "actions": {"names": ["x", "y"], "mean": [0, 0], "scale": [0, 1]}}
            ),
            "actions_nested": '{"skipped": [], "actions": {"names": ["x", "y"], "mean": [0, 0], '
            '"scale": %s}}' % ("[" * 900 + "]" * 900),
        },
    }
    records = {
        "varint": lambda: record(b"\x0a" + b"\xff" * 3_000_000),
        "no_value": record(_field(_field(_field(b"name") + _field(b"", 2)))),
        "no_list": record(_field(_field(_field(b"name") + _field(_field(b""), 2)))),
        "many_fields": lambda: record(_field(_field(_field(b"") * 1_000_000))),
        "no_name": record(_field(_field(_field(b"video") + _field(_field(_field(b"x")), 2)))),
        "length_2^63": record(good, 2**63),
        "beyond": record(good[:4] + b"\xff\xff\xff\x7f" + good[8:]),
        "actions_short": record(good.replace(bytes(4) + b"\0\0\x80\x3f", b"")),
        "actions_nan": record(good.replace(b"\0\0\x80\x3f", b"\0\0\xc0\x7f")),
        "name_no_text": record(good.replace(b".gif", b"\xff\xff\xff\xff")),
        "nothing": b"",
    }
    return {f"records_{name}": corpus | {shard: content} for name, content in records.items()} | {
        name: corpus | {f"corpus/{file}.json": text.encode()}
        for file, changes in texts.items()
        for name, text in changes.items()
    }


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


_TFDS_BAIR = "bair_robot_pushing_small/2.0.0"


def _tfds_bair():
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(64, 64, 3))
    video = {"image_aux1": image, "action": tfds.features.Scalar(np.int8)}
    features = tfds.features.Dataset(tfds.features.FeaturesDict(video)).to_json()
    info = json.loads(_prepared()["corpus"]["corpus/dataset_info.json"])
    info |= {"name": "bair_robot_pushing_small", "version": "2.0.0"}
    texts = {"dataset_info": info, "features": features}
    return {"corpus": {f"{_TFDS_BAIR}/{k}.json": json.dumps(v).encode() for k, v in texts.items()}}


def _hostile_tfds_bair():
    corpus = _tfds_bair()["corpus"]
    return {
        "nested": corpus | {f"{_TFDS_BAIR}/features.json": b"[" * 100_000},
        "empty": corpus | {f"{_TFDS_BAIR}/dataset_info.json": b""},
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
    Reader("idx", "", _read_idx, _idxs, _hostile_idx),
    Reader("bair_records", _BAIR, _read_bair, _bair, _hostile_bair),
    Reader("prepared_corpus", "", _read_prepared, _prepared, _hostile_prepared),
    Reader("tfds_corpus", "", _read_tfds_bair, _tfds_bair, _hostile_tfds_bair),
    Reader("shard_report", "", _read_report, _reports, _hostile_reports, damaged=".json"),
)
