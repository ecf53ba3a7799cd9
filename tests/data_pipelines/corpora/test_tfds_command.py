"""The command `tfds build` on our corpora, in a virtual environment of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.data_pipelines.corpora.corpus_files import stored, write_kth

ROOT = Path(__file__).parents[3]


@pytest.mark.long
def test_tfds_build_prepares_what_we_prepare(tmp_path):
    # Its extra wants an older protobuf than the newest TensorFlow brings: not among the others.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", f"{ROOT}[tfds-cli]"], check=True)
    files = write_kth(tmp_path)
    for command in (
        (binaries / "tfds", "build", "kth", "--imports=data_pipelines.corpora.builders")
        + (f"--manual_dir={files}", f"--data_dir={tmp_path / 'theirs'}"),
        (sys.executable, "-m", "data_pipelines.prepare", "--dataset=kth")
        + (f"--source_dir={files}", f"--data_dir={tmp_path / 'ours'}"),
    ):
        subprocess.run(command, check=True, cwd=ROOT)
    theirs, ours = (
        stored(tfds.builder_from_directory(tmp_path / of / "kth/64/1.0.0"), "test")
        for of in ("theirs", "ours")
    )
    assert list(theirs) == list(ours)
    for name, video in ours.items():
        np.testing.assert_array_equal(theirs[name], video)
