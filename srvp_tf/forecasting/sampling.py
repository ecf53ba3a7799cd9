"""Many predictions of the same videos: encoded once, drawn in chunks that fit the memory."""

from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from srvp_tf.models.noise import forecast_noise

if TYPE_CHECKING:
    from srvp_tf.models.outputs import Inference
    from srvp_tf.models.srvp import SRVP

# Memory for the activations of the frames that are decoded at once. On CPU a quarter of it is as
# fast within 5 % (published networks); more buys nothing.
CHUNK_BYTES = 512 << 20


def frames_per_chunk(model: "SRVP") -> int:
    """How many frames a model decodes at once within `CHUNK_BYTES`: one or more."""
    return max(CHUNK_BYTES // model.decoder.frame_bytes, 1)


class Samples(NamedTuple):
    """S samples of B videos, float32 in (0, 1).

    reconstructed: the observed frames [B, S, T, H, W, C].
    predicted: the frames after them [B, S, K, H, W, C].
    """

    reconstructed: tf.Tensor
    predicted: tf.Tensor

    def all_frames(self) -> tf.Tensor:
        """Both parts in a row: [B, S, T + K, H, W, C]."""
        return tf.concat(self, axis=2)


class Sampler:
    """Draws samples of batches of videos from a model.

    Args:
        nt_cond: observed frames.
        num_frames: observed and predicted frames.
        seed: of the predictions, see `forecast_noise`.
    """

    def __init__(self, model: "SRVP", nt_cond: int, num_frames: int, seed: int):
        self.model, self.nt_cond, self.num_frames, self.seed = model, nt_cond, num_frames, seed
        self.infer = tf.function(self._infer)

    def _infer(self, videos: tf.Tensor) -> "Inference":
        """Videos [B, num_frames, H, W, C] -> `Inference` of the observed part."""
        return self.model.infer(self.model.encode(videos[:, : self.nt_cond]))

    def draw(self, inferred: "Inference", video_ids: tf.Tensor, samples: tf.Tensor) -> Samples:
        """`Samples` for the indices `samples`: [S], or [B, S] for other ones in each video."""
        paths = self._paths(inferred, video_ids, samples)
        frames = self.model.decode_samples(inferred, tf.concat(paths, axis=2))
        return Samples(frames[:, :, : self.nt_cond], frames[:, :, self.nt_cond :])

    def predict(self, inferred: "Inference", video_ids: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        """`draw` without the observed frames: [B, S, K, H, W, C]."""
        paths = self._paths(inferred, video_ids, samples)
        return self.model.decode_samples(inferred, paths.future)

    def reconstruct(
        self, inferred: "Inference", video_ids: tf.Tensor, samples: tf.Tensor
    ) -> tf.Tensor:
        """`draw` of the observed frames alone: [B, S, T, H, W, C]."""
        paths = self._paths(inferred, video_ids, samples)
        return self.model.decode_samples(inferred, paths.observed)

    def _paths(self, inferred: "Inference", video_ids: tf.Tensor, samples: tf.Tensor):
        noise = forecast_noise(self.model.config, self.seed, video_ids, samples, self.num_frames)
        return self.model.sample_paths(inferred, noise)

    def chunks(self, batch_size: int, num_samples: int) -> list[tf.Tensor]:
        """Indices of all samples, cut into chunks: int32 tensors [S], the last maybe shorter."""
        affordable = max(frames_per_chunk(self.model) // (batch_size * self.num_frames), 1)
        firsts = range(0, num_samples, affordable)
        return [tf.range(first, min(first + affordable, num_samples)) for first in firsts]
