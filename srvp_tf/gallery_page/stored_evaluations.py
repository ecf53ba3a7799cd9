"""What an evaluation left behind: its report, and the samples that it kept."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srvp_tf.config.corpora import read_header
from srvp_tf.errors import UserError
from srvp_tf.evaluation.protocol import REPORT
from srvp_tf.evaluation.sample_store import KEY
from srvp_tf.metrics.registry import per_frame


class StoredEvaluation(NamedTuple):
    """An evaluation: what its results.json holds, and its folder."""

    report: dict
    folder: Path

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of single frames that it has the best samples of."""
        return per_frame(self.report["metrics"])

    @property
    def has_samples(self) -> bool:
        """Whether the samples are there, and not the report alone."""
        names = ["random_1", *(f"{n}_{end}" for n in self.metrics for end in ("best", "worst"))]
        return all((self.folder / f"{name}.npz").is_file() for name in names)

    def samples(self, name: str, batch_size: int) -> Iterator[np.ndarray]:
        """Yield the samples `name`, e.g. "psnr_best": uint8 [<= batch_size, K, H, W, C].

        They are read piece by piece, as those of 5,000 videos are large.

        Raises:
            UserError: there are none, or they are damaged.
        """
        path = self.folder / f"{name}.npz"
        try:
            with zipfile.ZipFile(path) as archive, archive.open(f"{KEY}.npy") as file:
                shape, fortran_order, dtype = read_header(file)
                if dtype != np.uint8 or fortran_order or len(shape) != 5:
                    raise ValueError(f"{dtype} {shape}")
                for first in range(0, shape[0], batch_size):
                    rows = (min(batch_size, shape[0] - first), *shape[1:])
                    content = file.read(int(np.prod(rows)))
                    yield np.frombuffer(content, np.uint8).reshape(rows)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} cannot be used ({error}): evaluate the run again") from None


def stored(folder: Path) -> StoredEvaluation | None:
    """The evaluation in a folder, None if there is none; `UserError` if its report is damaged."""
    path = folder / REPORT
    if not path.exists():
        return None
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        for summary in report["metrics"].values():
            float(summary["mean"]), float(summary["ci95"])
        for name in ("step", "num_videos", "num_samples"):
            int(report[name])
        return StoredEvaluation(report, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is no report ({error!r}): evaluate the run again") from None


def mismatches(report: dict, config, step: int) -> list[str]:
    """In what a report is not of this configuration's test videos and model, as short texts."""
    data = config.data
    expected = {
        "step": step,
        "checkpoint": config.eval.checkpoint,
        "dataset": data.dataset,
        "digits": data.digits,
        "conditioning_frames": data.nt_cond,
        "predicted_frames": data.test_length - data.nt_cond,
    }
    return [
        f"{name} {report.get(name)}, not {value}"
        for name, value in expected.items()
        if report.get(name) != value
    ]


def as_unit_floats(frames: np.ndarray, floored: bool = False) -> np.ndarray:
    """Frames uint8 as float32 in [0, 1]; `floored` ones lay anywhere in [k, k + 1) / 255."""
    return (frames.astype(np.float32) + (0.5 if floored else 0.0)) / 255


def frame_scores(evaluation, batches, nt_cond, metrics):
    """Scores of every predicted frame of the best samples, and of the last given frame repeated.

    Args:
        evaluation: a `StoredEvaluation` with samples.
        batches: the test videos that were judged, uint8 [B, T, H, W, C], in order; as many or more.
        nt_cond: conditioning frames.
        metrics: name -> function of (target, prediction), see `ChosenMetrics.frame_metrics`.

    Returns:
        (name -> float64 [N, K] of the sample that is best by this metric, name -> those of the
        baseline).

    Raises:
        UserError: the samples are damaged or of other videos.
    """
    import tensorflow as tf

    from srvp_tf.metrics.baselines import last_frame

    compiled = {name: tf.function(function) for name, function in metrics.items()}
    model = {name: [] for name in metrics}
    baseline = {name: [] for name in metrics}
    count, rows = evaluation.report["num_videos"], None
    for videos in batches:
        videos = videos[: count - sum(map(len, baseline[next(iter(metrics))]))]
        if not len(videos):
            break
        if rows is None:
            rows = {name: evaluation.samples(f"{name}_best", len(videos)) for name in metrics}
        truth = as_unit_floats(videos)
        target, last = truth[:, nt_cond:], last_frame(truth, nt_cond)
        for name, metric in compiled.items():
            predicted = next(rows[name], None)
            if predicted is None or predicted.shape != target.shape:
                raise UserError(f"{evaluation.folder} is not of these test videos: evaluate again")
            model[name].append(metric(target, as_unit_floats(predicted, floored=True)).numpy())
            baseline[name].append(metric(target, last).numpy())
    return tuple(
        {name: np.concatenate(values).astype(np.float64) for name, values in table.items()}
        for table in (model, baseline)
    )
