"""Readers of arrays: PyTorch's files, checkpoints, weights of metrics, golden files, test sets."""

import functools
import pickle

import numpy as np

from tests.fuzz.array_files import Evil, archive, hostile_npzs, zeros
from tests.fuzz.reader import Reader, made, written


def _random(shape, dtype=np.float32):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def _npz(**arrays):
    return written(lambda file: np.savez_compressed(file, **arrays))


# --- PyTorch ------------------------------------------------------------------------------------

_TORCH = "model.pt"


def _saved(value, is_zip=True):
    import torch

    return written(lambda file: torch.save(value, file, _use_new_zipfile_serialization=is_zip))


def _weights(is_zip=True):
    import torch

    state = {
        "a.weight": torch.from_numpy(_random((3, 4, 2, 2))),
        "a.bias": torch.from_numpy(_random((4,))),
        "a.num_batches_tracked": torch.tensor(3),
        "b": torch.from_numpy(_random((5,))).half(),
    }
    return {"weights": _saved(state, is_zip)}


def _read_torch(folder):
    from srvp_tf.runs.torch_weights import read_state_dict, to_array

    path = folder / _TORCH
    state = read_state_dict(path)
    # Who reads weights takes those that the model has, by name.
    return {
        name: to_array(state[name], name, path)
        for name in ("a.weight", "a.bias", "b", "a")
        if name in state
    }


def _hostile_torch():
    import torch

    def call(function, *arguments):
        class Call:
            def __reduce__(self):
                return function, arguments

        return Call()

    def nested(depth):
        value = torch.zeros(1)
        for _ in range(depth):
            value = {"a": value}
        return value

    aliases = torch.zeros(1 << 20, dtype=torch.float16)
    values = {
        "command": {"a": Evil()},
        "evaluation": {"a": call(eval, "open('ran', 'w')")},
        "import": {"a": call(__import__, "antigravity")},
        "bytearray": {"a": call(bytearray, 1 << 36)},
        "tensor_2^36": {"a": call(torch.zeros, 1 << 36)},
        "repeated_2^40": {"a": torch.zeros(1).expand(1 << 40)},
        "repeated_2^31": {"a": torch.zeros(1).expand(1 << 31)},
        "one_storage_2000_times": {f"a{i}": aliases.view(1 << 20) for i in range(2000)},
        "sparse": {"a": torch.sparse_coo_tensor([[0]], [1.0], (2**33,))},
        "meta": {"a": torch.zeros(2**40, device="meta")},
        "nested": nested(200),
        "names": {1: torch.zeros(1)},
        "whole_module": torch.nn.Linear(1, 1),
        "NaN": {"a": torch.full((2,), float("nan"))},
    }
    storage = _saved({"a": torch.zeros(3)}, is_zip=False)
    return (
        {name: functools.partial(_saved, value) for name, value in values.items()}
        | {f"{name}_legacy": functools.partial(_saved, v, False) for name, v in values.items()}
        | {
            "zip_bomb": zeros("archive/data/9", b"", 3),
            "numpy_pickle": pickle.dumps({"a": np.zeros(3), "b": Evil()}),
            "memo_2^31": b"\x80\x02}r\xff\xff\xff\x7f.",
            "length_2^63": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.",
            "storage_2^40": storage.replace(b"K\x03", b"\x8a\x06" + bytes(5) + b"\x01", 1),
            "script": archive({"a/constants.pkl": b"x", "a/code/x.py": b"import os"}),
            "paths": archive({"../../evil": b"x", "/tmp/evil": b"x"}),
            "empty": b"",
        }
    )


# --- checkpoints, weights of metrics ------------------------------------------------------------

_CHECKPOINT, _CACHED = "last-00000012.npz", "lpips_alexnet_v0.1.npz"


def _checkpoint():
    from srvp_tf.runs.checkpoints import write_checkpoint

    arrays = {"model/a/kernel": _random((4, 3)), "optimizer/step": np.int64(12)}
    metadata = {"step": 12, "best_psnr": 20.5}
    return {
        "checkpoint": made(lambda folder: write_checkpoint(folder / _CHECKPOINT, arrays, metadata))
    }


def _read_checkpoint(folder):
    from srvp_tf.runs import checkpoints

    return checkpoints.read_checkpoint(folder / _CHECKPOINT)


def _cached():
    from srvp_tf.metrics.weight_cache import write_weights

    weights = {"a": _random((3, 2))}
    return {"cache": made(lambda folder: write_weights("lpips", weights, "a test", folder))}


def _read_cached(folder):
    from srvp_tf.metrics import weight_cache

    return weight_cache.read_weights("lpips", folder)[0]


def _hub():
    import tensorflow as tf

    scope = "RGB/inception_i3d/Conv3d_1a_7x7"
    values = {f"{scope}/conv_3d/w": _random((1, 1, 1, 3, 4))}
    for part in ("beta", "moving_mean", "moving_variance"):
        values[f"{scope}/batch_norm/{part}"] = _random((1, 1, 1, 1, 4))

    def save(folder):
        tf.raw_ops.SaveV2(
            prefix=f"{folder}/variables",
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )

    return {"module": {f"module/variables/{k}": v for k, v in made(save).items()}}


def _read_hub(folder):
    from srvp_tf.metrics.published_weights import read_published

    return read_published("fvd", folder / "module")


# --- golden files and test sets -----------------------------------------------------------------


_GOLDEN, _KTH, _HUMAN = "golden.npz", "svg_test_set_40.npz", "test_set/test_0.npz"


def _golden():
    with np.load("tests/data/golden/metrics.npz") as arrays:
        return {"metrics": _npz(**{name: arrays[name].reshape(-1)[:16] for name in arrays.files})}


def _read_golden(folder):
    from tests.golden.check import read

    return read(folder / _GOLDEN)


def _authors():
    return {
        "kth": {_KTH: _npz(sequences=_random((3, 6, 8, 8), np.uint8))},
        "human": {_HUMAN: _npz(image=_random((17, 8, 8, 3), np.uint8))},
    }


def _read_authors(folder):
    from data_pipelines.corpora.authors_test_files import ImageFiles, SequencesFile

    kth, human = SequencesFile(_KTH), ImageFiles("test_set", 8)
    if path := kth.find(folder):
        kth.require(path, 3, 4, (8, 8, 1))
        return list(kth.videos(path, 4))
    path = human.find(folder)
    human.require(path, 1, 2, (8, 8, 3))
    return list(human.videos(path, 2))


def _hostile_authors():
    kth = hostile_npzs("sequences", (3, 6, 8, 8))
    human = hostile_npzs("image", (17, 8, 8, 3))
    return {f"kth_{k}": {_KTH: v} for k, v in kth.items()} | {
        f"human_{k}": {_HUMAN: v} for k, v in human.items()
    }


def _npzs(key, shape):
    return functools.partial(hostile_npzs, key, shape)


READERS = (
    Reader("torch_zip", _TORCH, _read_torch, _weights, _hostile_torch, exact=True),
    Reader("torch_legacy", _TORCH, _read_torch, lambda: _weights(is_zip=False)),
    Reader(
        "checkpoint",
        _CHECKPOINT,
        _read_checkpoint,
        _checkpoint,
        _npzs("model/a/kernel", (4, 3)),
        exact=True,
    ),
    Reader("metric_cache", _CACHED, _read_cached, _cached, _npzs("a", (3, 2)), exact=True),
    Reader("metric_hub", "", _read_hub, _hub),
    Reader("golden", _GOLDEN, _read_golden, _golden, _npzs("psnr", (4, 3)), exact=True),
    Reader("authors_test_set", "", _read_authors, _authors, _hostile_authors, exact=True),
)
