"""A version folder appears whole, under the right number, or not at all."""

import contextlib

import pytest

from export.writers.version_folder import check_kind, choose_version, new_version
from srvp_tf.errors import UserError


def test_the_next_version_follows_the_highest(tmp_path):
    assert choose_version(tmp_path / "new") == 1
    for name in ("2", "10", "notes", ".11.3.tmp"):
        (tmp_path / name).mkdir()
    assert choose_version(tmp_path) == 11
    assert choose_version(tmp_path, 5) == 5


def test_a_folder_holds_versions_of_one_kind(tmp_path):
    for path in ("served/2", "noise/1/encode"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "saved_model.pb").touch()
    check_kind(tmp_path / "new", seeded=True)
    check_kind(tmp_path / "served", seeded=True)
    check_kind(tmp_path / "noise", seeded=False)
    with pytest.raises(UserError, match="version 1 with noise inputs: without --noise_inputs"):
        check_kind(tmp_path / "noise", seeded=True)


def test_what_cannot_be_written_is_named(tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "file").write_text("")
    for folder, version, message in (
        (tmp_path, 3, "3 exists and may be served"),
        (tmp_path, 0, "--version=0 must be at least 1"),
        (tmp_path / "file", None, "--output_dir=.*file cannot be written"),
    ):
        with pytest.raises(UserError, match=message):
            choose_version(folder, version)


def test_it_gets_its_number_at_the_end(tmp_path):
    with new_version(tmp_path / "srvp", 4) as new:
        (new.folder / "variables").mkdir()
        (new.folder / "variables" / "data").write_text("weights")
        assert not [path for path in (tmp_path / "srvp").iterdir() if path.name.isdecimal()]
    assert (tmp_path / "srvp" / "4" / "variables" / "data").read_text() == "weights"
    assert [path.name for path in (tmp_path / "srvp").iterdir()] == ["4"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_whatever_goes_wrong_leaves_nothing(tmp_path, error):
    with pytest.raises(error), new_version(tmp_path, 1) as new:
        (new.folder / "saved_model.pb").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("or_later", [False, True])
def test_another_process_may_have_taken_the_number(tmp_path, or_later):
    taken = pytest.raises(UserError, match="1 was written by another export meanwhile: give")
    with contextlib.nullcontext() if or_later else taken, new_version(tmp_path, 1, or_later) as new:
        (new.folder / "saved_model.pb").write_text("ours")
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "saved_model.pb").write_text("theirs")
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == (["1", "2"] if or_later else ["1"])
    if or_later:
        assert new.path == tmp_path / "2" and (new.path / "saved_model.pb").read_text() == "ours"
