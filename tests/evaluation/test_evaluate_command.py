"""`python -m srvp_tf.evaluate`: what it writes, and how it fails."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from srvp_tf.evaluation import protocol
from tests.evaluation.evaluate_run import run
from tests.runs import small_run


@pytest.fixture
def run_dir(tmp_path, finished):
    return shutil.copytree(finished(), tmp_path / "run")


def test_writes_the_table_as_json_and_the_arrays_as_npz(run_dir, capsys):
    assert run(f"--run_dir={run_dir}") == 0
    folder = run_dir / "evaluation"
    report = json.loads((folder / "results.json").read_text())
    with np.load(folder / "results.npz", allow_pickle=False) as results:
        for name in ("psnr", "ssim"):
            values = results[name]
            assert values.shape == (6,)
            summary = report["metrics"][name]
            assert summary["mean"] == pytest.approx(values.mean(), rel=1e-6)
            half_width = 1.96 * values.std() / np.sqrt(6)
            assert summary["ci95"] == pytest.approx(half_width, rel=1e-6)
            assert f"{values.mean():.2f}" in capsys.readouterr().out or name == "ssim"
    for name in ("psnr_best", "ssim_worst", "random_3", "cond_rec"):
        with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
            assert archive["samples"].shape == (6, 3, 32, 32, 1)
    assert report["step"] == small_run.NUM_STEPS


def test_an_earlier_evaluation_is_replaced_whole(run_dir):
    folder = run_dir / "evaluation"
    for num_samples in (3, 1):
        assert run(f"--run_dir={run_dir}", f"--num_samples={num_samples}") == 0
        assert len(list(folder.glob("random_*.npz"))) == num_samples
    assert not list(run_dir.glob(".evaluation*"))


def test_a_stop_between_the_renamings_loses_no_earlier_evaluation(tmp_path, monkeypatch):
    path = tmp_path / "evaluation"
    path.mkdir()
    (path / protocol.REPORT).write_text("earlier")
    rename = Path.rename

    def stopped(source, target):
        if source.name.endswith(".tmp"):
            raise KeyboardInterrupt
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt), protocol._fresh_folder(path):
        pass
    assert (path / protocol.REPORT).read_text() == "earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["evaluation"]


def test_batches_that_do_not_fill_up_give_the_same_table(run_dir):
    tables = []
    for batch_size in (4, 6):
        out = run_dir / f"out{batch_size}"
        flags = f"--eval_batch_size={batch_size}", f"--output_dir={out}"
        assert run(f"--run_dir={run_dir}", *flags) == 0
        with np.load(out / "results.npz", allow_pickle=False) as results:
            tables.append({name: results[name] for name in results.files})
    for name, values in tables[0].items():
        np.testing.assert_allclose(tables[1][name], values, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run_dir={folder}/none"], "not a run folder"),
        ([], "--run_dir is missing"),
        (["--run_dir={run}", "--num_samples=0"], "--num_samples=0"),
        (["--run_dir={run}", "--output_dir={folder}"], "choose another --output_dir"),
        (["--run_dir={run}", "--output_dir={mixed}"], "thesis.tex"),
        (["--run_dir={run}", "--digits=idx", "--digits_dir={folder}/none"], "none"),
        (["--run_dir={empty}"], "no 'last' checkpoint"),
        (["--run_dir={broken}"], "family"),
    ],
)
def test_bad_input_is_one_line_and_nothing_written(run_dir, tmp_path, capsys, arguments, message):
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    for folder in (empty, broken):
        folder.mkdir()
        shutil.copy(run_dir / "config.json", folder)
    text = (broken / "config.json").read_text()
    (broken / "config.json").write_text(text.replace('"dcgan"', '"resnet"'))
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("results.json", "thesis.tex"):
        (mixed / name).write_text("mine")
    names = {"mixed": mixed, "folder": tmp_path, "run": run_dir, "empty": empty, "broken": broken}
    before = sorted(tmp_path.rglob("*"))
    assert run(*(argument.format(**names) for argument in arguments)) != 0
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
    assert sorted(tmp_path.rglob("*")) == before
