"""How the exporting commands fail: one line, a status, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export import saved_model, tflite
from export.writers import saved_model as saved_model_writer
from export.writers import tflite as tflite_writer
from export.writers import warmup
from export.writers.real_frames import real_frames
from tests.export import small_export
from tests.runs import small_run

COMMANDS = {"saved_model": (saved_model, "output_dir"), "tflite": (tflite, "output")}


def fails(capsys, module, *arguments):
    """The line of a command that refuses."""
    assert small_export.call(module, *arguments) in (1, 2)
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--run_dir=nowhere", "nowhere is not a run folder"),
        ("--checkpoint=best", "has no 'best' checkpoint"),
        ("--horizon=0", "--horizon=0 must be at least 1"),
        ("--conditioning_frames=1", "this model needs 2 or more (nt_inf)"),
        ("--frames_per_step=2", "--frames_per_step=2 does not divide the 1 Euler steps"),
    ],
)
def test_a_wrong_setting_is_named(capsys, tmp_path, command, argument, message):
    module, output = COMMANDS[command]
    arguments = f"--run_dir={small_export.run_dir('dcgan')}", f"--{output}={tmp_path / 'out'}"
    assert message in fails(capsys, module, *arguments, argument)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "argument", "message"),
    [
        ("saved_model", "--max_conditioning_frames=2", "--max_conditioning_frames=2 is less"),
        ("saved_model", "--num_samples=0", "--num_samples=0 must be at least 1"),
        ("saved_model", "--run_dir=", "--run_dir is missing"),
        ("tflite", "--batch=0", "--batch=0: "),
        ("tflite", "--output=.", "--output=. is a folder"),
    ],
)
def test_a_wrong_setting_of_one_command_is_named(capsys, tmp_path, command, argument, message):
    module, output = COMMANDS[command]
    arguments = f"--run_dir={small_export.run_dir('dcgan')}", f"--{output}={tmp_path / 'out'}"
    assert message in fails(capsys, module, *arguments, argument)


@pytest.mark.parametrize(
    ("command", "package", "message"),
    [
        (
            "saved_model",
            "tensorflow_serving",
            "tensorflow-serving-api: pip install '.[serving]', or give --nowarmup",
        ),
        ("tflite", "ai_edge_litert", "needs ai-edge-litert: pip install '.[tflite]'"),
    ],
)
def test_a_missing_package_is_named(capsys, tmp_path, monkeypatch, command, package, message):
    monkeypatch.setitem(sys.modules, package, None)
    module, output = COMMANDS[command]
    arguments = f"--run_dir={small_export.run_dir('dcgan')}", f"--{output}={tmp_path / 'out'}"
    assert message in fails(capsys, module, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_in_the_working_directory_the_model_has_its_name(capsys, tmp_path, monkeypatch):
    run = small_export.run_dir("dcgan")
    (tmp_path / "bouncing").mkdir()
    monkeypatch.chdir(tmp_path / "bouncing")
    assert small_export.call(saved_model, f"--run_dir={run}", "--output_dir=.", "--horizon=1") == 0
    records = tf.data.TFRecordDataset(f"1/assets.extra/{warmup.WARMUP_FILE}").as_numpy_iterator()
    names = {
        prediction_log_pb2.PredictionLog.FromString(r).predict_log.request.model_spec.name
        for r in records
    }
    assert names == {"bouncing"}
    assert "moving digits in the place" not in capsys.readouterr().out
    arguments = f"--run_dir={run}", "--output_dir=.", "--noise_inputs"
    assert "holds version 1 with seeds, for a server" in fails(capsys, saved_model, *arguments)
    monkeypatch.chdir(tmp_path)
    assert small_export.call(saved_model, *arguments[::2], "--horizon=1") == 0
    assert (tmp_path / "models" / "srvp_noise_inputs" / "1" / "encode").is_dir()


def test_the_corpus_of_the_comparison_is_told(capsys):
    config = small_run.config(*small_export.KINDS["vgg"])
    frames, corpus = real_frames(config, 1, 2)
    assert (corpus, frames.shape) == ("moving_mnist", (1, 2, 64, 64, 3))
    out = capsys.readouterr().out
    assert out.startswith("parity: moving digits in the place of bair, as --data_dir is missing")
    assert out.count("\n") == 1
    described = json.loads((small_export.served("vgg") / "assets.extra/srvp.json").read_text())
    assert described["parity"]["corpus"] == "moving_mnist"


@pytest.mark.parametrize("command", ["saved_model", pytest.param("tflite", marks=pytest.mark.long)])
def test_a_model_that_was_written_wrong_is_deleted(capsys, tmp_path, monkeypatch, command):
    """One weight of the written model is changed, which only a comparison can find out."""
    module, output = COMMANDS[command]
    writer, name = {
        "saved_model": (saved_model_writer, "write_served"),
        "tflite": (tflite_writer, "convert"),
    }[command]
    write = getattr(writer, name)

    def write_wrong(*arguments):
        (model,) = (a for a in arguments if hasattr(a, "dynamics"))
        bias = model.content.video_map.bias
        bias.assign_add(np.eye(1, bias.shape[0], dtype=np.float32)[0])
        return write(*arguments)

    monkeypatch.setattr(writer, name, write_wrong)
    arguments = f"--run_dir={small_export.run_dir('dcgan')}", f"--{output}={tmp_path / 'out'}"
    line = fails(capsys, module, *arguments, "--horizon=2")
    assert "parity: " in line and "from float64, Keras" in line
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.long
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_killed_while_writing_it_leaves_no_version(tmp_path, kill):
    output = tmp_path / "srvp"
    arguments = f"--run_dir={small_export.run_dir('dcgan')}", f"--output_dir={output}"
    process = subprocess.Popen([sys.executable, "-m", "export.saved_model", *arguments])
    while process.poll() is None and not list(output.glob(".1.*/saved_model.pb")):
        time.sleep(0.02)
    os.kill(process.pid, kill)
    assert process.wait() == (143 if kill == signal.SIGTERM else -signal.SIGKILL)
    left = [path.name for path in output.iterdir()]
    assert "1" not in left and (kill == signal.SIGKILL or left == [])
    assert small_export.call(saved_model, *arguments) == 0
    assert (output / "1" / "saved_model.pb").exists()
