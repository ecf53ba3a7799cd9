"""The whole model: generative and inference halves around one latent step (docs/model.md)."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.config import ModelConfig
from srvp_tf.config.processor import tell_what_slows
from srvp_tf.config.registries import DYNAMICS, LOSS_TERMS, NETWORKS
from srvp_tf.errors import UserError
from srvp_tf.models.content import Content
from srvp_tf.models.distributions import draw, draw_samples, standard_normal
from srvp_tf.models.dynamics import Rollout
from srvp_tf.models.forecast_arguments import (
    as_tensor,
    check_arguments,
    check_frames,
    check_video_ids,
)
from srvp_tf.models.inference import InitialStatePosterior, LatentPosterior
from srvp_tf.models.initializers import child_seed
from srvp_tf.models.keras_training import KerasTraining
from srvp_tf.models.losses import loss_terms
from srvp_tf.models.noise import ForecastNoise, forecast_noise, reconstruction_noise
from srvp_tf.models.outputs import Encoding, Inference, Paths, Reconstruction

if TYPE_CHECKING:
    from srvp_tf.models.noise import TrainingNoise


@keras.saving.register_keras_serializable("srvp_tf")
class SRVP(KerasTraining):
    """Stochastic latent residual video prediction.

    Args:
        config: a `ModelConfig`, or its dictionary.
        precision: "float32", "mixed_bfloat16", "mixed_float16" (convolutions only) or "float64".
        seed: of the initial weights.
        remat: compute activations of the convolutions twice in training, to save memory.
        frozen: for inference alone; made by `SRVP.frozen`.
    """

    def __init__(
        self,
        config: ModelConfig | dict,
        precision: str = "float32",
        seed: int = 0,
        remat: bool = False,
        frozen: bool = False,
        name: str = "srvp",
    ):
        dtype = "float64" if precision == "float64" else "float32"
        super().__init__(dtype=dtype, name=name)
        if isinstance(config, dict):
            config = ModelConfig(**config)
        if not isinstance(config, ModelConfig):
            raise UserError(f"config is a {type(config).__name__}: give a ModelConfig (.model)")
        self.config, self.precision, self.seed = config, precision, seed
        self.remat, self.is_frozen = remat, frozen
        self.supports_jit = False  # convolutions are faster by oneDNN and cuDNN

        def part(layer: type, name: str, *args, dtype: object = dtype, **options):
            seeded = child_seed(seed, name)
            return layer(*args, seed=seeded, name=name, dtype=dtype, **options)

        c = config
        make_encoder, make_decoder = NETWORKS[c.family]
        options = {"remat": remat, "frozen": frozen, "dtype": keras.DTypePolicy(precision)}
        self.encoder = part(make_encoder, "encoder", c, **options)
        self.decoder = part(make_decoder, "decoder", c, **options)
        self.content = part(Content, "content", c.nh_inf)
        self.q_y1 = part(InitialStatePosterior, "q_y1", c.ny, c.nh_inf, c.nlayers_inf)
        self.q_z = part(LatentPosterior, "q_z", c.nz, c.nh_inf) if c.stochastic else None
        self.dynamics = part(DYNAMICS[c.dynamics], "dynamics", c)
        self.build()
        self._compiled_forecast = tf.function(self._forecast)
        self._compiled_forecast_from_noise = tf.function(self._forecast_from_noise)

    def build(self, input_shape: tuple | None = None) -> None:
        if self.built:
            return
        c = self.config
        size = c.frame_size
        self.encoder.build((None, size, size, c.channels))
        self.decoder.build((None, None, c.ny))
        self.content.build((None, c.nt_inf, c.nhx))
        self.q_y1.build((None, c.nt_inf, c.nhx))
        if self.q_z is not None:
            self.q_z.build((None, None, c.nhx))
        self.dynamics.build((None, c.ny))
        self.built = True

    def frozen(self) -> "SRVP":
        """A copy for inference alone: what depends on the weights only is computed once, here.

        Normalisations are folded into kernels and the taps of upsampled convolutions are merged.
        Same methods, same predictions, less time where few frames are decoded at once; later
        changes of this model's weights do not reach the copy.
        """
        copy = SRVP(self.config, self.precision, self.seed, frozen=True, name=self.name)
        for name in ("encoder", "decoder"):
            getattr(copy, name).freeze(getattr(self, name))
        for name in ("content", "q_y1", "q_z", "dynamics"):
            if (layer := getattr(self, name)) is not None:
                getattr(copy, name).set_weights(layer.get_weights())
        return copy

    # --- inference -------------------------------------------------------------------------------

    def encode(self, frames: tf.Tensor, training: bool = False) -> Encoding:
        """Frames [B, T, H, W, C], uint8 or float in [0, 1] -> `Encoding`, in one batch of B T."""
        frames = self.to_unit_range(frames)
        shape = tf.shape(frames)
        flat = tf.reshape(frames, tf.concat([[-1], shape[2:]], 0))
        features, stages = self.encoder(flat, training=training)
        num_frames = frames.shape[1] or shape[1]
        return Encoding(tf.reshape(features, [-1, num_frames, self.config.nhx]), stages)

    def infer(
        self,
        encoding: Encoding,
        content_frames: tf.Tensor | None = None,
        skip_frame: tf.Tensor | None = None,
    ) -> Inference:
        """Posteriors given an `Encoding` of T >= nt_inf frames.

        Args:
            encoding: of the observed frames.
            content_frames: frames that w is inferred from [B, nt_inf]; None: the last nt_inf.
            skip_frame: frame whose skips are used [B]; None: the last.

        Returns:
            An `Inference`.
        """
        features, k = encoding.features, self.config.nt_inf
        num_frames = features.shape[1]
        if content_frames is None:
            content_features = features[:, -k:]
        else:
            content_features = tf.gather(features, content_frames, batch_dims=1)
        skips = None
        if self.config.skips:
            first = tf.range(tf.shape(features)[0], dtype=tf.int64) * num_frames
            offset = num_frames - 1 if skip_frame is None else tf.cast(skip_frame, tf.int64)
            skips = tuple(tf.gather(stage, first + offset) for stage in encoding.stages)
        if self.q_z is None:
            q_z = tfd.Normal(features[:, 1:, :0], features[:, 1:, :0])  # of no dimension
        else:
            q_z = self.q_z(features)
        return Inference(self.content(content_features), skips, self.q_y1(features[:, :k]), q_z)

    # --- generation ------------------------------------------------------------------------------

    def step(self, y: tf.Tensor, z: tf.Tensor, euler_steps: int | None = None) -> tf.Tensor:
        """The state one frame later: y [..., ny], z [..., nz] -> [..., ny] (eq. 2)."""
        states, _ = self.dynamics.step(y, z, euler_steps or self.config.euler_steps)
        return states[..., -1, :]

    def rollout(
        self,
        y: tf.Tensor,
        eps: tf.Tensor,
        q_z: tfd.Distribution | None = None,
        euler_steps: int | None = None,
    ) -> Rollout:
        """Roll the state from y [N, ny] over the F frame intervals of eps [N, F, nz].

        z is drawn from `q_z` [N, F, nz] or, without it, from the prior on the way.
        """
        euler_steps = euler_steps or self.config.euler_steps
        if q_z is None:
            return self.dynamics.imagine(y, eps, euler_steps)
        return self.dynamics.follow(y, draw(q_z, eps), euler_steps)

    def decode(
        self,
        content: tf.Tensor,
        states: tf.Tensor,
        skips: tuple | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Mean frames g(y, w) (eq. 3): w [B, nh_inf], y [B, K, ny] -> [B, K, H, W, C]."""
        return self.decoder(content, states, skips, training=training)

    def initial_prior(self, like: tf.Tensor) -> tfd.Distribution:
        """p(y_1) = N(0, I) (eq. 1), elementwise, of the shape and dtype of `like` [B, ny]."""
        return standard_normal(like)

    def observation(self, frames: tf.Tensor) -> tfd.Distribution:
        """p(x | y, w) = N(g(y, w), nu^2 I) (eq. 3) of mean frames [B, T, H, W, C], batch [B]."""
        return tfd.Independent(tfd.Normal(frames, self.config.obs_scale), 4)

    # --- the two uses ----------------------------------------------------------------------------

    def __call__(self, frames: tf.Tensor | np.ndarray, *args, **kwargs):
        # Here, as Keras would put the arguments into the text of an error that `call` raises.
        frames = as_tensor(frames)
        check_frames(frames, self.config)
        return super().__call__(frames, *args, **kwargs)

    def call(
        self,
        frames: tf.Tensor,
        noise: "TrainingNoise | None" = None,
        training: bool = False,
        seed: int = 0,
        video_ids: tf.Tensor | None = None,
    ) -> Reconstruction:
        """Reconstruct videos through the posterior, as the objective needs it: `model(frames)`.

        Args:
            frames: [B, T, H, W, C], T >= nt_inf, uint8 or float in [0, 1].
            noise: a `TrainingNoise`; None: drawn here, as that of sample 0 of `forecast`.
            training: whether batch normalisation uses, and learns from, this batch.
            seed: integer, of the noise that is drawn here.
            video_ids: integers [B] that name the videos in its address; None: 0..B-1.

        Returns:
            A `Reconstruction`; its `frames` are [B, T, H, W, C] in (0, 1).

        Raises:
            UserError: on frames of another shape or range, or too few of them.
        """
        if noise is None:
            videos = tf.range(tf.shape(frames)[0]) if video_ids is None else video_ids
            noise = reconstruction_noise(self.config, seed, videos, frames.shape[1])
        encoding = self.encode(frames, training)
        inferred = self.infer(encoding, noise.content_frames, noise.skip_frame)
        y_1 = draw(inferred.q_y1, tf.cast(noise.y_1, self.dtype))
        path = self.rollout(y_1, tf.cast(noise.z, self.dtype), inferred.q_z)
        states = tf.concat([y_1[:, None], path.states[:, :, -1]], axis=1)
        if noise.decoded_frames is not None:
            states = tf.gather(states, noise.decoded_frames, batch_dims=1)
        means = self.decode(inferred.content, states, inferred.skips, training)
        return Reconstruction(
            frames=means,
            content=inferred.content,
            p_x=self.observation(means),
            q_y1=inferred.q_y1,
            p_y1=self.initial_prior(y_1),
            q_z=inferred.q_z,
            p_z=path.p_z,
            residuals=path.residuals,
            decoded_frames=noise.decoded_frames,
        )

    def elbo_terms(
        self, frames: tf.Tensor | np.ndarray, noise: "TrainingNoise | None" = None, seed: int = 0
    ) -> dict[str, tf.Tensor]:
        """The terms of the objective, unweighted: frames [B, T, H, W, C] -> name -> [B].

        `-nll - kl_y1 - kl_z` is the evidence lower bound of each video, in nats, with one sample;
        arguments as of `call`.
        """
        outputs = self(frames, noise=noise, seed=seed)
        return loss_terms(self.to_unit_range(as_tensor(frames)), outputs, LOSS_TERMS)

    def sample_paths(
        self,
        inferred: Inference,
        noise: ForecastNoise,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
    ) -> Paths:
        """Latent paths through the observed frames and beyond.

        Args:
            inferred: the `Inference` of T frames of B videos.
            noise: `ForecastNoise` for S samples of T + F frames.
            euler_steps: sub-steps per predicted frame; None: the training's. Observed frames always
                take the training's.
            frames_per_step: how many states are kept per predicted interval; divides `euler_steps`.

        Returns:
            `Paths`, with K = F * frames_per_step.
        """
        euler_steps = euler_steps or self.config.euler_steps
        batch, num_samples = tf.unstack(tf.shape(noise.y_1)[:2])
        num_observed = inferred.q_z.batch_shape[1]

        def merge(x: tf.Tensor):  # [B, S, ...] -> [B S, ...]
            return tf.reshape(x, [-1, *x.shape[2:]])

        def split(x: tf.Tensor):  # [B S, K, ny] -> [B, S, K, ny]
            return tf.reshape(x, [batch, num_samples, -1, self.config.ny])

        y_1_noise, eps = (tf.cast(x, self.dtype) for x in noise)
        y_1 = merge(draw_samples(inferred.q_y1, y_1_noise))
        observed = y_1[:, None]
        if num_observed:
            z = draw_samples(inferred.q_z, eps[:, :, :num_observed])
            path = self.dynamics.follow(y_1, merge(z), self.config.euler_steps)
            observed = tf.concat([observed, path.states[:, :, -1]], axis=1)
        eps = merge(eps[:, :, num_observed:])
        future = self.rollout(observed[:, -1], eps, euler_steps=euler_steps)
        stride = euler_steps // frames_per_step
        kept = future.states[:, :, stride - 1 :: stride]
        return Paths(split(observed), split(kept))

    def decode_samples(self, inferred: Inference, states: tf.Tensor) -> tf.Tensor:
        """Frames of S samples: states [B, S, K, ny] -> [B, S, K, H, W, C]."""
        shape = tf.shape(states)
        merged = tf.reshape(states, [shape[0], -1, self.config.ny])
        frames = self.decode(inferred.content, merged, inferred.skips)
        return tf.reshape(frames, tf.concat([shape[:3], tf.shape(frames)[2:]], 0))

    def forecast(
        self,
        frames: tf.Tensor | np.ndarray | Sequence,
        horizon: int,
        num_samples: int = 1,
        seed: int | tf.Tensor = 0,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
        video_ids: tf.Tensor | np.ndarray | None = None,
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
        if euler_steps is None:
            euler_steps = self.config.euler_steps
        check_frames(frames, self.config)
        horizon, num_samples, seed, euler_steps, frames_per_step = check_arguments(
            horizon, num_samples, seed, euler_steps, frames_per_step
        )
        videos = (
            tf.range(tf.shape(frames)[0])
            if video_ids is None
            else check_video_ids(video_ids, frames)
        )
        self.config.check_euler_steps(euler_steps)
        seed = tf.cast(seed, tf.int64)  # a Python number would mean a new graph for every seed
        futures = self._compiled_forecast(
            frames, seed, videos, horizon, num_samples, euler_steps, frames_per_step
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
    ):
        num_frames = frames.shape[1] + horizon
        noise = forecast_noise(self.config, seed, videos, tf.range(num_samples), num_frames)
        return self._forecast_from_noise(frames, noise, euler_steps, frames_per_step)

    def forecast_from_noise(
        self,
        frames: tf.Tensor,
        noise: ForecastNoise,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
    ) -> tf.Tensor:
        """`forecast` with the noise given: a `ForecastNoise` of T - 1 + horizon frames."""
        euler_steps = euler_steps or self.config.euler_steps
        return self._compiled_forecast_from_noise(
            frames, ForecastNoise(*noise), euler_steps, frames_per_step
        )

    def _forecast_from_noise(
        self, frames: tf.Tensor, noise: ForecastNoise, euler_steps: int, frames_per_step: int
    ):
        inferred = self.infer(self.encode(frames))
        paths = self.sample_paths(inferred, noise, euler_steps, frames_per_step)
        return self.decode_samples(inferred, paths.future)

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
