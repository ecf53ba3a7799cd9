"""Paths that a user gives: a home folder is found, an address is refused, all else is itself."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines import open_corpus
from data_pipelines.corpora.preparation import make_builder, prepare
from data_pipelines.errors import DataError
from data_pipelines.moving_mnist import digits, test_set
from data_pipelines.paths import local_path
from data_pipelines.readers.video_files import read_video

pytestmark = pytest.mark.usefixtures("home")


def test_what_a_path_means(home):
    assert local_path("~/a/b.gif") == home / "a/b.gif"
    assert local_path(Path("~")) == home
    assert local_path("~root") == Path("/root")
    for plain in ("a/b.gif", "/a//b", "a b", "x~", "host:8500", "10:30.mp4", "c:/x"):
        assert local_path(plain) == Path(plain)
    for name in ("~", "~a/b", "gs:/b"):  # below ./ a name is no more than a name, also when it
        once = local_path(f"./{name}")  # is looked at again
        assert once == Path.cwd() / name and local_path(once) == once
    Path("~nobody-here").touch()
    assert local_path("~nobody-here").is_file()


@pytest.mark.parametrize("path", [Path("gs://bucket/x.gif"), "http://h/x", "file:///x", b"gs://b"])
def test_addresses_are_refused(path):
    with pytest.raises(DataError, match=r"^\w+:/.*: is an address, not a local path; copy or"):
        local_path(path)


def test_a_home_of_nobody_is_refused():
    with pytest.raises(DataError, match="there is no such user; give the whole path, or ./~nob"):
        local_path("~nobody-here/x.gif")


USERS = {
    "read_video": read_video,
    "data_dir": lambda path: open_corpus("kth", data_dir=path),
    "idx": lambda path: digits.load_digits("idx", path),
    "tfds": lambda path: digits.load_digits("tfds", path),
    "test_file": test_set.TestFile,
    "make_builder": lambda path: make_builder("kth", path),
    "source_dir": lambda path: prepare(make_builder("kth", "prepared"), path),
}


@pytest.mark.parametrize("name", USERS)
def test_all_that_take_a_path_refuse_addresses(name):
    with pytest.raises(DataError, match="gs://bucket/x: is an address"):
        USERS[name]("gs://bucket/x")
    assert not list(Path.cwd().iterdir())


def test_all_that_take_a_path_know_the_home_folder(home):
    frames = np.zeros((2, 4, 4, 1), np.uint8)
    np.save(home / "a.npy", frames)
    np.testing.assert_array_equal(read_video("~/a.npy"), frames)
    assert make_builder("kth", "~/x").data_dir.startswith(f"{home}/x/")
    (home / "x").mkdir()
    for name in ("data_dir", "idx", "test_file", "source_dir"):
        with pytest.raises(DataError, match=str(home / "x")):
            USERS[name]("~/x")
