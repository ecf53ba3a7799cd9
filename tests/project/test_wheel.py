"""The wheel is whole: what the README begins with, and every command, work from it alone.

Commands do their work from it in the long tests of `test_documented_commands`.
"""

import os
import re
import subprocess

import pytest

from tests.config import test_paths
from tests.project.test_imports import ROOT

COMMANDS = [name.removesuffix(".__main__") for name in test_paths.COMMANDS]


def called(python, folder, *arguments):
    """What an interpreter says that is started in a folder; fails if it does."""
    # Without what would let the checkout be found.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_what_the_readme_begins_with_runs_in_an_empty_folder(installed_python, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"^    import srvp_tf\n(?:^(?:    .*)?\n)+", readme, re.M)[0]
    code = re.sub("^    ", "", code, flags=re.M)
    assert "srvp_tf.load(" in code and "model.forecast(" in code
    printed = called(
        installed_python, tmp_path, "-c", code + "\nprint(srvp_tf.__file__, futures.shape)"
    )
    assert str(installed_python.parents[1]) in printed  # of the wheel, not of the checkout
    assert "(4, 5, 20, 64, 64, 1)" in printed
    assert (tmp_path / "futures.gif").stat().st_size > 10_000
    assert (
        called(installed_python, tmp_path, "-c", "import srvp_tf; srvp_tf.load()").count("\n") == 4
    )


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_helps(installed_python, tmp_path, module):
    assert f"Usage: python -m {module}" in called(
        installed_python, tmp_path, "-m", module, "--help"
    )
