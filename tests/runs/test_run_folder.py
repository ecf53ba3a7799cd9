import dataclasses
import json

import numpy as np
import pytest

from srvp_tf.config import RESUMABLE_FIELDS, Config, ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs import checkpoints, run_folder
from srvp_tf.runs.run_folder import (
    RunFolder,
    load_weights,
    model_variables,
    weights_path,
)
from tests.runs import small_run


def tree(path):
    """Relative path -> content of everything in a folder."""
    files = path.rglob("*")
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else None for p in files}


def changed(**values):
    """The default `Config` with other values in its sections."""
    config = Config()
    for section in ("model", "data", "train", "eval"):
        old = getattr(config, section)
        new = {name: x for name, x in values.items() if hasattr(old, name)}
        config = dataclasses.replace(config, **{section: dataclasses.replace(old, **new)})
    return config


def test_create_makes_a_folder_that_gives_the_configuration_back(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b")
    folder.create(changed(ny=7))
    assert RunFolder(tmp_path / "a" / "b").config() == changed(ny=7)
    assert sorted(tree(folder.path)) == ["config.json", "logs", "samples"]


def test_another_configuration_is_refused_and_the_folder_untouched(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(Config())
    before = tree(tmp_path)
    with pytest.raises(UserError, match="another configuration .*batch_size: 128 != 64.*--run_dir"):
        folder.create(changed(batch_size=64))
    with pytest.raises(UserError, match=r"; \.\.\."):
        folder.create(changed(batch_size=64, ny=1, nz=1, nhx=1, seed=1, nf=1))
    assert tree(tmp_path) == before


def test_resumable_fields_may_change_and_are_saved(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(Config())
    numbers = {name: 77 for name in RESUMABLE_FIELDS if name != "checkpoint"}
    folder.create(changed(**numbers, checkpoint="best"))
    assert folder.config() == changed(**numbers, checkpoint="best") != Config()


@pytest.mark.parametrize("name", ["thesis.tex", ".hidden", "logs"])
def test_a_foreign_folder_is_refused(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match="holds other files and no run: choose another --run_dir"):
        RunFolder(tmp_path).create(Config())
    assert tree(tmp_path) == {name: b"precious"}


def test_an_interrupted_start_is_no_foreign_folder(tmp_path):
    # SIGKILL while config.json is written leaves this, whatever the moment.
    (tmp_path / ".config.json.77.tmp").write_text('{"mod')
    RunFolder(tmp_path).create(Config())
    assert sorted(tree(tmp_path)) == ["config.json", "logs", "samples"]


def test_config_json_is_written_before_anything_else(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_folder, "save_config", killed)
    with pytest.raises(KeyboardInterrupt):
        RunFolder(tmp_path / "run").create(Config())
    assert tree(tmp_path / "run") == {}


@pytest.mark.parametrize(
    ("place", "words"), [("file", "is a file"), ("file/run", "Not a directory")]
)
def test_a_path_at_or_below_a_file_is_refused(tmp_path, place, words):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UserError, match=f"{words}.*choose another --run_dir"):
        RunFolder(tmp_path / place).create(Config())
    assert tree(tmp_path) == {"file": b"precious"}


def test_a_folder_without_write_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UserError, match="cannot be written .not writable.: choose another"):
        RunFolder(tmp_path).create(Config())
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format_version": 99}', "\x00"])
def test_a_broken_config_is_one_line_and_stays(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="config.json") as caught:
        RunFolder(tmp_path).create(Config())
    assert "\n" not in str(caught.value) and tree(tmp_path) == {"config.json": text.encode()}


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(UserError, match="is not a run folder: it has no config.json"):
        RunFolder(tmp_path).config()


# --- weights -------------------------------------------------------------------------------------


def small_model(**changes):
    return SRVP(dataclasses.replace(small_run.config().model, **changes), seed=5)


def weights(model):
    return checkpoints.values(model_variables(model))


def saved_run(path, seeds):
    """A run folder with checkpoints kind -> seed of the model's weights."""
    folder = RunFolder(path)
    folder.create(small_run.config())
    store = folder.checkpoints()
    store.open()
    for kind, seed in seeds.items():
        model = SRVP(small_run.config().model, seed=seed)
        store.save(kind, seed, {**weights(model), "adam/step": np.int64(3)}, {"step": seed})
    return folder


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_weights_come_from_the_judged_checkpoint_or_a_path(tmp_path):
    folder = saved_run(tmp_path, {"last": 2, "best": 1})
    model = small_model()
    assert load_weights(model, tmp_path)["step"] == 2
    assert equal(weights(model), weights(SRVP(small_run.config().model, seed=2)))
    assert load_weights(model, folder.checkpoint_path("best"))["step"] == 1
    assert equal(weights(model), weights(SRVP(small_run.config().model, seed=1)))


def test_the_configuration_tells_which_checkpoint_is_judged(tmp_path):
    folder = saved_run(tmp_path, {"last": 2, "best": 1})
    assert weights_path(tmp_path) == folder.checkpoint_path("last")
    text = json.loads(folder.config_path.read_text())
    text["eval"]["checkpoint"] = "best"
    folder.config_path.write_text(json.dumps(text))
    assert weights_path(tmp_path) == folder.checkpoint_path("best")


@pytest.mark.parametrize("changes", [{"nf": 3}, {"family": "vgg"}, {"nlayers_res": 3}])
def test_weights_of_another_architecture_are_refused_whole(tmp_path, changes):
    saved_run(tmp_path, {"last": 2})
    model = small_model(**changes)
    before = weights(model)
    with pytest.raises(UserError, match="belongs to another model"):
        load_weights(model, tmp_path)
    assert equal(weights(model), before)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match="is neither a run folder nor a checkpoint"):
        weights_path(tmp_path / "nothing")
    with pytest.raises(UserError, match="is not a run folder"):
        weights_path(tmp_path)
    RunFolder(tmp_path / "new").create(Config(ModelConfig()))
    with pytest.raises(UserError, match="has no 'last' checkpoint: train it first"):
        weights_path(tmp_path / "new")
