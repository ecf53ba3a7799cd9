"""Futures of one video: drawn in bounded memory, laid out in step with the truth, written."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf
from absl import flags

from srvp_tf.config import Config
from srvp_tf.errors import UserError
from srvp_tf.forecasting.input_frames import input_frames, planned_actions
from srvp_tf.forecasting.sampling import frames_per_chunk
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.runs.npz_files import write_npz
from srvp_tf.runs.run_folder import read_model
from srvp_tf.video import to_uint8, write_video
from srvp_tf.video.files import writing
from srvp_tf.video.gif import MAX_FPS
from srvp_tf.video.in_step import at_rate, with_length

if TYPE_CHECKING:
    from srvp_tf.models.video_model import VideoModel

FPS = 5
"""Frame intervals that the output plays per second; its frames are `frames_per_step` times that."""


class Futures(NamedTuple):
    """What the output shows, uint8.

    observed: the conditioning frames [nt_cond, H, W, C].
    truth: the frames after them, as many as there are [<= horizon, H, W, C].
    predicted: S samples of K = horizon * frames_per_step frames [S, K, H, W, C].
    frames_per_step: predicted frames per frame interval.
    """

    observed: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    frames_per_step: int


def generate_video(
    config: Config, checkpoint: Path, flag_values: flags.FlagValues, path: str | None
) -> str:
    """Predict what follows in a video, and write it.

    Args:
        config: a run's.
        checkpoint: its model.
        flag_values: of the command: what is predicted, and where it is written.
        path: of the video; None: the test video --video of the run's corpus.

    Returns:
        A line that says what was written.

    Raises:
        UserError: the video cannot be read or has too few frames, a state grew without bound, or
            nothing can be written.
    """
    f, output, video = flag_values, Path(flag_values.output), flag_values.video or 0
    horizon = f.horizon or config.data.test_length - config.data.nt_cond
    _check_fps(output, f.frames_per_step)
    given = input_frames(config, horizon, path, f.first_frame, video)
    observed, truth = np.split(given.frames, [config.data.nt_cond])
    actions = planned_actions(config, horizon, given, f.actions)
    model, _ = read_model(config.model, checkpoint)
    predicted = predict_video(
        model,
        observed,
        horizon,
        num_samples=f.num_samples,
        seed=f.seed,
        euler_steps=f.euler_steps,
        frames_per_step=f.frames_per_step,
        video_id=video,
        actions=actions,
    )
    write_futures(output, Futures(observed, truth, predicted, f.frames_per_step))
    samples, steps = predicted.shape[:2]
    return (
        f"wrote {output}: {samples} sample{'s' * (samples > 1)} of {steps} "
        f"frame{'s' * (steps > 1)}, predicted from {len(observed)}"
    )


def predict_video(
    model: "VideoModel",
    observed: np.ndarray,
    horizon: int,
    *,
    num_samples: int,
    seed: int = 0,
    euler_steps: int | None = None,
    frames_per_step: int = 1,
    video_id: int = 0,
    actions: np.ndarray | None = None,
) -> np.ndarray:
    """`model.forecast` of one video, decoded in pieces: memory does not grow with its length.

    Args:
        observed: frames uint8 [nt_cond, H, W, C].
        horizon, num_samples, seed, euler_steps, frames_per_step: as in `SRVP.forecast`.
        video_id: names the video in the address of the noise.
        actions: of a model with actions [nt_cond - 1 + horizon, A].

    Returns:
        uint8 [num_samples, horizon * frames_per_step, H, W, C], quantised as floor(255 x).

    Raises:
        UserError: a state grew without bound, see `check_futures`.
    """
    model, num_observed = model.frozen(), len(observed)
    noise = model.forecast_noise(
        seed, tf.constant([video_id]), tf.range(num_samples), num_observed + horizon
    )
    if actions is not None:
        noise = noise.with_actions(tf.constant(actions[None], model.dtype))

    @tf.function
    def start(frames: tf.Tensor, noise: ForecastNoise):
        inferred = model.infer_frames(frames, **noise.observed_actions(num_observed))
        return inferred, model.start_samples(inferred, noise)

    @tf.function
    def go_on(inferred: Any, state: Any, eps: tf.Tensor, **given):
        return model.continue_samples(inferred, state, eps, euler_steps, frames_per_step, **given)

    inferred, state = start(tf.constant(observed[None]), noise)
    eps, pieces = tf.cast(noise.z[:, :, num_observed - 1 :], model.dtype), []
    plan = {} if actions is None else {"actions": noise.future_actions(num_observed)}
    at_once = max(frames_per_chunk(model) // (num_samples * frames_per_step), 1)
    for first in range(0, horizon, at_once):
        part = slice(first, first + at_once)
        given = {name: x[:, :, part] for name, x in plan.items()}
        state, frames, _ = go_on(inferred, state, eps[:, :, part], **given)
        check_futures(frames[0].numpy(), first * frames_per_step + 1)
        pieces.append(to_uint8(frames[0]))
    return np.concatenate(pieces, axis=1)


def check_futures(frames: np.ndarray, first_frame: int = 1) -> None:
    """Check predicted frames [S, K, H, W, C], of which the first has number `first_frame`.

    Raises:
        UserError: names the first frame of any sample that is not finite.
    """
    bad = [not np.isfinite(frames[:, k]).all() for k in range(frames.shape[1])]
    if any(bad):
        raise UserError(
            f"the prediction is finite up to frame {bad.index(True) + first_frame - 1} only: its "
            "state grew without bound; ask for fewer frames (--horizon), or train longer"
        )


def _check_fps(output: Path, frames_per_step: int) -> None:
    """Raise `UserError` if the output cannot play so many frames per interval; costs nothing."""
    if output.suffix.lower() == ".gif" and FPS * frames_per_step > MAX_FPS:
        raise UserError(
            f"{output}: a GIF plays at most {MAX_FPS} frames a second, not "
            f"{FPS * frames_per_step}: write an .mp4, or give --frames_per_step={MAX_FPS // FPS} "
            "or less"
        )


def write_futures(output: Path, futures: Futures) -> None:
    """Write `Futures`: the arrays to an .npz, else the truth and the samples side by side.

    An .npz holds `frames` [S, K, H, W, C] and `conditioning` [nt_cond, H, W, C], uint8.

    Raises:
        UserError: the format is unknown, or the file cannot be written.
    """
    if output.suffix.lower() == ".npz":
        arrays = {"frames": futures.predicted, "conditioning": futures.observed}
        with writing(output) as temporary, open(temporary, "wb") as file:
            write_npz(file, arrays, compressed=True)
        return
    videos, conditioning, captions = timeline(futures)
    write_video(
        output,
        videos,
        fps=FPS * futures.frames_per_step,
        conditioning=conditioning,
        captions=captions,
    )


def timeline(futures: Futures) -> tuple[np.ndarray, list[int], list[str]]:
    """The truth, if there is some, and the samples, in step: (videos, conditioning, captions).

    With r frames per interval a true frame stays until the next one is due, r frames long. The last
    conditioning frame gives way to the first prediction after one. Where the truth ends before the
    samples do its place is left white.

    Returns:
        videos: uint8 [N, (nt_cond - 1 + horizon) * r + 1, H, W, C].
        conditioning: how many frames of each video are no predictions.
        captions: one text per video.
    """
    r = futures.frames_per_step
    shown = [at_rate(futures.observed, sample, r, r) for sample in futures.predicted]
    videos, conditioning = map(list, zip(*shown, strict=True))
    captions = [f"sample {index + 1}" for index in range(len(videos))]
    if len(futures.truth):
        known, length = np.concatenate([futures.observed, futures.truth]), len(videos[0])
        videos.insert(0, with_length(np.repeat(known, r, axis=0), length))
        captions.insert(0, f"truth (ends at {len(known)})" if len(known) * r < length else "truth")
        conditioning.insert(0, length)
    return np.stack(videos), conditioning, captions
