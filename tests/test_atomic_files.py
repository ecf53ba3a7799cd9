import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from srvp_tf.atomic_files import replacing, replacing_folder, temporary_path

KILLED = """
import os, signal, sys
from pathlib import Path
from srvp_tf import atomic_files

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
    command = [sys.executable, "-c", KILLED, kind, str(path)]
    result = subprocess.run(command, cwd=Path(__file__).parents[1], check=False)
    assert result.returncode == -signal.SIGKILL


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_next_write_clears_away_what_a_killed_one_left(tmp_path):
    path = tmp_path / "results [1].json"
    kill_while_writing("file", path)
    assert len(names(tmp_path)) == 1 and not path.exists()
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert names(tmp_path) == [path.name] and path.read_text() == "whole"


def test_the_same_with_folders(tmp_path):
    path = tmp_path / "evaluation"
    kill_while_writing("folder", path)
    assert len(names(tmp_path)) == 2 and not path.exists()
    with replacing_folder(path) as fresh:
        (fresh / "a").write_text("whole")
    assert names(tmp_path) == ["evaluation", "evaluation/a"]


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


def test_what_lives_and_what_is_foreign_is_left_alone(tmp_path):
    path = tmp_path / "a"
    name = temporary_path(path).name
    pid = str(os.getpid())
    kept = [name.replace(pid, str(os.getppid())), ".a.elsewhere.1.tmp", name.replace(pid, "x")]
    for other in kept:
        (tmp_path / other).write_text("theirs")
    (tmp_path / name).mkdir()  # of an earlier process of this number
    assert temporary_path(path).name == name
    assert names(tmp_path) == sorted(kept)
