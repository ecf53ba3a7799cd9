"""Every checkpoint cut at 20 places and with 50 bytes flipped: the one before it is used."""

import json
import shutil

import numpy as np
import pytest

from srvp_tf.errors import UserError
from srvp_tf.runs import checkpoints
from srvp_tf.runs.checkpoint_folder import CheckpointFolder
from srvp_tf.runs.checkpoints import DamagedCheckpoint
from srvp_tf.runs.run_folder import RunFolder, load_model
from tests.runs import small_run
from tests.runs.small_run import assert_same_run

TRUNCATIONS, FLIPS = 20, 50


def damages(content, rng):
    """(what, damaged content) of a file."""
    size = len(content)
    places = {0, 1, size - 1, size - 22, size - 64, size - 71, size - 93}
    places |= set(np.linspace(100, size - 200, TRUNCATIONS - len(places)).astype(int).tolist())
    for place in sorted(places):
        yield f"cut at {place} of {size}", content[:place]
    # The ends are where zip files keep what holds them together.
    near = [*rng.integers(0, 400, 10), *rng.integers(size - 400, size, 15)]
    for place in [*near, *rng.integers(0, size, FLIPS - len(near))]:
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        yield f"flip at {place} of {size}", bytes(changed)


@pytest.fixture
def run_dir(tmp_path, finished):
    """A copy of a finished run."""
    return shutil.copytree(finished(), tmp_path / "run")


def test_no_damage_goes_unnoticed_and_the_one_before_is_used_each_time(run_dir):
    folder, rng, count = CheckpointFolder(run_dir / "checkpoints"), np.random.default_rng(0), 0
    paths = {path: path.read_bytes() for path in folder.folder.iterdir()}
    assert len(paths) == 4
    for path, content in paths.items():
        expected = "best-00000012" if path.stem == "last-00000012" else "last-00000012"
        for what, damaged in damages(content, rng):
            path.write_bytes(damaged)
            with pytest.raises(DamagedCheckpoint) as caught:
                checkpoints.read_checkpoint(path)
            assert "\n" not in str(caught.value), what
            found, (arrays, metadata), newer = folder.newest_whole()
            assert found.stem == expected, what
            assert set(newer) == ({path} if path.stem == "last-00000012" else set())
            assert metadata["step"] == arrays["adam/step"] == int(found.stem[-8:])
            count += 1
        path.write_bytes(content)
    assert count == 4 * (TRUNCATIONS + FLIPS)


@pytest.mark.parametrize("left", ["best", "last-00000008.npz"])
def test_a_run_whose_newest_checkpoints_are_damaged_ends_bit_equal(
    tmp_path, capsys, left, finished
):
    c = small_run.config("--val_interval=10", "--lr_burnin=7")
    whole = finished("--val_interval=10", "--lr_burnin=7")
    run_dir = shutil.copytree(whole, tmp_path / "run")
    folder = CheckpointFolder(run_dir / "checkpoints")
    if left == "best":
        left = folder.newest("best").name
    kept, named = int(left[5:13]), []
    for path in sorted(folder.folder.iterdir()):
        if path.name != left and int(path.stem[5:]) >= kept:
            path.write_bytes(path.read_bytes()[:1000])
            named.append(path.name)
    assert small_run.run(c, run_dir) is None
    err = capsys.readouterr().err
    assert all(f"{name} is damaged: " in err for name in named)
    assert err.count("\n") == len(named) and err.count(f"going on from {left}") == len(named)
    assert_same_run(run_dir, whole)
    assert len(list(folder.folder.iterdir())) == 4, "nothing stays beside the last 3 and the best"


def test_a_damaged_file_is_set_aside_until_the_next_checkpoint(run_dir):
    folder = CheckpointFolder(run_dir / "checkpoints")
    for kind in ("last", "best"):
        folder.newest(kind).write_bytes(b"spoiled")
    assert small_run.trainer(small_run.config(), run_dir).status.step == 8
    names = sorted(path.name for path in folder.folder.glob("*.damaged"))
    assert names == ["best-00000012.npz.damaged", "last-00000012.npz.damaged"]
    folder.save("last", 9, {}, {})
    assert {path.suffix for path in folder.folder.iterdir()} == {".npz"}


def test_a_model_is_never_loaded_from_another_checkpoint_than_the_one_meant(run_dir):
    folder = RunFolder(run_dir)
    path = folder.checkpoint_path("last")
    path.write_bytes(path.read_bytes()[:-1])
    words = f"{path} is damaged .*: delete it and use another one; then last-00000008.npz is the"
    with pytest.raises(UserError, match=words):
        load_model(run_dir)
    path.unlink()
    load_model(run_dir)


def test_files_of_the_first_format_are_read_and_gone_on_from(run_dir, finished):
    folder = CheckpointFolder(run_dir / "checkpoints")
    for path in folder.folder.iterdir():
        arrays, metadata = checkpoints.read_checkpoint(path)
        for name in ("pending_validation", "skipped_in_a_row"):
            del metadata[name]
        np.savez(path, metadata=np.array(json.dumps(metadata | {"format_version": 1})), **arrays)
    folder.newest("last").unlink()
    folder.newest("best").unlink()
    trainer = small_run.trainer(small_run.config(), run_dir)
    assert trainer.status.step == 8 and trainer.status.pending_validation is False
    found = checkpoints.values(trainer._variables())
    expected, _ = checkpoints.read_checkpoint(finished() / "checkpoints" / "last-00000008.npz")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_a_checksum_that_was_cut_off_is_missed(run_dir):
    path = CheckpointFolder(run_dir / "checkpoints").newest("last")
    content = path.read_bytes()
    # A valid zip file without its comment: only the format version tells that there was one.
    path.write_bytes(content[: -71 - 2] + b"\0\0")
    with pytest.raises(DamagedCheckpoint, match="its checksum is missing"):
        checkpoints.read_checkpoint(path)
