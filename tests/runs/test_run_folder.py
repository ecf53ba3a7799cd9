import numpy as np
import pytest

from srvp_tf.config import RESUMABLE_FIELDS, Config
from srvp_tf.errors import UserError
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs import checkpoints, run_folder
from srvp_tf.runs.run_folder import RunFolder, load_weights, model_variables
from tests.cli.commands import contents
from tests.runs import small_run

CONFIG = Config()


def names(folder):
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_create_makes_a_folder_that_gives_the_configuration_back(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b")
    folder.create(CONFIG.replace(ny=7))
    assert RunFolder(tmp_path / "a" / "b").config() == CONFIG.replace(ny=7)
    assert names(folder.path) == ["config.json", "logs", "samples"]


def test_another_configuration_is_refused_and_the_folder_untouched(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(CONFIG)
    before = contents(tmp_path)
    with pytest.raises(UserError, match="another configuration .*batch_size: 128 != 64.*--run_dir"):
        folder.create(CONFIG.replace(batch_size=64))
    with pytest.raises(UserError, match=r"; \.\.\."):
        folder.create(CONFIG.replace(batch_size=64, ny=1, nz=1, nhx=1, seed=1, nf=1))
    assert contents(tmp_path) == before


def test_resumable_fields_may_change_and_are_saved(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create(CONFIG)
    changed = CONFIG.replace(**dict.fromkeys(RESUMABLE_FIELDS, 77) | {"checkpoint": "best"})
    folder.create(changed)
    assert folder.config() == changed != CONFIG


@pytest.mark.parametrize("name", ["thesis.tex", ".hidden", "logs"])
def test_a_foreign_folder_is_refused(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(UserError, match="holds other files and no run: choose another --run_dir"):
        RunFolder(tmp_path).create(CONFIG)
    assert contents(tmp_path) == {tmp_path / name: b"precious"}


def test_an_interrupted_start_is_no_foreign_folder(tmp_path):
    # SIGKILL while config.json is written leaves this, whatever the moment.
    (tmp_path / ".config.json.77.tmp").write_text('{"mod')
    RunFolder(tmp_path).create(CONFIG)
    assert names(tmp_path) == ["config.json", "logs", "samples"]


def test_config_json_is_written_before_anything_else(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_folder, "save_config", killed)
    with pytest.raises(KeyboardInterrupt):
        RunFolder(tmp_path / "run").create(CONFIG)
    assert names(tmp_path / "run") == []


@pytest.mark.parametrize(
    ("place", "words"), [("file", "is a file"), ("file/run", "Not a directory")]
)
def test_a_path_at_or_below_a_file_is_refused(tmp_path, place, words):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UserError, match=f"{words}.*choose another --run_dir"):
        RunFolder(tmp_path / place).create(CONFIG)
    assert names(tmp_path) == ["file"]


def test_a_folder_without_write_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(UserError, match="cannot be written .not writable.: choose another"):
        RunFolder(tmp_path).create(CONFIG)
    assert names(tmp_path) == []


@pytest.mark.parametrize("changes", [{"nf": 3}, {"family": "vgg"}, {"nlayers_res": 3}])
def test_weights_of_another_architecture_are_refused_whole(tmp_path, changes):
    config = small_run.config()
    folder = RunFolder(tmp_path)
    folder.create(config)
    weights = checkpoints.values(model_variables(SRVP(config.model, seed=2)))
    folder.checkpoints().open()
    folder.checkpoints().save("last", 2, weights, {"step": 2})
    model = SRVP(config.replace(**changes).model, seed=5)
    before = checkpoints.values(model_variables(model))
    with pytest.raises(UserError, match="belongs to another model"):
        load_weights(model, tmp_path)
    for name, value in checkpoints.values(model_variables(model)).items():
        assert np.array_equal(value, before[name])
