"""Every corpus, from its files to drawn futures: prepare, inspect, train, evaluate, generate.

The commands run as a user runs them, on simulated corpora in the real ones' folder layouts (extra
`test-long`) and on real camera videos, with small networks over the configurations of the corpora.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow import make_ndarray

from data_pipelines import open_corpus
from srvp_tf.config import Config
from srvp_tf.metrics.baselines import last_frame, pooled_psnr
from tests.corpora.bair import make_bair
from tests.corpora.broken_videos import make_broken_videos
from tests.corpora.human36m import make_human36m
from tests.corpora.kth import make_kth
from tests.corpora.real_videos import make_real_videos

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[3]
NUM_STEPS, NUM_VIDEOS, NUM_SAMPLES, LOG_INTERVAL = 300, 8, 5, 20
SMALL = (
    "--nf=8 --nhx=32 --ny=12 --nz=12 --nh_inf=64 --nh_res=64 --batch_size=8 --learning_rate=1e-3 "
    f"--lr_burnin={NUM_STEPS - 100} --lr_decay=100 --val_interval=150 --val_batches=1 "
    f"--val_batch_size=4 --val_samples=5 --log_interval={LOG_INTERVAL} --checkpoint_interval=100 "
    f"--num_samples={NUM_SAMPLES} --num_videos={NUM_VIDEOS}"
).split()


class Source(NamedTuple):
    """A corpus on disk; lengths: (name, frames) of every video in it; video: one of its files."""

    folder: Path
    lengths: list
    video: Path | None = None


def run(module, *arguments, status=0):
    """Run a command of the package; returns (standard output, standard error)."""
    line = [sys.executable, "-m", module, *map(str, arguments)]
    options = {"cwd": ROOT, "env": os.environ | {"PYTHONWARNINGS": "ignore"}, "timeout": 600}
    result = subprocess.run(line, capture_output=True, text=True, check=False, **options)
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout, result.stderr


def bair(folder):
    make_bair(folder, num_videos=24, num_test_videos=NUM_VIDEOS, videos_per_file=8)
    files = ("traj_0_to_7", "traj_8_to_15", "traj_16_to_23", "traj_0_to_7")
    return Source(folder, [(f"{file}/{i:03d}", 30) for file in files for i in range(8)])


def kth(folder):
    written = make_kth(folder, persons=(1, 2, 3, 21, 25))
    return _source(folder, written, lambda p: f"{p.parent.name}/{p.stem.removesuffix('_uncomp')}")


def human36m(folder):
    written = make_human36m(folder)
    return _source(folder, written, lambda path: f"{path.parents[1].name}-{path.stem}")


def video_folder(folder):
    written = make_real_videos(folder)
    return _source(folder, written, lambda path: path.relative_to(folder).as_posix())


def _source(folder, written, name):
    lengths = [(name(path), frames) for path, frames in written.items()]
    return Source(folder, lengths, next(iter(written)))


CORPORA = {make.__name__: make for make in (bair, kth, human36m, video_folder)}


def events(run_dir, tag):
    """(step, value) of every scalar, as TensorBoard reads them."""
    accumulator = EventAccumulator(str(run_dir / "logs"), {"tensors": 0})
    accumulator.Reload()
    return [(e.step, float(make_ndarray(e.tensor_proto))) for e in accumulator.Tensors(tag)]


def mean_psnr(truth, samples):
    """Of frames in [0, 1], [N, T, H, W, C]: over pixels, then the mean of channels and frames."""
    error = np.square(truth - samples).mean(axis=(2, 3))
    return float((-10 * np.log10(error)).mean())


@pytest.mark.parametrize("name", CORPORA)
def test_from_files_to_futures(name, tmp_path):
    source = CORPORA[name](tmp_path / "source")
    data_dir, run_dir = tmp_path / "data", tmp_path / "run"

    faults = make_broken_videos(source.folder / "broken") if name == "video_folder" else {}
    prepare = ("data_pipelines.prepare", f"--dataset={name}", f"--source_dir={source.folder}")
    output, told = run(*prepare, f"--data_dir={data_dir}")
    assert f"{len(faults)} left out" in output
    for path, fault in faults.items():
        assert [x for x in told.splitlines() if str(path) in x and fault in x], (path, told)
    assert sorted(prepared_lengths(name, data_dir)) == sorted(source.lengths)
    if faults:
        run(*prepare, f"--data_dir={data_dir}", "--strict", status=1)

    inspect = ("data_pipelines.inspect", f"--output_dir={tmp_path / 'inspection'}")
    output, _ = run(*inspect, f"--dataset={name}", f"--data_dir={data_dir}")
    assert f"left out when it was prepared: {len(faults) or 'nothing'}" in output
    Image.open(tmp_path / "inspection" / f"{name}.png").load()

    settings = (f"--flagfile=configs/{name}.cfg", *SMALL, f"--data_dir={data_dir}")
    run("srvp_tf.train", *settings, f"--run_dir={run_dir}")
    losses = [loss for step, loss in events(run_dir, "loss/total") if step % LOG_INTERVAL == 0]
    assert len(losses) == NUM_STEPS // LOG_INTERVAL and np.isfinite(losses).all()
    # The first steps of so high a rate are wild.
    assert np.mean(losses[-3:]) < np.mean(losses[1:4])
    assert [step for step, _ in events(run_dir, "validation/psnr")] == [150, 300]

    run("srvp_tf.evaluate", f"--run_dir={run_dir}")
    check_evaluation(name, run_dir, data_dir)

    data = Config.load(run_dir / "config.json").data
    run("srvp_tf.generate", f"--run_dir={run_dir}", f"--output={tmp_path / 'a.gif'}")
    film = Image.open(tmp_path / "a.gif")
    assert film.n_frames == data.test_length
    given = [f"--input={source.video}"] if source.video else []
    futures = tmp_path / "a.mp4"
    run("srvp_tf.generate", f"--run_dir={run_dir}", *given, f"--output={futures}", "--horizon=9")
    with av.open(str(futures)) as container:
        assert len(list(container.decode(video=0))) == data.nt_cond + 9


def prepared_lengths(name, data_dir):
    """Read all that was prepared with TFDS; returns (name, frames) of every video."""
    (info,) = data_dir.glob(f"{name}/*/*/dataset_info.json")
    lengths = []
    for split in tfds.builder_from_directory(info.parent).as_dataset().values():
        for example in split.as_numpy_iterator():
            video = example["video"]
            assert video.dtype == np.uint8 and video.shape[1:3] == (64, 64)
            # Nothing was prepared as a film that is black or stands still.
            assert np.abs(np.diff(video.astype(int), axis=0)).max() > 20
            lengths.append((example["name"].decode(), len(video)))
    return lengths


def check_evaluation(name, run_dir, data_dir):
    """The reported PSNR is that of the samples that were kept; they beat plainer predictions."""
    report = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert report["num_videos"] == NUM_VIDEOS and report["num_samples"] == NUM_SAMPLES
    data = Config.load(run_dir / "config.json").data
    with np.load(run_dir / "evaluation" / "psnr_best.npz") as arrays:
        samples = arrays["samples"] / 255.0
    videos = open_corpus(name, data_dir=data_dir).test_videos(
        length=data.test_length, num_videos=NUM_VIDEOS
    )
    truth = np.stack(list(videos.as_numpy_iterator())) / 255.0
    target = truth[:, data.nt_cond :]
    reported = report["metrics"]["psnr"]["mean"]
    # Samples are kept as uint8, rounded down.
    assert reported == pytest.approx(mean_psnr(target, samples), abs=0.25)
    colour = truth[:, : data.nt_cond].mean(axis=(1, 2, 3), keepdims=True)
    model = pooled_psnr(target, samples)
    assert model > pooled_psnr(target, np.broadcast_to(colour, target.shape)) + 1
    if name != "video_folder":  # a street from afar, where little moves
        assert model > pooled_psnr(target, last_frame(truth, data.nt_cond))
