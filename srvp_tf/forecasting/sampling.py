"""Many predictions of the same videos: encoded once, drawn in chunks that fit the memory."""

from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

from srvp_tf.models.clips import ACTIONS, Clips, parts

if TYPE_CHECKING:
    from srvp_tf.models.noise import ForecastNoise
    from srvp_tf.models.video_model import VideoModel

# Memory for the activations of the frames that are decoded at once. On CPU a quarter of it is as
# fast within 5 % (published networks); more buys nothing.
CHUNK_BYTES = 512 << 20


def frames_per_chunk(model: "VideoModel") -> int:
    """How many frames a model decodes at once within `CHUNK_BYTES`: one or more."""
    return max(CHUNK_BYTES // model.frame_bytes, 1)


class Inferred(NamedTuple):
    """What is known of B videos before samples of them are drawn.

    frames: what the model made of the observed ones, see `VideoModel.infer_frames`.
    actions: of all intervals [B, T - 1, A]; None for a model without.
    """

    frames: Any
    actions: tf.Tensor | None


class Samples(NamedTuple):
    """S samples of B videos, float32 in (0, 1).

    reconstructed: of the observed frames the last R, which the model explains [B, S, R, H, W, C].
    predicted: the frames after them [B, S, K, H, W, C].
    """

    reconstructed: tf.Tensor
    predicted: tf.Tensor

    def all_frames(self) -> tf.Tensor:
        """Both parts in a row: [B, S, R + K, H, W, C]."""
        return tf.concat(self, axis=2)


class Sampler:
    """Draws samples of batches of videos from a model.

    Args:
        nt_cond: observed frames.
        num_frames: observed and predicted frames.
        seed: of the predictions, see `forecast_noise`.
    """

    def __init__(self, model: "VideoModel", nt_cond: int, num_frames: int, seed: int):
        self.model, self.nt_cond, self.num_frames, self.seed = model, nt_cond, num_frames, seed
        self.infer = tf.function(self._infer)

    def _infer(self, videos: Clips) -> Inferred:
        """Videos of num_frames frames -> what their observed part tells, for the others here."""
        frames, given = parts(videos)
        past = {name: actions[:, : self.nt_cond - 1] for name, actions in given.items()}
        observed = self.model.infer_frames(frames[:, : self.nt_cond], **past)
        return Inferred(observed, given.get(ACTIONS))

    def draw(self, inferred: Inferred, video_ids: tf.Tensor, samples: tf.Tensor) -> Samples:
        """`Samples` for the indices `samples`: [S], or [B, S] for other ones in each video."""
        noise = self._noise(inferred, video_ids, samples)
        reconstructed = self.model.reconstruct_samples(inferred.frames, noise)
        return Samples(reconstructed, self.model.draw_futures(inferred.frames, noise, self.nt_cond))

    def predict(self, inferred: Inferred, video_ids: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        """`draw` without the observed frames: [B, S, K, H, W, C]."""
        noise = self._noise(inferred, video_ids, samples)
        return self.model.draw_futures(inferred.frames, noise, self.nt_cond)

    def reconstruct(
        self, inferred: Inferred, video_ids: tf.Tensor, samples: tf.Tensor
    ) -> tf.Tensor:
        """`draw` of the observed frames alone: [B, S, R, H, W, C]."""
        noise = self._noise(inferred, video_ids, samples)
        return self.model.reconstruct_samples(inferred.frames, noise)

    def _noise(
        self, inferred: Inferred, video_ids: tf.Tensor, samples: tf.Tensor
    ) -> "ForecastNoise":
        noise = self.model.forecast_noise(self.seed, video_ids, samples, self.num_frames)
        return noise.with_actions(inferred.actions)

    def chunks(self, batch_size: int, num_samples: int) -> list[tf.Tensor]:
        """Indices of all samples, cut into chunks: int32 tensors [S], the last maybe shorter."""
        affordable = max(frames_per_chunk(self.model) // (batch_size * self.num_frames), 1)
        firsts = range(0, num_samples, affordable)
        return [tf.range(first, min(first + affordable, num_samples)) for first in firsts]
