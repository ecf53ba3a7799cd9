"""The experiments on one run: its model, its videos or the user's, results and drawings."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from absl import flags

from srvp_tf import experiments
from srvp_tf.config import Config, corpora
from srvp_tf.errors import UserError
from srvp_tf.evaluation.report import write_report
from srvp_tf.experiments import drawings, tables
from srvp_tf.experiments import videos as experiment_videos
from srvp_tf.experiments.latents import video_batches
from srvp_tf.runs.atomic_files import replacing
from srvp_tf.runs.run_folder import RunFolder, read_model
from srvp_tf.video import write_video

if TYPE_CHECKING:
    from srvp_tf.config.corpora import Corpus

_REPORT = "results.json"
SHOWN = 4  # videos that are drawn
SHOWN_RATES = (1, 2, 4)
SHOWN_FRAMES = 200  # of a long forecast
LONG_BATCH = 8  # videos of a long forecast, that are judged together


class Outcome(NamedTuple):
    """What an experiment gives: its report, the same as lines of text, and videos to look at."""

    report: dict
    lines: list
    drawing: drawings.Drawing


class ExperimentRun:
    """Runs experiments on a run's model; each method is one, and returns its `Outcome`.

    Args:
        run: whose model it is.
        config: its own, with the places of the data as they are now.
        settings: the command's flags.
    """

    def __init__(self, run: RunFolder, config: Config, settings: flags.FlagValues):
        self.run, self.config, self.settings = run, config, settings
        self.kind = settings.checkpoint or config.eval.checkpoint
        model, metadata = read_model(config.model, run.checkpoint_path(self.kind))
        self.step, self.model = metadata["step"], model.frozen()
        self.nt_cond = config.data.nt_cond
        horizon = settings.horizon or config.data.test_length - self.nt_cond
        self.length = self.nt_cond + horizon

    @functools.cached_property
    def corpus(self) -> "Corpus":
        """The run's; not opened where the videos are the user's."""
        return corpora.open_corpus(self.config)

    def frame_rates(self) -> Outcome:
        """The same futures with other time steps."""
        s = self.settings
        if s.input:
            videos = self._input(self.length, self.nt_cond + 1)
        else:
            videos = experiment_videos.fine_test_videos(
                self.corpus, self.config, s.num_videos, self.length
            )
        options = {"rate": videos.rate, "num_samples": s.num_samples, "seed": s.seed}
        report = experiments.measure_frame_rates(self.model, videos.frames, self.nt_cond, **options)
        observed, future = np.split(videos.coarse()[:SHOWN], [self.nt_cond], axis=1)
        futures = experiments.forecast_at_rates(
            self.model, observed, future.shape[1], SHOWN_RATES, seed=s.seed
        )
        drawing = drawings.draw_frame_rates(
            videos.frames[:SHOWN], videos.rate, futures, self.nt_cond
        )
        lines = tables.frame_rate_table(report)
        if videos.rate == 1:
            lines.append("frames in between are not judged: there are no true ones")
        return self._outcome(report, lines, drawing)

    def content_swap(self) -> Outcome:
        """Each video's content in the motion of the next."""
        # What the posterior was trained on: it does not drift that far.
        data = self.config.data
        content, dynamics = self._pairs(min(data.train_length, data.test_length))
        background = data.dataset != "moving_mnist"
        measured, shown = [], None
        for part, ids in video_batches(self.model, len(content), 3 * content.shape[1]):
            pairs = content[part], dynamics[part]
            swap = experiments.swap_content(
                self.model, *pairs, seed=self.settings.seed, video_ids=ids
            )
            measured += experiments.measure_swap(*pairs, swap, background)
            if shown is None:
                shown = swap.swapped[:SHOWN]
        drawing = drawings.draw_swap(content[: len(shown)], dynamics[: len(shown)], shown)
        report = {"pairs": len(measured), **experiments.summarize_swap(measured)}
        return self._outcome(report, tables.swap_table(report), drawing)

    def interpolation(self) -> Outcome:
        """From each video's dynamics to those of the next."""
        start, end = self._pairs(self.nt_cond)
        s = self.settings
        options = {
            "num_points": s.num_points,
            "horizon": self.length - self.nt_cond,
            "interpolate_z": s.interpolate_z,
            "seed": s.seed,
        }
        points = np.concatenate(
            [
                experiments.interpolate_dynamics(
                    self.model, start[part], end[part], video_ids=ids, **options
                )
                for part, ids in video_batches(self.model, len(start), s.num_points * self.length)
            ]
        )
        light = None
        if self.config.data.dataset == "moving_mnist":
            light = experiments.measure_interpolation(points)
        report = {"pairs": len(points), "points": s.num_points, "light": light}
        drawing = drawings.draw_interpolation(points[:SHOWN])
        return self._outcome(report, tables.interpolation_table(report), drawing)

    def long_horizon(self) -> Outcome:
        """Far beyond what was trained."""
        s = self.settings
        length = self.nt_cond + s.long_horizon
        if not s.input and self.config.data.dataset != "moving_mnist":
            length = self.config.data.test_length  # as far as its videos go
        frames = self._videos(length, LONG_BATCH)
        observed, truth = np.split(frames, [self.nt_cond], axis=1)
        report = experiments.measure_long_horizon(
            self.model, observed, s.long_horizon, truth, seed=s.seed
        )
        every = -(-s.long_horizon // SHOWN_FRAMES)
        futures = experiments.forecast_thinned(
            self.model, observed[:SHOWN], s.long_horizon, every=every, seed=s.seed
        )
        drawing = drawings.draw_long_horizon(futures, truth[:SHOWN, ::every], every)
        return self._outcome(report, tables.long_horizon_table(report), drawing)

    def write(self, outcome: Outcome, folder: Path, suffix: str) -> None:
        """Write the drawing, then the report, into a folder; each file is whole or not there."""
        write_video(folder / f"videos.{suffix}", **outcome.drawing._asdict())
        with replacing(folder / _REPORT) as temporary:
            write_report(outcome.report, temporary)

    def _outcome(self, report: dict, lines: list[str], drawing: drawings.Drawing) -> Outcome:
        heading = {
            "run": str(self.run.results),
            "checkpoint": self.kind,
            "step": self.step,
            "dataset": self.config.data.dataset,
            "inputs": self.settings.input,
            "seed": self.settings.seed,
        }
        return Outcome(heading | report, lines, drawing)

    def _videos(self, length: int, count: int | None = None) -> np.ndarray:
        """Videos at the model's rate, uint8 [N, at most `length`, H, W, C]."""
        if self.settings.input:
            return self._input(length, self.nt_cond).coarse()
        count = min(count or self.settings.num_videos, self.settings.num_videos)
        return experiment_videos.test_videos(self.corpus, count, length).frames

    def _pairs(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Videos, and for each the next one."""
        videos = self._videos(length)
        if len(videos) < 2:
            raise UserError("there is one test video, a pair needs two: give --input")
        return videos, np.roll(videos, -1, axis=0)

    def _input(self, length: int, needed: int) -> experiment_videos.Videos:
        s = self.settings
        return experiment_videos.input_videos(s.input, self.config, s.input_rate, length, needed)
