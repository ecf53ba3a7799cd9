import concurrent.futures
import contextlib
import os
import signal
import time

import pytest

from srvp_tf.runs.atomic_files import replacing, replacing_folder
from tests.cli.commands import run_python

KILLED = """
import os, signal, sys
from pathlib import Path
from srvp_tf.runs import atomic_files

path, kind = Path(sys.argv[2]), sys.argv[1]
if kind == "between":  # the old folder has gone, the new one has not come
    rename = Path.rename
    def rename_once(source, target):
        rename(source, target)
        os.kill(os.getpid(), signal.SIGKILL)
    Path.rename = rename_once
with getattr(atomic_files, "replacing" if kind == "file" else "replacing_folder")(path) as fresh:
    (fresh if kind == "file" else fresh / "a").write_text("half")
    if kind != "between":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_while_writing(kind, path):
    """Another process writes `path` and is killed at it."""
    assert run_python("-c", KILLED, kind, path).returncode == -signal.SIGKILL
    for left in path.parent.glob(".*"):
        make_old(left)


def make_old(path):
    """As if nobody had written it since the day before yesterday."""
    then = time.time() - 2 * 24 * 3600
    os.utime(path, (then, then), follow_symlinks=False)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_next_write_clears_away_what_a_killed_one_left(tmp_path, kind):
    path = tmp_path / "results [1]"
    kill_while_writing(kind, path)
    (left,) = tmp_path.iterdir()
    assert left != path
    with (replacing if kind == "file" else replacing_folder)(path) as fresh:
        (fresh if kind == "file" else fresh / "a").write_text("whole")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", [False, True])
def test_a_kill_between_the_two_renamings_loses_neither_folder(tmp_path, fails):
    path = tmp_path / "evaluation"
    path.mkdir()
    (path / "a").write_text("old")
    kill_while_writing("between", path)
    assert not path.exists()
    with contextlib.suppress(KeyboardInterrupt), replacing_folder(path) as fresh:
        assert (path / "a").read_text() == "old"
        (fresh / "a").write_text("new")
        if fails:
            raise KeyboardInterrupt
    assert names(tmp_path) == ["evaluation", "evaluation/a"]
    assert (path / "a").read_text() == ("old" if fails else "new")


def test_what_lives_is_left_alone_also_by_another_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from srvp_tf.runs.atomic_files import replacing\n"
        "with replacing(sys.argv[1]) as fresh: fresh.write_text('theirs')"
    )
    path = tmp_path / "a"
    with replacing(path) as first, replacing(path) as second:
        first.write_text("first")
        assert run_python("-c", code, path).returncode == 0
        assert path.read_text() == "theirs"
        second.write_text("second")
    assert names(tmp_path) == ["a"] and path.read_text() == "first"


def test_threads_do_not_meet(tmp_path):
    def write(number):
        with replacing_folder(tmp_path / f"{number % 2}") as fresh:
            (fresh / "a").write_text(str(number))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = [pool.submit(write, number) for number in range(40)]
    # Two may replace one folder at once: the later one says so.
    assert all(isinstance(x.exception(), OSError | None) for x in done)
    assert names(tmp_path) == ["0", "0/a", "1", "1/a"]


def test_what_is_foreign_or_alive_is_left_alone(tmp_path):
    foreign = [".a.tmp", ".a.b.tmp", ".a.elsewhere.1.tmp", ".ab.00000000.tmp", ".a.0000000g.tmp"]
    for name in foreign:
        (tmp_path / name).write_text("theirs")
    (tmp_path / ".a.00000000.tmp").write_text("left")
    for left in tmp_path.iterdir():
        make_old(left)
    (tmp_path / ".a.00000001.tmp").write_text("of a process that lives")

    with replacing(tmp_path / "a"):
        pass
    assert names(tmp_path) == sorted([*foreign, "a", ".a.00000001.tmp"])


def test_a_link_to_a_folder_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with replacing_folder(tmp_path / "link") as fresh:
        (fresh / "a").write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "a").read_text() == "new"
    assert names(tmp_path) == ["link", "real", "real/a"]


def test_a_long_name(tmp_path):
    with replacing(tmp_path / ("a" * 240)):
        pass
    assert names(tmp_path) == ["a" * 240]
