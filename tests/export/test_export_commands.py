"""How the exporting commands fail: one line, a status, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from export import saved_model, tflite, web
from export.web_page import signatures
from export.writers import saved_model as saved_model_writer
from export.writers import tflite as tflite_writer
from export.writers.real_frames import real_frames
from tests.export.small_export import KINDS, call, refusal
from tests.runs import small_run

COMMANDS = {
    "saved_model": (saved_model, "output_dir"),
    "tflite": (tflite, "output"),
    "web": (web, "output"),
}


@pytest.fixture
def refused(dcgan, tmp_path, capsys):
    """Command, arguments -> the line with which it refuses; nothing is left."""

    def refused(command, *arguments):
        module, output = COMMANDS[command]
        paths = f"--run_dir={dcgan.run_dir}", f"--{output}={tmp_path / 'out'}"
        line = refusal(capsys, module, *paths, *arguments)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        return line

    return refused


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--run_dir=nowhere", "nowhere is not a run folder"),
        ("--checkpoint=best", "has no 'best' checkpoint"),
        ("--horizon=0", "--horizon=0 must be at least 1"),
        ("--conditioning_frames=1", "this model needs 2 or more (nt_inf)"),
    ],
)
def test_a_wrong_setting_is_named(refused, command, argument, message):
    assert message in refused(command, argument)


@pytest.mark.parametrize(
    ("command", "argument", "message"),
    [
        ("saved_model", "--max_conditioning_frames=2", "--max_conditioning_frames=2 is less"),
        ("saved_model", "--num_samples=0", "--num_samples=0 must be at least 1"),
        ("saved_model", "--frames_per_step=2", "does not divide the 1 Euler steps"),
        ("saved_model", "--run_dir=", "--run_dir is missing"),
        ("tflite", "--batch=0", "--batch=0: "),
        ("tflite", "--output=.", "--output=. is a folder"),
        ("web", "--litert_dir=nowhere", "--litert_dir=nowhere is no unpacked @litertjs/core"),
        ("web", "--litert_cdn=cdn", "--litert_cdn=cdn is no address such as https://"),
        ("web", "--litert_cdn=https://a.b/'onload=", "is no address"),
    ],
)
def test_a_wrong_setting_of_one_command_is_named(refused, command, argument, message):
    assert message in refused(command, argument)


@pytest.mark.parametrize(
    ("command", "package", "advice"),
    [
        ("saved_model", "tensorflow_serving", "'.[serving]', or give --nowarmup"),
        ("tflite", "ai_edge_litert", "needs ai-edge-litert: pip install '.[tflite]'"),
        ("web", "ai_edge_litert", "needs ai-edge-litert: pip install '.[tflite]'"),
    ],
)
def test_a_missing_package_is_named(refused, monkeypatch, command, package, advice):
    monkeypatch.setitem(sys.modules, package, None)
    assert advice in refused(command)


def test_a_folder_of_versions_for_a_server_takes_no_other_kind(dcgan, tmp_path, capsys):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    arguments = f"--run_dir={dcgan.run_dir}", f"--output_dir={tmp_path}", "--noise_inputs"
    line = refusal(capsys, saved_model, *arguments)
    assert "holds version 1 with seeds, for a server" in line


@pytest.mark.parametrize(
    ("kind", "size", "told"),
    [
        ("vgg", (64, 64, 3), "moving digits in the place of bair, as --data_dir is missing"),
        ("dcgan", (32, 32, 1), ""),
    ],
)
def test_the_corpus_of_the_comparison_is_told(capsys, kind, size, told):
    frames, corpus = real_frames(small_run.config(*KINDS[kind]), 1, 2)
    assert (corpus, frames.shape) == ("moving_mnist", (1, 2, *size))
    out = capsys.readouterr().out
    assert told in out and out.count("\n") == bool(told)


@pytest.mark.parametrize(
    ("command", "writer", "name"),
    [
        ("saved_model", saved_model_writer, "write_served"),
        pytest.param("tflite", tflite_writer, "convert", marks=pytest.mark.long),
        pytest.param("web", signatures, "build_parts", marks=pytest.mark.long),
    ],
)
def test_a_model_that_was_written_wrong_is_deleted(refused, monkeypatch, command, writer, name):
    """One weight of the written model is changed, which only a comparison can find out."""
    write = getattr(writer, name)

    def write_wrong(*arguments):
        (model,) = (a for a in arguments if hasattr(a, "dynamics"))
        bias = model.content.video_map.bias
        bias.assign_add(np.eye(1, bias.shape[0], dtype=np.float32)[0])
        return write(*arguments)

    monkeypatch.setattr(writer, name, write_wrong)
    line = refused(command, "--horizon=1")
    assert "parity: " in line and "from float64, Keras" in line


@pytest.mark.long
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_killed_while_writing_it_leaves_no_version(dcgan, tmp_path, kill):
    output = tmp_path / "srvp"
    arguments = f"--run_dir={dcgan.run_dir}", f"--output_dir={output}"
    process = subprocess.Popen([sys.executable, "-m", "export.saved_model", *arguments])
    while process.poll() is None and not list(output.glob(".1.*/saved_model.pb")):
        time.sleep(0.02)
    os.kill(process.pid, kill)
    assert process.wait() == (143 if kill == signal.SIGTERM else -signal.SIGKILL)
    left = [path.name for path in output.iterdir()]
    assert "1" not in left and (kill == signal.SIGKILL or left == [])
    assert call(saved_model, *arguments) == 0
    assert (output / "1" / "saved_model.pb").exists()
