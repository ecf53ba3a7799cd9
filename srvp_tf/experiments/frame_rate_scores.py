"""How good frames in between are: against the true ones, beside a blend of their neighbours."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from srvp_tf.errors import UserError
from srvp_tf.experiments.frame_rates import reconstruct_at_rate
from srvp_tf.experiments.frame_scores import FrameScores, to_unit_floats
from srvp_tf.experiments.latents import decode_states, infer, video_batches
from srvp_tf.models.noise import forecast_noise
from srvp_tf.models.srvp import SRVP

EULER_STEPS = (1, 2, 4, 8)


def measure_frame_rates(
    model: SRVP,
    videos: np.ndarray,
    nt_cond: int,
    *,
    rate: int = 2,
    euler_steps: Sequence[int] = EULER_STEPS,
    num_samples: int = 10,
    seed: int = 0,
    first_video: int = 0,
) -> dict:
    """Judge forecasts and reconstructions with several Euler steps per frame interval.

    Of the samples of a video that one is judged whose frames AT frame times have the least squared
    error: the frames in between do not choose. A blend is half the frame before plus half the one
    after; before the first predicted frame comes the last given one.

    Args:
        videos: [N, (T - 1) * rate + 1, H, W, C], uint8 or float in [0, 1]; of frames 0, rate, ...
            the model is given the first `nt_cond`, and predicts the others.
        nt_cond: given frames, fewer than T.
        rate: 2, or 1 where there are no true frames in between: these are then not judged.
        euler_steps: which to judge; the training's are judged as well, and even ones alone have
            frames in between.
        num_samples: futures per video.
        seed: of the futures.
        first_video: number of the first video in the address of the noise.

    Returns:
        A dictionary: `trained_euler_steps`, `videos`, `samples`, `blend_of_true_neighbours` and a
        list `rows`, one per number of steps. A score is that of `FrameScores.summary`, None where
        there is no frame to judge. In a row:
        `at_frame_times`: forecasts against the truth; `psnr_to_trained_steps`: all samples against
        those with the training's steps, None in their own row; `between`, `blend_of_predicted`:
        forecasts in between, and the blend of the forecasts around them; `better_than_blend`: in
        what share of the videos the former has less squared error than the latter;
        `reconstructed_at_frame_times`, `reconstructed_between`, `blend_of_reconstructed`,
        `reconstructed_better_than_blend`: the same of videos that the model saw whole;
        `reconstructed_better_than_blend_of_true`: than the blend of their true frames.

    Raises:
        UserError: `rate` or the lengths are not as above, or as `SRVP.forecast`.
    """
    if rate not in (1, 2):
        raise UserError(f"rate={rate}; give 2, or 1 without true frames in between")
    length = -(-videos.shape[1] // rate)
    if not 1 <= nt_cond < length:
        raise UserError(f"{length} frames, {nt_cond} of them given: none is left to predict")
    trained = model.config.euler_steps
    all_steps = sorted({trained, *euler_steps})
    for steps in all_steps:
        model.config.check_euler_steps(steps)
    judge = _Judge(model, nt_cond, rate, all_steps, num_samples, seed)
    for part, numbers in video_batches(model, len(videos), 2 * num_samples * length):
        judge.run(videos[part], first_video + numbers)
    return {
        "trained_euler_steps": trained,
        "videos": len(videos),
        "samples": num_samples,
        "blend_of_true_neighbours": judge.scores["blend_of_true_neighbours"].summary(),
        "rows": [judge.row(steps) for steps in all_steps],
    }


@dataclasses.dataclass
class _Judge:
    """Scores by name, or by (number of steps, name)."""

    model: SRVP
    nt_cond: int
    rate: int
    all_steps: Sequence[int]
    num_samples: int
    seed: int
    scores: dict = dataclasses.field(default_factory=lambda: defaultdict(FrameScores))

    def run(self, videos: np.ndarray, video_ids: np.ndarray) -> None:
        """Judge B videos."""
        truth = to_unit_floats(videos)
        at_times = truth[:, :: self.rate]
        between = truth[:, 1::2] if self.rate == 2 else None
        if between is not None:
            future, blend = np.s_[:, self.nt_cond - 1 :], _blend(at_times)
            self.scores["blend_of_true_neighbours"].update(between[future], blend[future])
            self.scores["blend of all true"].update(between, blend)
        model, num_frames = self.model, at_times.shape[1]
        inferred = infer(model, at_times[:, : self.nt_cond])
        samples = tf.range(self.num_samples)
        noise = forecast_noise(model.config, self.seed, tf.constant(video_ids), samples, num_frames)

        def forecast(steps: int) -> np.ndarray:  # [B, S, horizon * _frames_per_step, H, W, C]
            paths = model.sample_paths(inferred, noise, steps, _frames_per_step(steps))
            return decode_states(model, inferred, paths.future)

        trained_steps = model.config.euler_steps
        trained = forecast(trained_steps)
        for steps in self.all_steps:
            frames = trained if steps == trained_steps else forecast(steps)
            if frames is not trained:
                self.scores[steps, "to trained"].update(
                    _at_frame_times(trained, trained_steps), _at_frame_times(frames, steps)
                )
            self._judge_forecast(frames, at_times, between, steps)
            self._judge_reconstruction(at_times, between, steps)

    def row(self, steps: int) -> dict:
        """The scores of a number of Euler steps."""

        def summary(name: str) -> dict | None:
            return self.scores[steps, name].summary()

        to_trained = summary("to trained")
        reconstructed = (steps, "reconstructed_between")
        return {
            "euler_steps": steps,
            "trained": steps == self.model.config.euler_steps,
            "at_frame_times": summary("at_frame_times"),
            "psnr_to_trained_steps": to_trained and to_trained["psnr"],
            "between": summary("between"),
            "blend_of_predicted": summary("blend_of_predicted"),
            "better_than_blend": self._share((steps, "between"), (steps, "blend_of_predicted")),
            "reconstructed_at_frame_times": summary("reconstructed_at_frame_times"),
            "reconstructed_between": summary("reconstructed_between"),
            "blend_of_reconstructed": summary("blend_of_reconstructed"),
            "reconstructed_better_than_blend": self._share(
                reconstructed, (steps, "blend_of_reconstructed")
            ),
            "reconstructed_better_than_blend_of_true": self._share(
                reconstructed, "blend of all true"
            ),
        }

    def _judge_forecast(
        self, frames: np.ndarray, at_times: np.ndarray, between: np.ndarray | None, steps: int
    ) -> None:
        r, target = _frames_per_step(steps), at_times[:, self.nt_cond :]
        error = [
            np.square(sample - target).mean(axis=(1, 2, 3, 4))
            for sample in np.moveaxis(_at_frame_times(frames, steps), 1, 0)
        ]
        best = frames[np.arange(len(frames)), np.argmin(error, axis=0)]
        predicted = best[:, r - 1 :: r]
        self.scores[steps, "at_frame_times"].update(target, predicted)
        if between is not None and r == 2:
            between = between[:, self.nt_cond - 1 :]
            around = np.concatenate([at_times[:, [self.nt_cond - 1]], predicted], axis=1)
            self.scores[steps, "between"].update(between, best[:, ::2])
            self.scores[steps, "blend_of_predicted"].update(between, _blend(around))

    def _judge_reconstruction(
        self, at_times: np.ndarray, between: np.ndarray | None, steps: int
    ) -> None:
        r = _frames_per_step(steps)
        frames = reconstruct_at_rate(self.model, at_times, steps, r)
        self.scores[steps, "reconstructed_at_frame_times"].update(at_times, frames[:, ::r])
        if between is not None and r == 2:
            self.scores[steps, "reconstructed_between"].update(between, frames[:, 1::2])
            self.scores[steps, "blend_of_reconstructed"].update(between, _blend(frames[:, ::2]))

    def _share(self, one: tuple[int, str], other: tuple[int, str] | str) -> float | None:
        """In what share of the videos `one` has less error than `other`; None if not measured."""
        if any(self.scores[name].summary() is None for name in (one, other)):
            return None
        return float(np.mean(self.scores[one].errors < self.scores[other].errors))


def _frames_per_step(steps: int) -> int:
    """How many frames to decode per interval: two, if there is a state half-way."""
    return 2 if steps % 2 == 0 else 1


def _at_frame_times(frames: np.ndarray, steps: int) -> np.ndarray:
    """Of samples [B, S, K, ...] the frames at frame times [B, S, horizon, ...]."""
    r = _frames_per_step(steps)
    return frames[:, :, r - 1 :: r]


def _blend(frames: np.ndarray) -> np.ndarray:
    """Half-way between neighbours: [B, T, H, W, C] -> [B, T - 1, H, W, C]."""
    return (frames[:, :-1] + frames[:, 1:]) / 2
