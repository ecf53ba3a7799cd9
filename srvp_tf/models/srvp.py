"""The whole model: generative and inference halves around one latent step (docs/model.md)."""

from collections.abc import Mapping

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.config import ModelConfig
from srvp_tf.config.registries import DYNAMICS, NETWORKS
from srvp_tf.models import filtering
from srvp_tf.models.content import Content
from srvp_tf.models.distributions import draw, draw_samples, standard_normal
from srvp_tf.models.dynamics import Rollout
from srvp_tf.models.filtering import FilterState
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.inference import InitialStatePosterior, LatentPosterior
from srvp_tf.models.noise import (
    ForecastNoise,
    TrainingNoise,
    reconstruction_noise,
    training_noise,
)
from srvp_tf.models.outputs import Encoding, Future, Inference, Paths, Reconstruction
from srvp_tf.models.video_model import VideoModel


@keras.saving.register_keras_serializable("srvp_tf")
class SRVP(VideoModel):
    """Stochastic latent residual video prediction; arguments as of `VideoModel`."""

    loss_terms = ("nll", "kl_y1", "kl_z", "l2_res")
    experiments = ("frame_rates", "content_swap", "interpolation", "long_horizon")
    bounded_state = ("lstm_output", "recent_features", "w")
    unread_by_observe = ("w", "skip_")
    unread_by_predict = ("lstm_", "recent_features")

    def __init__(self, config: ModelConfig | dict, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        c = self.config
        encoder, decoder = NETWORKS[c.family]
        self.encoder = self.part(encoder, "encoder", c)
        self.decoder = self.part(decoder, "decoder", c)
        self.content = self.part(Content, "content", c.nh_inf)
        self.q_y1 = self.part(InitialStatePosterior, "q_y1", c.ny, c.nh_inf, c.nlayers_inf)
        self.q_z = self.part(LatentPosterior, "q_z", c.nz, c.nh_inf) if c.stochastic else None
        self.dynamics = self.part(DYNAMICS[c.dynamics], "dynamics", c)
        self.build()

    @classmethod
    def takes_euler_steps(cls, config: ModelConfig) -> bool:
        return DYNAMICS[config.dynamics].takes_euler_steps

    @classmethod
    def first_noise_size(cls, config: ModelConfig) -> int:
        return config.ny

    @classmethod
    def kind(cls, config: ModelConfig) -> str:
        return f"--model={config.model} --dynamics={config.dynamics}"

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
            self.q_z.build((None, None, c.nhx + c.action_size))
        self.dynamics.build((None, c.ny))
        self.built = True

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
        actions: tf.Tensor | None = None,
    ) -> Inference:
        """Posteriors given an `Encoding` of T >= nt_inf frames.

        Args:
            encoding: of the observed frames.
            content_frames: frames that w is inferred from [B, nt_inf]; None: the last nt_inf.
            skip_frame: frame whose skips are used [B]; None: the last.
            actions: of the intervals between the frames [B, T - 1, A], of a model with actions.

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
            q_z = self.q_z(features, actions=self.scale_actions(actions))
        return Inference(self.content(content_features), skips, self.q_y1(features[:, :k]), q_z)

    # --- generation ------------------------------------------------------------------------------

    def step(
        self,
        y: tf.Tensor,
        z: tf.Tensor,
        euler_steps: int | None = None,
        action: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """The state one frame later: y [..., ny], z [..., nz], a [..., A] -> [..., ny] (eq. 2)."""
        u = z if action is None else tf.concat([z, self.scale_actions(action)], axis=-1)
        states, _ = self.dynamics.step(y, u, euler_steps or self.config.euler_steps)
        return states[..., -1, :]

    def rollout(
        self,
        y: tf.Tensor,
        eps: tf.Tensor,
        q_z: tfd.Distribution | None = None,
        euler_steps: int | None = None,
        actions: tf.Tensor | None = None,
    ) -> Rollout:
        """Roll the state from y [N, ny] over the F frame intervals of eps [N, F, nz].

        z is drawn from `q_z` [N, F, nz] or, without it, from the prior on the way. actions are the
        intervals' [N, F, A], of a model with actions.
        """
        euler_steps, actions = euler_steps or self.config.euler_steps, self.scale_actions(actions)
        if q_z is None:
            return self.dynamics.imagine(y, eps, euler_steps, actions)
        return self.dynamics.follow(y, draw(q_z, eps), euler_steps, actions)

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

    def training_noise(
        self,
        seed: int | tf.Tensor,
        step: int | tf.Tensor,
        examples: tf.Tensor,
        num_frames: int,
        num_decoded: int = 0,
    ) -> TrainingNoise:
        return training_noise(self.config, seed, step, examples, num_frames, num_decoded)

    def call(
        self,
        frames: tf.Tensor,
        noise: TrainingNoise | None = None,
        training: bool = False,
        seed: int = 0,
        video_ids: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> Reconstruction:
        """Reconstruct videos through the posterior, as the objective needs it: `model(frames)`.

        Arguments are as of `VideoModel.call`: frames [B, T, H, W, C], T >= nt_inf, and so on.

        Returns:
            A `Reconstruction`; its `frames` are [B, T, H, W, C] in (0, 1).

        Raises:
            UserError: on frames of another shape or range, or too few of them.
        """
        if noise is None:
            videos = check_video_ids(video_ids, frames)
            noise = reconstruction_noise(self.config, seed, videos, frames.shape[1])
        encoding = self.encode(frames, training)
        inferred = self.infer(encoding, noise.content_frames, noise.skip_frame, actions)
        y_1 = draw(inferred.q_y1, tf.cast(noise.y_1, self.dtype))
        path = self.rollout(y_1, tf.cast(noise.z, self.dtype), inferred.q_z, actions=actions)
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
        observed, num_intervals = self._observed_states(inferred, noise), _num_intervals(inferred)
        eps = tf.cast(noise.z[:, :, num_intervals:], self.dtype)
        actions = noise.future_actions(num_intervals + 1)
        _, future = self._future_states(
            observed[:, :, -1], eps, euler_steps, frames_per_step, actions
        )
        return Paths(observed, future)

    def _observed_states(self, inferred: Inference, noise: ForecastNoise):
        """y at the observed frames, [B, S, T, ny]."""
        batch, num_samples = tf.unstack(tf.shape(noise.y_1)[:2])
        num_intervals = _num_intervals(inferred)
        y_1, eps = (tf.cast(x, self.dtype) for x in (noise.y_1, noise.z))
        y_1 = _merge_samples(draw_samples(inferred.q_y1, y_1))
        states, actions = y_1[:, None], noise.actions
        if num_intervals:
            z = draw_samples(inferred.q_z, eps[:, :, :num_intervals])
            if actions is not None:
                actions = self.scale_actions(_merge_samples(actions[:, :, :num_intervals]))
            path = self.dynamics.follow(y_1, _merge_samples(z), self.config.euler_steps, actions)
            states = tf.concat([states, path.states[:, :, -1]], axis=1)
        return tf.reshape(states, [batch, num_samples, num_intervals + 1, self.config.ny])

    def _future_states(
        self,
        y: tf.Tensor,
        eps: tf.Tensor,
        euler_steps: int | None,
        frames_per_step: int,
        actions: tf.Tensor | None,
    ):
        """y [B, S, ny] rolled over eps [B, S, F, nz]: (y at the F frames, those that are kept)."""
        euler_steps = euler_steps or self.config.euler_steps
        stride = euler_steps // frames_per_step
        if actions is not None:
            actions = _merge_samples(actions)
        states = self.rollout(
            _merge_samples(y), _merge_samples(eps), euler_steps=euler_steps, actions=actions
        ).states
        batch, num_samples = tf.unstack(tf.shape(y)[:2])

        def split(x: tf.Tensor):  # [B S, ..., ny] -> [B, S, K, ny]
            return tf.reshape(x, [batch, num_samples, -1, self.config.ny])

        return split(states[:, :, -1]), split(states[:, :, stride - 1 :: stride])

    def decode_samples(self, inferred: Inference, states: tf.Tensor) -> tf.Tensor:
        """Frames of S samples: states [B, S, K, ny] -> [B, S, K, H, W, C]."""
        shape = tf.shape(states)
        merged = tf.reshape(states, [shape[0], -1, self.config.ny])
        frames = self.decode(inferred.content, merged, inferred.skips)
        return tf.reshape(frames, tf.concat([shape[:3], tf.shape(frames)[2:]], 0))

    def infer_frames(self, frames: tf.Tensor, actions: tf.Tensor | None = None) -> Inference:
        return self.infer(self.encode(frames), actions=actions)

    def start_samples(self, inferred: Inference, noise: ForecastNoise) -> tf.Tensor:
        """y at the last observed frame [B, S, ny]."""
        return self._observed_states(inferred, noise)[:, :, -1]

    def continue_samples(
        self,
        inferred: Inference,
        state: tf.Tensor,
        eps: tf.Tensor,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> Future:
        states, kept = self._future_states(state, eps, euler_steps, frames_per_step, actions)
        return Future(states[:, :, -1], self.decode_samples(inferred, kept), states)

    def reconstruct_samples(self, inferred: Inference, noise: ForecastNoise) -> tf.Tensor:
        return self.decode_samples(inferred, self._observed_states(inferred, noise))

    # --- frame by frame --------------------------------------------------------------------------

    def encode_state(
        self,
        frames: tf.Tensor,
        noise_y: tf.Tensor,
        noise_z: tf.Tensor,
        num_frames: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        return filtering.encode(self, frames, noise_y, noise_z, num_frames, actions).tensors()

    def observe_state(
        self,
        state: Mapping[str, tf.Tensor],
        frame: tf.Tensor,
        noise_z: tf.Tensor,
        action: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        before = FilterState.from_tensors(state)
        return filtering.observe(self, before, frame, noise_z, action).tensors()

    def predict_from_state(
        self,
        state: Mapping[str, tf.Tensor],
        noise_z: tf.Tensor,
        euler_steps: int = 1,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        before = FilterState.from_tensors(state)
        y, frames = filtering.predict_from_state(
            self, before, noise_z, euler_steps, frames_per_step, actions
        )
        return {"y": y[:, -1]}, frames


def _num_intervals(inferred: Inference):
    """Between the observed frames: T - 1."""
    return inferred.q_z.batch_shape[1]


def _merge_samples(x: tf.Tensor):
    """[B, S, ...] -> [B S, ...]."""
    return tf.reshape(x, [-1, *x.shape[2:]])
