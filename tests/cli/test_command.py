"""Commands for this test."""

import signal
import sys
import types
from pathlib import Path

import pytest
from absl import flags

from srvp_tf._version import __version__
from srvp_tf.cli import command
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.registries import DYNAMICS
from srvp_tf.config.shipped import shipped_configs
from srvp_tf.errors import UserError
from tests.cli import commands
from tests.cli.commands import run_python
from tests.config.test_paths import COMMANDS


def define_flags(flag_values):
    define_config_flags(flag_values)
    flags.DEFINE_string("run_dir", "runs/x", "folder of the run", flag_values=flag_values)


def outcome(main, *arguments):
    """The `Outcome` of `main` with the flags of this test."""
    module = types.SimpleNamespace(main=main, define_flags=define_flags, __name__="path/prog.py")
    return commands.outcome(module, *arguments)


def nothing(_):
    """A command that does nothing."""


def raising(error):
    def main(_):
        raise error

    return main


def test_main_gets_the_parsed_flags_and_gives_the_status():
    seen = []
    assert outcome(lambda values: seen.append(config_from_flags(values)), "--ny=3")[0] == 0
    assert seen[0].model.ny == 3
    assert outcome(lambda _: 4)[0] == 4


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("--ny=0 must be\nat least 1"), "--ny=0 must be at least 1"),
        (PermissionError(13, "Permission denied", "runs/x"), "runs/x: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("connection lost"), "connection lost"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_users_trouble_is_one_line(error, line):
    status, out, err = outcome(raising(error))
    assert status == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert out == "" and err.endswith(f": {line}\n") and err.count("\n") == 1


def test_inside_another_program_signals_are_left_as_they_were():
    # A shell that runs the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for main in (nothing, raising(UserError("x")), lambda _: signal.raise_signal(signal.SIGINT)):
        status, _, err = outcome(main)
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
    assert status == 130 and err.endswith(": interrupted\n")


def test_a_bug_keeps_its_traceback():
    values = flags.FlagValues()
    with pytest.raises(ZeroDivisionError):
        command.run(lambda _: 1 / 0, ["prog"], values)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--val_lenght=3"], "Did you mean: val_length"),
        (["--family=resnet"], "value should be one of <dcgan|vgg|dcgan_half>"),
        (["--seed=9223372036854775808"], "--seed=9223372036854775808 is beyond the integers of"),
        (["--ny=3", "--", "train"], "unexpected argument 'train'"),
        (["--flagfile="], "--flagfile needs the name of a file"),
        (["--flagfile=kht.cfg"], f"shipped with srvp_tf: {', '.join(shipped_configs())}"),
        (["--flagfile=mine/kth.cfg"], "--flagfile=mine/kth.cfg: no such file"),
        (["--flagfile=."], "--flagfile=.: no file"),
        ([f"--flagfile={sys.executable}"], "not a text file of flags"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(arguments, words):
    status, out, err = outcome(nothing, *arguments)
    assert status == 2 and out == "" and words in err and err.count("\n") == 1


def test_flagfiles_of_windows_and_in_flagfiles_are_read(tmp_path):
    seen = []
    text = f"--ny=3\r\n# and\r\n\r\n--flagfile={tmp_path}/b.cfg\r\n--nt_inf=4"
    (tmp_path / "a.cfg").write_text(text, encoding="utf-8")
    (tmp_path / "b.cfg").write_text("--ny=7\n--nt_inf=3\n--run_dir=Übung\n", encoding="utf-8")
    names = ("ny", "nt_inf", "run_dir")

    def main(values):
        seen.append([values[name].value for name in names])

    assert outcome(main, f"--flagfile={tmp_path}/a.cfg") == (0, "", "")
    assert seen == [[7, 4, "Übung"]]


def test_plugins_are_imported_first_also_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_parts_of_a_test.py").write_text(
        "from srvp_tf.config.registries import DYNAMICS\nDYNAMICS.register('still')(object)\n"
    )
    arguments = ("--plugins=my_parts_of_a_test", "--dynamics=still")
    seen = []
    try:
        assert outcome(lambda values: seen.append(values.dynamics), *arguments)[0] == 0
    finally:
        DYNAMICS.data.pop("still", None)
    assert seen == ["still"]
    status, _, err = outcome(nothing, "--plugins=no_such_module")
    assert status == 2 and "no module 'no_such_module'" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["--flagfile=configs/kth.cfg"], ["--flagfile", "kth.cfg"], ["-flagfile=kth.cfg"]],
)
def test_shipped_configs_are_found_unless_there_is_such_a_file(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    seen = []
    arguments = [lambda values: seen.append(config_from_flags(values)), *arguments, "--nt_inf=3"]
    outcome(*arguments)
    assert (seen[0].data.dataset, seen[0].model.ny) == ("kth", 50)
    Path("configs").mkdir()
    for name in ("kth.cfg", "configs/kth.cfg"):
        Path(name).write_text("--ny=11\n")
    outcome(*arguments)
    assert (seen[1].data.dataset, seen[1].model.ny) == ("moving_mnist", 11)


def test_help_shows_every_section_with_defaults_and_choices():
    status, out, err = outcome(nothing, "--help", "--nonsense")
    assert status == 0 and err == ""
    assert out.startswith("Commands for this test.\n\nUsage: ")
    titles = ("This command:", "Model: ", "Data: ", "Training: ", "Evaluation: ", "Every command:")
    places = [out.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    shown = "--run_dir=runs/x --family=dcgan <dcgan|vgg| --frame_size=64 <32|64|128> --skips=false"
    for words in (*shown.split(), "--learning_rate=0.0003", "--flagfile="):
        assert words in out
    assert max(map(len, out.splitlines())) <= 100 and len(out.splitlines()) < 90


def test_version():
    assert outcome(nothing, "--version") == (0, f"srvp-tf {__version__}\n", "")


def test_a_version_flag_of_a_command_is_its_own():
    values, seen = flags.FlagValues(), []
    flags.DEFINE_integer("version", None, "of a model", flag_values=values)
    with pytest.raises(SystemExit):
        command.run(lambda v: seen.append(v.version), ["prog", "--version", "3"], values)
    assert seen == [3]


def test_a_module_run_as_a_program_is_called_as_it_was():
    done = run_python("-m", "srvp_tf.train", "--run_dir=x", "--nt_cond=3")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("python -m srvp_tf.train: --nt_cond=3 is less than --nt_inf=5: ")


def test_every_command_can_be_run_twice_in_a_process():
    code = (
        "import runpy, sys\n"
        "for name in sys.argv[1:] * 2:\n"
        "    sys.argv = [name, '--help']\n"
        "    try:\n"
        "        runpy.run_module(name, run_name='__main__')\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, (name, end.code)\n"
    )
    result = run_python("-W", "ignore", "-c", code, *COMMANDS)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("Every command:") == 2 * len(COMMANDS)
    assert result.stdout.count("Train a model: ") == 2  # each with its own text


@pytest.mark.parametrize(
    ("setting", "code", "status", "words"),
    [
        ("jax", "import runpy; runpy.run_module('srvp_tf.train', run_name='__main__')", 1, "needs"),
        ("torch", "import srvp_tf; srvp_tf.SRVP", 1, "UserError: Keras' backend is torch, srvp_tf"),
        ("", "import srvp_tf; srvp_tf.SRVP, print(__import__('keras').config.backend())", 0, ""),
    ],
)
def test_another_backend_of_keras_is_one_line(tmp_path, setting, code, status, words):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    result = run_python("-c", code, KERAS_BACKEND=setting, KERAS_HOME=str(tmp_path))
    assert result.returncode == status
    if status:
        assert words in result.stderr.splitlines()[-1]
        assert setting == "torch" or result.stderr.count("\n") == 1
    else:
        assert result.stdout == "tensorflow\n"


@pytest.mark.parametrize(
    ("shell", "status", "error"),
    [
        ("{} --help | head -1", 0, ""),
        ("{} --version > /dev/full", 1, "standard output: No space left on device\n"),
        ("{} --version >&-", 0, ""),
    ],
)
def test_who_reads_the_answer_may_leave(shell, status, error):
    line = f"set -o pipefail; {shell.format(f'{sys.executable} -m srvp_tf.train')}"
    result = run_python("-c", line, program="bash")
    assert (result.returncode, result.stderr) == (status, error)
