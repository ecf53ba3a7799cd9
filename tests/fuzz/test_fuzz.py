"""No hostile file runs code, crashes or hangs the process, fills the memory or ends in a traceback.

Files are read in other processes, see `run`; here a table of what happened is judged.
"""

import os
import subprocess

import pytest

from data_pipelines import inspect
from tests.data_pipelines.commands import outcome
from tests.fuzz import cases, run
from tests.fuzz.cases import READERS, Case
from tests.fuzz.guard import Guard
from tests.fuzz.reader import store

# Made by hand, and read in well under a second each: no bombs here.
_QUICK = {
    "torch_zip": ("command", "import", "repeated_2^31", "storage_2^40", "memo_2^31"),
    "checkpoint": ("npy_shape_10^12", "npy_objects", "bomb"),
    "golden": ("npy_nested_minus", "bomb"),
    "authors_test_set": ("kth_bomb", "human_npy_shape_2^34", "kth_lzma_damaged"),
    "mp4": ("play_list", "reference"),
    "gif": ("60000_x_60000",),
    "images": ("png_60000_x_60000.png", "jpeg_scans.jpg", "postscript.png"),
    "numpy_frames": ("npy_nested_brackets", "npz_bomb_columns_first", "npz_encrypted"),
    "action_table": ("npy_shape_2^34", "csv_long_field", "csv_a_million_columns"),
    "idx": ("bomb", "2^96_pixels"),
    "bair_records": ("length_1000000000000", "no_bytes"),
    "prepared_corpus": ("features_nested", "records_varint", "records_actions_nan"),
    "shard_report": ("nested",),
    "config": ("nested_960", "many_lists", "data_dir_surrogate"),
    "flagfile": ("itself", "not_utf8"),
    "results": ("nested",),
}


def judged(todo, seed=0):
    outcomes = run.fuzz(todo, seed)
    assert [o.case for o in outcomes] == todo
    assert not [o for o in outcomes if o.fault], run.table(outcomes)
    return outcomes


def test_a_hundred_damaged_files_and_all_that_were_ever_found():
    todo = [case for name in READERS for case in cases.found(name)]
    todo += [Case(name, "crafted", key) for name, keys in _QUICK.items() for key in keys]
    todo += [case for name in READERS for case in cases.damaged(name, 4)]
    outcomes = judged(todo)
    accepted = {o.case for o in outcomes if o.outcome == "accepted"}
    assert {case for case in todo if case.kind == "whole"} <= accepted


@pytest.mark.long
def test_a_thousand_damaged_files_and_all_that_are_made_by_hand():
    share = -(-1000 // len(READERS))
    judged([case for name in READERS for case in run.all_cases(name, share, first=10_000)])


def test_a_case_is_the_same_again():
    for name in ("torch_zip", "config", "bair_records"):
        for case in cases.damaged(name, 3):
            assert cases.files(case, 5) == cases.files(case, 5) != cases.files(case, 6)


@pytest.mark.parametrize(
    "do",
    [
        lambda folder: os.system("true"),
        lambda folder: subprocess.run(["true"], check=False),
        lambda folder: __import__("pickle").loads(b"\x80\x04\x8c\x05posix\x8c\x06system\x93."),
        lambda folder: (folder / "other").write_text("x"),
        lambda folder: os.rename(folder / "out" / "a", folder / "a"),
        lambda folder: exec(compile("1", str(folder / "in" / "evil.py"), "exec")),
    ],
)
def test_the_guard_sees(tmp_path, do):
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "out" / "a").write_text("x")
    guard = Guard(tmp_path / "in", tmp_path / "out")
    with guard, pytest.raises(PermissionError):
        do(tmp_path)
    assert len(guard.trespasses) == 1


def test_the_guard_measures(tmp_path):
    with Guard(tmp_path, tmp_path) as guard:
        (tmp_path / "a").write_bytes(b"x" * (100 << 20))
    with Guard(tmp_path, tmp_path) as less:
        pass
    assert guard.peak_mib - less.peak_mib > 80 and not guard.trespasses


@pytest.mark.parametrize("name", ["features_nested", "metadata_none", "records_varint"])
def test_a_command_says_one_line_and_writes_nothing(tmp_path, monkeypatch, name):
    store(cases.files(Case("prepared_corpus", "crafted", name), 0)[0], tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments = ("--dataset=video_folder", "--frame_size=16", f"--data_dir={tmp_path}/corpus")
    status, out, err = outcome(inspect, *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert sorted(tmp_path.rglob("*")) == before
