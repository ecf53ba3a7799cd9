"""The noise of the model: drawn once, at its edge, and handed in."""

from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.models import rng
from srvp_tf.models.clips import Clips, parts
from srvp_tf.models.rng import Purpose

if TYPE_CHECKING:
    from srvp_tf.models.video_model import VideoModel


class TrainingNoise(NamedTuple):
    """All that is random in one training step of `SRVP`.

    y_1: standard normal [B, ny].
    z: standard normal [B, T - 1, nz], for the frames 2..T.
    content_frames: nt_inf distinct frames of each video [B, nt_inf], in [0, T); None: the last.
    skip_frame: the frame of each video whose skips are used [B], in [0, T); None: the last.
    decoded_frames: distinct frames of each video that are decoded [B, K], in [0, T); None: all.
    """

    y_1: tf.Tensor
    z: tf.Tensor
    content_frames: tf.Tensor
    skip_frame: tf.Tensor
    decoded_frames: tf.Tensor | None = None


class ForecastNoise(NamedTuple):
    """All that is random in S predictions of F frames after T observed ones, and what is done.

    y_1: standard normal [B, S, ny]; [B, S, 0] for a model without a first state.
    z: standard normal [B, S, T - 1 + F, nz], for the observed frames 2..T and the predicted ones.
    actions: of the intervals before the same frames [B, S, T - 1 + F, A]; None for a model without.
    """

    y_1: tf.Tensor
    z: tf.Tensor
    actions: tf.Tensor | None = None

    def with_actions(self, actions: tf.Tensor | None) -> "ForecastNoise":
        """The same with actions of each video [B, T - 1 + F, A], or of each of its samples."""
        if actions is None:
            return self
        actions = tf.convert_to_tensor(actions)
        if actions.shape.rank == 3:
            actions = tf.repeat(actions[:, None], tf.shape(self.z)[1], axis=1)
        return self._replace(actions=actions)

    def observed_actions(self, num_observed: int) -> dict[str, tf.Tensor]:
        """{"actions": those between T observed frames [B, T - 1, A]}, {} without.

        They have been done, and are the same in all samples.
        """
        return {} if self.actions is None else {"actions": self.actions[:, 0, : num_observed - 1]}

    def future_actions(self, num_observed: int) -> tf.Tensor | None:
        """Those of the intervals after T observed frames [B, S, F, A]."""
        return None if self.actions is None else self.actions[:, :, num_observed - 1 :]


def training_noise(
    config: ModelConfig,
    seed: int | tf.Tensor,
    step: int | tf.Tensor,
    examples: tf.Tensor,
    num_frames: int,
    num_decoded: int = 0,
) -> TrainingNoise:
    """Noise of one step of `SRVP` for some examples of the global batch.

    Args:
        config: a `ModelConfig`.
        seed: integer.
        step: index of the training step.
        examples: indices [B] in the GLOBAL batch.
        num_frames: T.
        num_decoded: K, how many of them are decoded; 0: all.
    """

    def choose(purpose: Purpose, count: int):
        # Sorting random keys is a uniform permutation; its first entries are the chosen frames.
        keys = rng.random_bits(seed, purpose, num_frames, example=examples, index=step)
        return tf.argsort(keys, axis=-1, stable=True)[:, :count]

    skip = rng.random_bits(seed, Purpose.TRAIN_SKIP_FRAME, 1, example=examples, index=step)[:, 0]
    return TrainingNoise(
        y_1=rng.normal(seed, Purpose.TRAIN_STATE, config.ny, example=examples, index=step),
        z=training_latents(config, seed, step, examples, num_frames),
        content_frames=choose(Purpose.TRAIN_CONTENT_FRAMES, config.nt_inf),
        # floor(T * bits / 2^32): uniform up to T / 2^32.
        skip_frame=tf.bitwise.right_shift(num_frames * skip, tf.constant(32, tf.int64)),
        decoded_frames=choose(Purpose.TRAIN_DECODED_FRAMES, num_decoded) if num_decoded else None,
    )


def training_latents(
    config: ModelConfig,
    seed: int | tf.Tensor,
    step: int | tf.Tensor,
    examples: tf.Tensor,
    num_frames: int,
) -> tf.Tensor:
    """Noise of z_t, t = 2..T: [B, T - 1, nz]; arguments as of `training_noise`."""
    return rng.normal(
        seed,
        Purpose.TRAIN_LATENT,
        config.noise_size,
        example=examples[:, None],
        index=step,
        frame=tf.range(1, num_frames),
    )


def replica_noise(
    model: "VideoModel",
    seed: int | tf.Tensor,
    step: int | tf.Tensor,
    clips: Clips,
    num_decoded: int = 0,
) -> Any:
    """`model.training_noise` of this replica's part of a global batch: clips [B, T, ...], T known.

    Replicas have equal parts, in their order; call it in a replica context.
    """
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    frames, _ = parts(clips)
    local_batch = tf.shape(frames)[0]
    examples = replica * local_batch + tf.range(local_batch)
    return model.training_noise(seed, step, examples, frames.shape[1], num_decoded)


def reconstruction_noise(
    config: ModelConfig, seed: int | tf.Tensor, videos: tf.Tensor, num_frames: int
) -> TrainingNoise:
    """`TrainingNoise` of videos [B] as in `forecast_noise`'s sample 0, with the last frames' w."""
    drawn = forecast_noise(config, seed, videos, tf.zeros([1], tf.int32), num_frames)
    return TrainingNoise(drawn.y_1[:, 0], drawn.z[:, 0], content_frames=None, skip_frame=None)


def forecast_noise(
    config: ModelConfig,
    seed: int | tf.Tensor,
    videos: tf.Tensor,
    samples: tf.Tensor,
    num_frames: int,
) -> ForecastNoise:
    """Noise addressed by (seed, video, sample, absolute frame index).

    Args:
        config: a `ModelConfig`.
        seed: integer, or [B], one per video.
        videos: indices [B] of the videos.
        samples: indices [S] of the samples, or [B, S] if each video has its own.
        num_frames: T + F, observed and predicted frames.
    """
    seed = tf.cast(seed, tf.int64)
    by_sample = seed[:, None] if seed.shape.rank else seed
    by_frame = seed[:, None, None] if seed.shape.rank else seed
    frame = tf.range(1, num_frames)
    return ForecastNoise(
        y_1=rng.normal(
            by_sample,
            Purpose.PREDICT_STATE,
            config.first_noise_size,
            example=videos[:, None],
            index=samples,
        ),
        z=rng.normal(
            by_frame,
            Purpose.PREDICT_LATENT,
            config.noise_size,
            example=videos[:, None, None],
            index=samples[..., None],
            frame=frame,
        ),
    )
