"""What the package knows of a model: all that trains, judges, shows and exports asks for no more.

A model of another kind is a subclass, registered for `--model` (docs/extending.md).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from srvp_tf.config import ModelConfig
from srvp_tf.config.processor import tell_what_slows
from srvp_tf.errors import UserError
from srvp_tf.models import noise
from srvp_tf.models.forecast_arguments import (
    as_tensor,
    check_actions,
    check_arguments,
    check_frames,
    check_video_ids,
)
from srvp_tf.models.initializers import child_seed
from srvp_tf.models.keras_training import KerasTraining
from srvp_tf.models.losses import loss_terms
from srvp_tf.models.networks.base import Network
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.models.outputs import Future


class VideoModel(KerasTraining):
    """Predicts many futures of videos.

    A subclass makes its layers in `__init__`, with `self.part`, builds them in `build`, and
    implements what raises `NotImplementedError` here. The last three of these methods are for
    streams: a model without them cannot be exported.

    Args:
        config: a `ModelConfig`, or its dictionary.
        precision: "float32", "mixed_bfloat16", "mixed_float16" (convolutions only) or "float64".
        seed: of the initial weights.
        remat: compute activations of the convolutions twice in training, to save memory.
        frozen: for inference alone; made by `frozen`.
    """

    loss_terms: tuple[str, ...] = ()
    """Names in `LOSS_TERMS` whose sum, weighted as `TrainConfig.weights` says, is the loss."""

    experiments: tuple[str, ...] = ("long_horizon",)
    """Those of the paper's experiments that the model can be put to."""

    least_batch_size = 1
    """Clips that a training step needs."""

    bounded_state: tuple[str, ...] = ()
    """How names of tensors begin, in the state of a stream, that lie in [-1, 1]."""

    unread_by_observe: tuple[str, ...] = ()
    """How names of tensors begin, in the state of a stream, that `observe_state` does not read."""

    unread_by_predict: tuple[str, ...] = ()
    """How names of tensors begin that `predict_from_state` does not read."""

    def __init__(
        self,
        config: ModelConfig | dict,
        precision: str = "float32",
        seed: int = 0,
        remat: bool = False,
        frozen: bool = False,
        name: str | None = None,
    ):
        dtype = "float64" if precision == "float64" else "float32"
        super().__init__(dtype=dtype, name=name or type(self).__name__.lower())
        if isinstance(config, dict):
            config = ModelConfig(**config)
        if not isinstance(config, ModelConfig):
            raise UserError(f"config is a {type(config).__name__}: give a ModelConfig (.model)")
        self.config, self.precision, self.seed = config, precision, seed
        self.remat, self.is_frozen = remat, frozen
        self.supports_jit = False  # convolutions are faster by oneDNN and cuDNN
        self.action_mean = self.action_scale = None
        if config.action_size:
            own = {"shape": (config.action_size,), "trainable": False, "dtype": dtype}
            self.action_mean = self.add_weight(initializer="zeros", name="action_mean", **own)
            self.action_scale = self.add_weight(initializer="ones", name="action_scale", **own)
        self._compiled_forecast = tf.function(self._forecast)
        self._compiled_forecast_from_noise = tf.function(self._forecast_from_noise)

    def part(self, layer: type, name: str, *args, **options) -> keras.layers.Layer:
        """A layer of this model's dtype, or precision if it is a `Network`, and with its seed."""
        if issubclass(layer, Network):
            options |= {"remat": self.remat, "frozen": self.is_frozen}
            dtype = keras.DTypePolicy(self.precision)
        else:
            dtype = self.dtype
        return layer(*args, seed=child_seed(self.seed, name), name=name, dtype=dtype, **options)

    def frozen(self) -> "VideoModel":
        """A copy for inference alone: what depends on the weights only is computed once, here.

        Normalisations are folded into kernels and the taps of upsampled convolutions are merged.
        Same methods, same predictions, less time where few frames are decoded at once; later
        changes of this model's weights do not reach the copy.
        """
        copy = type(self)(self.config, self.precision, self.seed, frozen=True, name=self.name)
        for layer, own in zip(copy.layers, self.layers, strict=True):
            if isinstance(layer, Network):
                layer.freeze(own)
            else:
                layer.set_weights(own.get_weights())
        for weight, own in zip(copy._own_weights(), self._own_weights(), strict=True):
            weight.assign(own)
        return copy

    def _own_weights(self) -> list:
        """Those that belong to none of the layers."""
        of_layers = {id(weight) for layer in self.layers for weight in layer.weights}
        return [weight for weight in self.weights if id(weight) not in of_layers]

    # --- what a model is ----------------------------------------------------------------------

    @classmethod
    def takes_euler_steps(cls, config: ModelConfig) -> bool:
        """Whether models of a configuration can cut a frame interval into sub-steps."""
        return False

    @classmethod
    def first_noise_size(cls, config: ModelConfig) -> int:
        """Dimensions of what is random before the first frame."""
        return 0

    @classmethod
    def kind(cls, config: ModelConfig) -> str:
        """The flags that say what moves a video on, for messages."""
        return f"--model={config.model}"

    @property
    def frame_bytes(self) -> int:
        """Memory that decoding one frame takes: many are decoded at once, in bounded memory."""
        return self.decoder.frame_bytes

    def training_noise(
        self,
        seed: int | tf.Tensor,
        step: int | tf.Tensor,
        examples: tf.Tensor,
        num_frames: int,
        num_decoded: int = 0,
    ) -> Any:
        """The noise of one training step for examples [B] of the global batch, see `noise`.

        num_decoded: frames of a clip to decode; a model that decodes all raises `UserError`.
        """
        raise NotImplementedError

    def call(
        self,
        frames: tf.Tensor,
        noise: Any = None,
        training: bool = False,
        seed: int = 0,
        video_ids: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> Any:
        """The model's view of videos [B, T, H, W, C], as the loss terms need it.

        Here and below a model that takes no actions need not have an argument for them, as it is
        never given one.

        Args:
            frames: uint8 or float in [0, 1].
            noise: what `training_noise` gave; None: drawn here, as that of sample 0 of `forecast`.
            training: whether batch normalisation uses, and learns from, this batch.
            seed: integer, of the noise that is drawn here.
            video_ids: integers [B] that name the videos in its address; None: 0..B-1.
            actions: of the intervals between the frames [B, T - 1, A], not scaled.

        Returns:
            A tuple with `frames`, the videos as the model explains them [B, T, H, W, C], and
            `latents`, name -> (posterior, prior) of what is random, elementwise, [B, ..., d].
        """
        raise NotImplementedError

    def infer_frames(self, frames: tf.Tensor, actions: tf.Tensor | None = None) -> Any:
        """What observed frames [B, T, H, W, C] tell, as the methods below take it: once a video.

        actions are those of the intervals between them [B, T - 1, A].
        """
        raise NotImplementedError

    def start_samples(self, inferred: Any, noise: ForecastNoise) -> Any:
        """The states of S samples of B videos at their last observed frame, as tensors.

        Args:
            inferred: of `infer_frames`.
            noise: of T frames, or more.
        """
        raise NotImplementedError

    def continue_samples(
        self,
        inferred: Any,
        state: Any,
        eps: tf.Tensor,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> Future:
        """Move S samples on by the F intervals of eps [B, S, F, nz], F known, by the prior's z.

        actions are the intervals' [B, S, F, A].
        """
        raise NotImplementedError

    def reconstruct_samples(self, inferred: Any, noise: ForecastNoise) -> tf.Tensor:
        """The last K of the observed frames as S samples explain them: [B, S, K, H, W, C]."""
        raise NotImplementedError

    def encode_state(
        self,
        frames: tf.Tensor,
        noise_y: tf.Tensor,
        noise_z: tf.Tensor,
        num_frames: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Name -> tensor [B, ...] of all that observed frames tell about the frames to come.

        Args:
            frames: [B, T, H, W, C] in [0, 1].
            noise_y: standard normal [B, ny].
            noise_z: standard normal [B, T - 1, nz], of the frames 1..T-1.
            num_frames: how many of the T frames of each video are meant [B], nt_inf or more; the
                others are ignored. None: all.
            actions: of the intervals between the frames [B, T - 1, A].
        """
        raise NotImplementedError

    def observe_state(
        self,
        state: Mapping[str, tf.Tensor],
        frame: tf.Tensor,
        noise_z: tf.Tensor,
        action: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The state after one more frame [B, H, W, C] in [0, 1], with its noise [B, nz].

        action is that of the interval that led to the frame [B, A].
        """
        raise NotImplementedError

    def predict_from_state(
        self,
        state: Mapping[str, tf.Tensor],
        noise_z: tf.Tensor,
        euler_steps: int = 1,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Predict the F intervals of noise_z [B, F, nz], with their actions [B, F, A].

        Returns (those tensors of the state that change, frames [B, F * frames_per_step, ...]).
        """
        raise NotImplementedError

    # --- what all models do -------------------------------------------------------------------

    def __call__(self, frames: tf.Tensor | np.ndarray, *args, **kwargs):
        # Here, as Keras would put the arguments into the text of an error that `call` raises.
        frames = as_tensor(frames)
        check_frames(frames, self.config)
        actions = check_actions(kwargs.pop("actions", None), frames, self.config)
        given = {} if actions is None else {"actions": actions}
        return super().__call__(frames, *args, **given, **kwargs)

    def set_action_scale(self, mean: np.ndarray, scale: np.ndarray) -> None:
        """Have actions scaled by (a - mean) / scale, [A] each, before the networks see them.

        Both are weights, so that all that is given to the model, saved or exported, are actions as
        they are measured.

        Raises:
            UserError: other shapes, or a scale that is not positive.
        """
        size, mean, scale = self.config.action_size, np.asarray(mean), np.asarray(scale)
        shapes_fit = size and mean.shape == scale.shape == (size,)
        if not (shapes_fit and np.isfinite([mean, scale]).all() and (scale > 0).all()):
            raise UserError(f"action scale: give a mean and a positive scale of {size} columns")
        self.action_mean.assign(mean)
        self.action_scale.assign(scale)

    def scale_actions(self, actions: tf.Tensor | None) -> tf.Tensor | None:
        """(a - mean) / scale of actions [..., A], see `set_action_scale`; None of None."""
        if actions is None:
            return None
        return (tf.cast(actions, self.dtype) - self.action_mean) / self.action_scale

    def elbo_terms(
        self,
        frames: tf.Tensor | np.ndarray,
        noise: Any = None,
        seed: int = 0,
        actions: tf.Tensor | np.ndarray | None = None,
    ) -> dict[str, tf.Tensor]:
        """The terms of the objective, unweighted: frames [B, T, H, W, C] -> name -> [B].

        Of `SRVP`, `-nll - kl_y1 - kl_z` is the evidence lower bound of each video, in nats, with
        one sample; arguments as of `call`.
        """
        outputs = self(frames, noise=noise, seed=seed, actions=actions)
        return loss_terms(self.to_unit_range(as_tensor(frames)), outputs, self.loss_terms)

    def forecast_noise(
        self, seed: int | tf.Tensor, videos: tf.Tensor, samples: tf.Tensor, num_frames: int
    ) -> ForecastNoise:
        """Noise of videos [B] and samples [S] or [B, S], of T + F frames, as `noise` has it."""
        return noise.forecast_noise(self.config, seed, videos, samples, num_frames)

    def draw_futures(
        self,
        inferred: Any,
        noise: ForecastNoise,
        num_observed: int,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
    ) -> tf.Tensor:
        """Futures of what was inferred of T frames: noise of T + F -> [B, S, F * r, H, W, C]."""
        state = self.start_samples(inferred, noise)
        eps = tf.cast(noise.z[:, :, num_observed - 1 :], self.dtype)
        actions = noise.future_actions(num_observed)
        given = {} if actions is None else {"actions": actions}
        future = self.continue_samples(inferred, state, eps, euler_steps, frames_per_step, **given)
        return future.frames

    def forecast(
        self,
        frames: tf.Tensor | np.ndarray | Sequence,
        horizon: int,
        num_samples: int = 1,
        seed: int | tf.Tensor = 0,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
        video_ids: tf.Tensor | np.ndarray | None = None,
        actions: tf.Tensor | np.ndarray | Sequence | None = None,
    ) -> tf.Tensor:
        """Draw futures of videos.

        Args:
            frames: observed frames [B, T, H, W, C] or [T, H, W, C], T >= nt_inf, uint8 or float in
                [0, 1]; or a list of such, without the first axis. In a graph, T must be known.
            horizon: number of frame intervals to predict.
            num_samples: futures S per video.
            seed: integer. A sample depends on (seed, video, sample, frame) alone: not on the batch,
                nor on how many samples or frames are asked for.
            euler_steps: sub-steps per frame interval; None: the training's.
            frames_per_step: how many of them are decoded, evenly spaced; divides `euler_steps`.
            video_ids: integers [B] that name the videos in the address of the noise; None: 0..B-1.
            actions: of a model with `action_size` A, what is done in each interval of the observed
                frames and of the horizon [B, T - 1 + horizon, A]; or S plans, one for each sample,
                [B, S, T - 1 + horizon, A], with the same past. Without B if `frames` has none.

        Returns:
            float32 tensor [B, S, horizon * frames_per_step, H, W, C] in (0, 1); without B if
            `frames` has none.

        Raises:
            UserError: on frames of another shape, too few of them, or numbers out of range.
        """
        tell_what_slows(self.precision)
        frames = as_tensor(frames)
        single = frames.shape.rank == 4
        if single:
            frames = frames[None]
            actions = None if actions is None else as_tensor(actions, "actions")[None]
        if euler_steps is None:
            euler_steps = self.config.euler_steps
        check_frames(frames, self.config)
        horizon, num_samples, euler_steps, frames_per_step, seed = check_arguments(
            horizon, num_samples, euler_steps, frames_per_step, seed
        )
        videos = check_video_ids(video_ids, frames)
        self.config.check_euler_steps(euler_steps)
        actions = check_actions(actions, frames, self.config, horizon, num_samples)
        seed = tf.cast(seed, tf.int64)  # a Python number would mean a new graph for every seed
        futures = self._compiled_forecast(
            frames, seed, videos, horizon, num_samples, euler_steps, frames_per_step, actions
        )
        return futures[0] if single else futures

    def _forecast(
        self,
        frames: tf.Tensor,
        seed: tf.Tensor,
        videos: tf.Tensor,
        horizon: int,
        num_samples: int,
        euler_steps: int,
        frames_per_step: int,
        actions: tf.Tensor | None = None,
    ):
        drawn = self.forecast_noise(seed, videos, tf.range(num_samples), frames.shape[1] + horizon)
        drawn = drawn.with_actions(actions)
        return self._forecast_from_noise(frames, drawn, euler_steps, frames_per_step)

    def forecast_from_noise(
        self,
        frames: tf.Tensor,
        noise: ForecastNoise,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
    ) -> tf.Tensor:
        """`forecast` of frames [B, T, H, W, C] with the noise given: that of T + horizon frames."""
        euler_steps = euler_steps or self.config.euler_steps
        if self.config.action_size and noise.actions is None:
            raise UserError("this model takes actions: give noise.with_actions(...)")
        return self._compiled_forecast_from_noise(
            frames, ForecastNoise(*noise), euler_steps, frames_per_step
        )

    def _forecast_from_noise(
        self, frames: tf.Tensor, noise: ForecastNoise, euler_steps: int, frames_per_step: int
    ):
        inferred = self.infer_frames(frames, **noise.observed_actions(frames.shape[1]))
        return self.draw_futures(inferred, noise, frames.shape[1], euler_steps, frames_per_step)

    def predict_variable(
        self,
        frames: tf.Tensor,
        num_frames: tf.Tensor,
        noise_y: tf.Tensor,
        noise_z: tf.Tensor,
        euler_steps: int = 1,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """A future of the first num_frames [B] of T frames; what follows them has no influence.

        Args:
            frames: [B, T, H, W, C] in [0, 1].
            num_frames: int64 [B] in nt_inf..T.
            noise_y: standard normal [B, ny].
            noise_z: standard normal [B, T - 1 + horizon, nz], of the frames from 1 on; a video of n
                frames takes the first n - 1 + horizon.
            euler_steps, frames_per_step: as in `forecast`.
            actions: of the intervals [B, T - 1 + horizon, A], laid out as noise_z.

        Returns:
            [B, horizon * frames_per_step, H, W, C].
        """
        observed = frames.shape[1] - 1
        horizon = noise_z.shape[1] - observed
        predicted = num_frames[:, None] - 1 + tf.range(horizon, dtype=tf.int64)
        past, future = {}, {}
        if actions is not None:
            past = {"actions": actions[:, :observed]}
            future = {"actions": tf.gather(actions, predicted, batch_dims=1)}
        state = self.encode_state(frames, noise_y, noise_z[:, :observed], num_frames, **past)
        eps = tf.gather(noise_z, predicted, batch_dims=1)
        return self.predict_from_state(state, eps, euler_steps, frames_per_step, **future)[1]

    def to_unit_range(self, frames: tf.Tensor) -> tf.Tensor:
        """uint8 frames in [0, 255] or float ones in [0, 1] -> the same in [0, 1], in our dtype."""
        if frames.dtype == tf.uint8:
            return tf.cast(frames, self.dtype) / 255.0
        return tf.cast(frames, self.dtype)

    def get_config(self) -> dict:
        return {
            "config": dataclasses.asdict(self.config),
            "precision": self.precision,
            "seed": self.seed,
            "remat": self.remat,
            "frozen": self.is_frozen,
            "name": self.name,
        }
