"""The wheel is whole: what the README begins with, and every command, work from it alone.

It is built from the files that git knows, and installed into a new virtual environment, which finds
the libraries (and only those) where these tests have them.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

import srvp_tf
from tests.config import test_paths

ROOT = Path(__file__).parents[2]
COMMANDS = [name.removesuffix(".__main__") for name in test_paths.COMMANDS]
LITTLE = "--nf=4 --lr_burnin=1 --lr_decay=1 --batch_size=2 --val_batches=1 --val_batch_size=2"
CALLS = {  # in this order, as some need what others have made
    "srvp_tf.generate": "--run_dir=smmnist --num_samples=2",
    "srvp_tf.evaluate": "--run_dir=smmnist --num_videos=2 --num_samples=2 --eval_batch_size=2",
    "srvp_tf.experiment": "--run_dir=smmnist --num_videos=2 --experiments=content_swap",
    "srvp_tf.gallery": "--run_dir=smmnist --num_shown=1 --num_videos=2 --num_samples=2",
    "srvp_tf.release": "--run_dir=smmnist --output_dir=released",
    "srvp_tf.train": f"--flagfile=configs/smmnist.cfg --run_dir=trained {LITTLE} --val_samples=2",
    "srvp_tf.quickstart": f"--run_dir=quick {LITTLE} --val_samples=2 --num_videos=2",
    "srvp_tf.torch_import": "--xp_dir=experiment --run_dir=imported",
    "srvp_tf.fetch": "--metric=lpips --cache_dir=cache",
    "data_pipelines.prepare": "--dataset=video_folder --source_dir=VIDEOS --data_dir=prepared",
    "data_pipelines.inspect": "--dataset=video_folder --data_dir=prepared",
    "export.saved_model": "--run_dir=smmnist --output_dir=models/srvp",
    "export.tflite": "--run_dir=smmnist --output=srvp.tflite",
    "export.web": "--run_dir=smmnist --output=demo",
    "export.serve_local": "--model_dir=models/srvp",
    "export.client": "predict --server=localhost:8500 --input=clip.mp4 --output=future.gif",
}


def clean():
    """The environment without what would let the checkout be found."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a new virtual environment, into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no checkout of git: what belongs to the wheel is not known")
    for name in listed.stdout.split("\0")[:-1]:
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, folder / "source"], check=True)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--target", site]
    subprocess.run([*install, wheel], check=True)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def called(python, folder, *arguments, check=True):
    """What an interpreter says that is started in a folder; fails if it does."""
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=clean(), capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_what_the_readme_begins_with_runs_in_an_empty_folder(python, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"^    import srvp_tf\n(?:^(?:    .*)?\n)+", readme, re.M)[0]
    code = re.sub("^    ", "", code, flags=re.M)
    assert "srvp_tf.load(" in code and "model.forecast(" in code
    printed = called(python, tmp_path, "-c", code + "\nprint(srvp_tf.__file__, futures.shape)")
    assert str(python.parents[1]) in printed  # of the wheel, not of the checkout
    assert "(4, 5, 20, 64, 64, 1)" in printed
    assert (tmp_path / "futures.gif").stat().st_size > 10_000
    assert called(python, tmp_path, "-c", "import srvp_tf; srvp_tf.load()").count("\n") == 4


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_helps(python, tmp_path, module):
    assert f"Usage: python -m {module}" in called(python, tmp_path, "-m", module, "--help")


def test_every_command_is_called():
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.long
def test_every_command_does_its_work(python, tmp_path):
    shutil.copytree(ROOT / "tests/data/golden/official_dcgan_gray", tmp_path / "experiment")
    videos = np.random.default_rng(0).integers(0, 256, (4, 70, 64, 64, 3), np.uint8)
    for name, video in zip(("clip", "VIDEOS/a", "VIDEOS/b", "VIDEOS/c"), videos, strict=True):
        srvp_tf.write_video(tmp_path / f"{name}.mp4", video)
    server = None
    try:
        for module, arguments in CALLS.items():
            line = ["-m", module, *arguments.split()]
            if module != "export.serve_local":
                called(python, tmp_path, *line)
                continue
            options = {"cwd": tmp_path, "env": clean(), "text": True}
            server = subprocess.Popen([python, *line], stdout=subprocess.PIPE, **options)
            assert server.stdout.readline().startswith("serving ")
    finally:
        if server:
            server.terminate()
            server.wait()
    made = ("prediction.gif", "smmnist/evaluation/results.json", "site/index.html", "future.gif")
    assert all((tmp_path / name).is_file() for name in made)
