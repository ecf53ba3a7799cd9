"""The protocol of the paper on a run: the best of many samples of each test video."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srvp_tf.config import Config, corpora
from srvp_tf.config.corpora import local_path
from srvp_tf.config.tensorflow_start import start_tensorflow
from srvp_tf.errors import UserError
from srvp_tf.evaluation.chosen_metrics import DEFAULT_METRICS, ChosenMetrics
from srvp_tf.evaluation.report import write_report
from srvp_tf.metrics.published_results import RESULTS, published_setting
from srvp_tf.runs.atomic_files import replacing_folder
from srvp_tf.runs.npz_files import write_npz

if TYPE_CHECKING:
    import tensorflow as tf

    from srvp_tf.runs.run_folder import RunFolder

REPORT = "results.json"
TRUE_ACTIONS = "true"
ACTION_SOURCES = (TRUE_ACTIONS, "zero", "shuffled")
"""What a model with actions is judged with: those of each video, zeros, those of another video."""


def evaluate(
    config: Config,
    folder: "RunFolder",
    output: str | os.PathLike,
    metrics: ChosenMetrics = DEFAULT_METRICS,
    actions: str = TRUE_ACTIONS,
) -> dict:
    """Judge a run on its test set.

    Args:
        config, folder: the run's.
        output: the folder that is written.
        actions: of `ACTION_SOURCES`, which ones a model with actions is given.

    Returns:
        What results.json holds.

    Raises:
        UserError: weights are missing, a metric is not for this corpus, FVD has too little to see,
            or `output` is in use.
    """
    metrics.check_corpus(config.data)
    if actions != TRUE_ACTIONS and not config.model.action_size:
        raise UserError(f"--actions={actions}: this model takes no actions, leave it out")
    output, weights = local_path(output), metrics.weights_sha256()
    start_tensorflow(config.train.deterministic)
    import tensorflow as tf

    from srvp_tf.evaluation.evaluator import Evaluator
    from srvp_tf.evaluation.sample_store import SampleStore
    from srvp_tf.metrics.best_of import summarize
    from srvp_tf.models.clips import parts
    from srvp_tf.runs.run_folder import read_model
    from srvp_tf.training.strategy import local_strategy

    data, c = config.data, config.eval
    strategy = local_strategy()
    with strategy.scope():
        model, metadata = read_model(config.model, folder.checkpoint_path(c.checkpoint))
        frame_metrics = metrics.frame_metrics()
    corpus = corpora.open_corpus(config)
    fewer = 0 < c.num_videos < corpus.num_test_videos
    videos = corpus.test_videos(length=data.test_length, num_videos=c.num_videos if fewer else None)
    num_videos = int(videos.cardinality())
    if num_videos < c.num_videos:
        print(f"the test set has {num_videos} videos, fewer than --num_videos={c.num_videos}")
    fvd = metrics.fvd(data, num_videos)
    videos = with_actions(videos, actions)
    evaluator = Evaluator(
        model,
        data.nt_cond,
        data.test_length,
        c.num_samples,
        c.eval_seed,
        strategy,
        frame_metrics,
        metrics.num_draws,
    )
    results = []
    started = time.monotonic()
    with _fresh_folder(output) as fresh, _progress(num_videos * c.num_samples) as bar:
        with SampleStore(fresh, num_videos) as store:
            first_video = 0
            for clips in videos.batch(c.eval_batch_size).as_numpy_iterator():
                batch, _ = parts(clips)
                count = len(batch)
                # The last batch is filled up: every batch has one shape, every replica its part.
                size = c.eval_batch_size, strategy.num_replicas_in_sync
                result = evaluator.run(
                    tf.nest.map_structure(lambda rows, size=size: _filled(rows, *size), clips),
                    first_video,
                    lambda judged: bar.update(min(judged, bar.total - bar.n)),
                )
                means = {f"{name}_mean": x for name, x in result.means.items()}
                results.append({name: x[:count] for name, x in (result.scores | means).items()})
                store.append({name: x[:count] for name, x in result.samples.items()})
                if fvd:
                    fvd.update(batch, result.draws[:count])
                first_video += count
        results = {name: np.concatenate([x[name] for x in results]) for name in results[0]}
        with open(fresh / "results.npz", "wb") as file:
            write_npz(file, results, compressed=True)
        summaries = {name: summarize(x)._asdict() for name, x in results.items()}
        report = {
            "run": str(folder.results),
            "checkpoint": c.checkpoint,
            "step": metadata["step"],
            "dataset": data.dataset,
            "digits": data.digits,
            "num_videos": num_videos,
            "num_samples": c.num_samples,
            "seed": c.eval_seed,
            "conditioning_frames": data.nt_cond,
            "predicted_frames": data.test_length - data.nt_cond,
            **({"actions": actions} if config.model.action_size else {}),
            "seconds": round(time.monotonic() - started, 1),
            "metrics": {name: summaries[name] for name in frame_metrics},
            "mean_sample": {name: summaries[f"{name}_mean"] for name in frame_metrics},
        }
        if fvd:
            report["metrics"]["fvd"] = fvd.summary()
        if weights:
            report["weights_sha256"] = weights
        if setting := published_setting(config):
            rows = [row._asdict() for row in RESULTS[setting]]
            report["published"] = {"setting": setting, "rows": rows}
        write_report(report, fresh / REPORT)
    return report


def with_actions(videos: "tf.data.Dataset", kind: str) -> "tf.data.Dataset":
    """Test videos with their actions, see `ACTION_SOURCES`, or with others in their place."""
    import tensorflow as tf

    if kind == TRUE_ACTIONS:
        return videos
    if kind == "zero":
        return videos.map(lambda video: video | {"actions": tf.zeros_like(video["actions"])})
    if int(videos.cardinality()) < 2:
        raise UserError("--actions=shuffled takes two test videos: give --num_videos of 2 or more")
    others = videos.skip(1).concatenate(videos.take(1))  # every video has the next one's
    return tf.data.Dataset.zip(videos, others).map(
        lambda video, other: video | {"actions": other["actions"]}
    )


def _filled(videos: np.ndarray, batch_size: int, num_replicas: int) -> np.ndarray:
    """`videos` and copies of the last one, up to a whole number of videos per replica."""
    size = -(-batch_size // num_replicas) * num_replicas
    return np.concatenate([videos, np.repeat(videos[-1:], size - len(videos), axis=0)])


@contextlib.contextmanager
def _fresh_folder(path: Path) -> Iterator[Path]:
    """Context: a new folder that takes the place of an earlier evaluation when all went well."""
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file: choose another --output_dir")
    found = {file.name for file in path.iterdir()} if path.exists() else set()
    if foreign := sorted(name for name in found if name != REPORT and not name.endswith(".npz")):
        raise UserError(f"{path} holds {foreign[0]}, no result: choose another --output_dir")
    if found and REPORT not in found:
        raise UserError(f"{path} holds no {REPORT} and is not empty: choose another --output_dir")
    with replacing_folder(path) as fresh:
        yield fresh


def _progress(total: int):
    from tqdm import tqdm

    interval = 0.2 if sys.stderr.isatty() else 30.0  # seconds; a log wants fewer lines
    return tqdm(total=total, unit="sample", mininterval=interval, dynamic_ncols=True)
