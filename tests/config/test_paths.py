"""Every flag and every argument that takes a path: `~` is a home folder, addresses are refused."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from absl import flags

import srvp_tf
from export.writers.version_folder import choose_version
from srvp_tf import release, torch_import
from srvp_tf.config import Config, differing_settings
from srvp_tf.errors import UserError
from srvp_tf.evaluation.protocol import evaluate
from srvp_tf.metrics import weight_cache
from srvp_tf.metrics.published_weights import read_published
from srvp_tf.runs.run_folder import RunFolder, load_weights, save_config
from tests.project.test_imports import find_sources

pytestmark = pytest.mark.usefixtures("home")

# Flags of text that name no file of the user's.
_NO_PATHS = {
    *("title", "metrics", "experiments", "model_name", "server", "model", "label", "signature"),
    *("host", "digits", "motion", "litert_cdn", "loss_weights"),
}


def commands():
    """The modules that are commands, by name."""
    sources = {name: path.read_text(encoding="utf-8") for name, path in find_sources().items()}
    return [
        name
        for name, text in sources.items()
        if "def define_flags(" in text and '__name__ == "__main__"' in text
    ]


COMMANDS = commands()


def test_the_commands_are_found():
    assert {"srvp_tf.train", "srvp_tf.generate", "export.client.__main__"} <= set(COMMANDS)
    assert len(COMMANDS) >= 15


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_that_takes_a_path(command, home):
    def defined():
        values = flags.FlagValues()
        importlib.import_module(command).define_flags(values)
        return values

    of_text = {
        name
        for name in defined()
        if isinstance(defined()[name].parser, flags.ListParser)
        or type(defined()[name].parser) is flags.ArgumentParser
        or defined()[name].flag_type() == "path"
    }
    paths = of_text - _NO_PATHS
    assert paths, "a command without a path"
    for name in paths:
        values = defined()
        values(["prog", f"--{name}=~/a/x.gif"])
        is_list = isinstance(values[name].parser, flags.ListParser)
        expected = str(home / "a/x.gif")
        assert values[name].value == ([expected] if is_list else expected), name
        with pytest.raises(flags.IllegalFlagValueError, match="is an address") as caught:
            defined()(["prog", f"--{name}=gs://bucket/x.gif"])
        assert "\n" not in str(caught.value) and f"--{name}=" in str(caught.value)
    assert not list(Path.cwd().iterdir())


def test_a_path_of_a_setting_is_the_same_with_and_without_its_tilde(home):
    config = Config().replace(data_dir="~/prepared")
    assert differing_settings(config, config.replace(data_dir=f"{home}/prepared")) == []


GIF = np.zeros((2, 8, 8, 1), np.uint8)
USERS = {
    "load": srvp_tf.load,
    "RunFolder": RunFolder,
    "Trainer": lambda path: srvp_tf.Trainer(Config(), path),
    "load_weights": lambda path: load_weights(None, path),
    "write_video": lambda path: srvp_tf.write_video(f"{path}.gif", GIF),
    "Config.load": Config.load,
    "save_config": lambda path: save_config(Config(), path),
    "release": lambda path: release.release("run", path),
    "import_experiment": lambda path: torch_import.import_experiment(path, "run"),
    "evaluate": lambda path: evaluate(Config(), None, path),
    "weights_path": lambda path: weight_cache.cache_path("fvd", path),
    "read_published": lambda path: read_published("fvd", path),
    "choose_version": choose_version,
}


@pytest.mark.parametrize("name", USERS)
def test_every_function_that_takes_a_path_refuses_addresses(name):
    with pytest.raises(UserError, match=r"gs://bucket/x(\.gif)?: is an address"):
        USERS[name]("gs://bucket/x")
    assert not list(Path.cwd().iterdir())


def test_what_is_written_below_the_home_folder_lies_there(home):
    srvp_tf.write_video("~/new/x.gif", GIF)
    save_config(Config(), "~/new/config.json")
    assert sorted(path.name for path in (home / "new").iterdir()) == ["config.json", "x.gif"]
    assert Config.load("~/new/config.json") == Config()
    assert RunFolder("~/run").path == home / "run"
    assert not list(Path.cwd().iterdir())
