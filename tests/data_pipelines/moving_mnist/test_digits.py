"""Digits from the package, from idx files and from TFDS; bad files; the authors' split."""

import gzip
import hashlib
import struct
from unittest import mock

import numpy as np
import pytest

from data_pipelines.errors import DataError
from data_pipelines.moving_mnist import digits
from data_pipelines.moving_mnist.digits import load_digits, split_train_validation

TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"


def idx(images):
    return b"\0\0\x08\x03" + struct.pack(">III", *images.shape) + images.tobytes()


def labels(count):
    return b"\0\0\x08\x01" + struct.pack(">I", count) + bytes(count)


@pytest.fixture(scope="module")
def embedded():
    return load_digits()


@pytest.fixture
def folder(tmp_path, embedded):
    (tmp_path / TRAIN).write_bytes(idx(embedded.train[:30]))
    (tmp_path / TEST).write_bytes(idx(embedded.test[:10]))
    return tmp_path


def test_embedded_digits_are_those_that_the_readme_names(embedded):
    readme = (digits.EMBEDDED_FILE.parent / "README.md").read_text()
    for images, count in zip(embedded, (8000, 2000), strict=True):
        assert images.shape == (count, 28, 28) and images.dtype == np.uint8
        assert hashlib.sha256(images.tobytes()).hexdigest() in readme
    train, test = ({image.tobytes() for image in part} for part in embedded)
    assert len(train) == 8000 and len(test) == 2000
    assert not train & test, "a digit is both trained on and tested with"


def test_idx_files_are_read_raw_dotted_and_gzipped(folder, embedded):
    (folder / TEST).rename(folder / TEST.replace("-idx3", ".idx3"))
    (folder / f"{TRAIN}.gz").write_bytes(gzip.compress((folder / TRAIN).read_bytes()))
    (folder / TRAIN).unlink()
    loaded = load_digits("idx", folder)
    np.testing.assert_array_equal(loaded.train, embedded.train[:30])
    np.testing.assert_array_equal(loaded.test, embedded.test[:10])


def test_tfds_gives_the_same_digits(folder, embedded, tmp_path):
    import tensorflow_datasets as tfds
    from tensorflow_datasets.image_classification import mnist

    (folder / "train-labels").write_bytes(labels(30))
    (folder / "test-labels").write_bytes(labels(10))
    files = {"train_data": TRAIN, "train_labels": "train-labels"}
    files |= {"test_data": TEST, "test_labels": "test-labels"}
    paths = {name: folder / file for name, file in files.items()}
    # TFDS' own builder and reader on a small MNIST; only the download is replaced.
    with (
        mock.patch.object(mnist, "_TRAIN_EXAMPLES", 30),
        mock.patch.object(mnist, "_TEST_EXAMPLES", 10),
        mock.patch.object(
            tfds.download.DownloadManager, "download_and_extract", lambda self, urls: paths
        ),
        mock.patch.object(digits, "_require_answer"),
    ):
        loaded = load_digits("tfds", tmp_path / "tfds")
    for images, expected in zip(loaded, (embedded.train[:30], embedded.test[:10]), strict=True):
        # TFDS shuffles.
        assert sorted(map(bytes, images)) == sorted(map(bytes, expected))


def test_tfds_without_a_network_fails_at_once(tmp_path):
    with mock.patch.object(digits.urllib.request, "urlopen", side_effect=OSError("no network")):
        with pytest.raises(DataError, match=r"TFDS cannot prepare mnist .*no network.*embedded"):
            load_digits("tfds", tmp_path)


def test_split_is_the_authors_split():
    train, validation = split_train_validation(60_000)
    assert (len(train), len(validation)) == (57_000, 3_000)
    order = np.arange(60_000)
    np.random.RandomState(42).shuffle(order)
    np.testing.assert_array_equal(np.sort(order[:57_000]), train)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(60_000))


BROKEN = {
    "missing": {},
    "empty": {TRAIN: b""},
    "labels instead of images": {TRAIN: labels(10)},
    "cut off": {TRAIN: idx(np.zeros((4, 28, 28), np.uint8))[:-1]},
    "other size": {TRAIN: idx(np.zeros((4, 32, 32), np.uint8))},
    "no image": {TRAIN: idx(np.zeros((0, 28, 28), np.uint8))},
    "no gzip": {f"{TRAIN}.gz": b"no gzip"},
    "gzip cut off": {f"{TRAIN}.gz": gzip.compress(bytes(1000), mtime=0)[:-12]},
}


@pytest.mark.parametrize("files", BROKEN.values(), ids=BROKEN)
def test_a_bad_file_is_named_in_one_line(folder, files):
    (folder / TRAIN).unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=next(iter(files), TRAIN)) as caught:
        load_digits("idx", folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "source, digits_dir, says",
    [
        ("mnist", None, "choose one of: embedded, idx, tfds"),
        ("idx", None, "name the idx files' folder"),
        ("embedded", "somewhere", "reads no folder"),
    ],
)
def test_bad_options_say_the_way_out(source, digits_dir, says):
    with pytest.raises(DataError, match=says):
        load_digits(source, digits_dir)
