"""SVG-LP: each frame from the one before, a random variable and recurrent networks (docs/svg.md).

Frames are counted from 1, as in the paper: z_t belongs to the interval from frame t - 1 to frame t.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from srvp_tf.config import ModelConfig
from srvp_tf.errors import UserError
from srvp_tf.models.distributions import draw, draw_samples
from srvp_tf.models.forecast_arguments import check_video_ids
from srvp_tf.models.noise import ForecastNoise, training_latents
from srvp_tf.models.outputs import Future
from srvp_tf.models.svg.networks import SVG_NETWORKS
from srvp_tf.models.svg.recurrent import FramePredictor, GaussianLSTM, Memory
from srvp_tf.models.video_model import VideoModel


class FramePredictions(NamedTuple):
    """SVG's view of a video, for the objective.

    frames: the first frame, which is given, and the others as predicted [B, T, H, W, C].
    q_z, p_z: posterior and prior of z_t, t = 2..T, elementwise, [B, T - 1, nz].
    """

    frames: tf.Tensor
    q_z: tfd.Distribution
    p_z: tfd.Distribution

    @property
    def latents(self) -> dict[str, tuple[tfd.Distribution, tfd.Distribution]]:
        """Name -> (posterior, prior) of what is random."""
        return {"z": (self.q_z, self.p_z)}


class Observed(NamedTuple):
    """What T observed frames of B videos tell.

    features: h_1..h_T [B, T, nhx].
    maps: the encoder's of all frames, time step by time step, deepest first, each [T B, h, w, c].
    q_z: posterior of z_t, t = 2..T, elementwise, [B, T - 1, nz].
    prior: `Memory` of the prior, which has read h_1..h_{T-1}.
    """

    features: tf.Tensor
    maps: tuple
    q_z: tfd.Distribution
    prior: Memory


class SampleState(NamedTuple):
    """A sample of each of N videos at its last frame: what the next one is predicted from.

    features: of the last frame [N, nhx]. prior, predictor: `Memory` of the two.
    skips: the last frame's maps, where its skip connections are used; else ().
    """

    features: tf.Tensor
    prior: Memory
    predictor: Memory
    skips: tuple


@keras.saving.register_keras_serializable("srvp_tf")
class SVG(VideoModel):
    """Stochastic video generation with a learned prior.

    In training every time step is normalised by the statistics of its own B frames, and every
    frame is encoded once. Skip connections are those of frame n - 1 of n observed frames (in
    training nt_inf) in all predicted ones, or with `last_frame_skip` of the frame before each.

    Args:
        config, args, kwargs: as of `VideoModel`.
        batch_statistics: `forecast` normalises by the statistics of its batch, as the authors'
            script does: a video's future, of which there is one then, depends on the others.
    """

    loss_terms = ("mse", "kl_z")
    bounded_state = ("features", "posterior_output", "prior_output", "predictor_output")
    unread_by_observe = ("skip_",)
    unread_by_predict = ("posterior_", "map_")
    least_batch_size = 2  # of one clip, the last map of a time step is one number

    def __init__(
        self,
        config: ModelConfig | dict,
        *args,
        batch_statistics: bool = False,
        **kwargs,
    ):
        super().__init__(config, *args, **kwargs)
        c, self.batch_statistics = self.config, batch_statistics
        if c.family not in SVG_NETWORKS:
            raise UserError(f"--family={c.family}: SVG has {' and '.join(SVG_NETWORKS)}")
        if c.nt_inf < 2:
            raise UserError("--nt_inf=1 is too few for SVG, which predicts from 2 frames or more")
        encoder, decoder = SVG_NETWORKS[c.family]
        self.encoder = self.part(encoder, "encoder", c)
        self.decoder = self.part(decoder, "decoder", c)
        self.predictor = self.part(FramePredictor, "predictor", c.nhx, c.nh_inf, c.predictor_layers)
        self.posterior = self.part(GaussianLSTM, "posterior", c.nz, c.nh_inf)
        self.prior = self.part(GaussianLSTM, "prior", c.nz, c.nh_inf)
        self.build()

    def build(self, input_shape: tuple | None = None) -> None:
        if self.built:
            return
        c = self.config
        self.encoder.build((None, c.frame_size, c.frame_size, c.channels))
        self.decoder.build((None, c.nhx))
        self.predictor.build((None, c.nhx + c.nz + c.action_size))
        self.posterior.build((None, c.nhx + c.action_size))
        self.prior.build((None, c.nhx + c.action_size))
        self.built = True

    def frozen(self) -> "SVG":
        # The statistics of a batch cannot be folded into kernels.
        return self if self.batch_statistics else super().frozen()

    def get_config(self) -> dict:
        return super().get_config() | {"batch_statistics": self.batch_statistics}

    # --- training --------------------------------------------------------------------------------

    def training_noise(
        self,
        seed: int | tf.Tensor,
        step: int | tf.Tensor,
        examples: tf.Tensor,
        num_frames: int,
        num_decoded: int = 0,
    ) -> tf.Tensor:
        """eps of z_2..z_T, [B, T - 1, nz]."""
        if num_decoded:
            raise UserError(f"decoded_frames={num_decoded}: SVG decodes all frames of a clip")
        return training_latents(self.config, seed, step, examples, num_frames)

    def call(
        self,
        frames: tf.Tensor,
        noise: tf.Tensor | None = None,
        training: bool = False,
        seed: int = 0,
        video_ids: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> FramePredictions:
        """Predict every frame but the first from the true one before, with z of the posterior.

        Arguments are as of `VideoModel.call`: frames [B, T, H, W, C], noise of z_2..z_T
        [B, T - 1, nz], and so on.
        """
        frames = self.to_unit_range(frames)
        num_frames = frames.shape[1]
        if noise is None:
            videos = check_video_ids(video_ids, frames)
            noise = self.forecast_noise(seed, videos, tf.zeros([1], tf.int32), num_frames).z[:, 0]
        features, maps = self._encode(frames, training)
        actions = self.scale_actions(actions)
        q_z, p_z = self._posterior(features, actions)[0], self._prior(features, actions)[0]
        z = draw(q_z, tf.cast(noise, self.dtype))
        outputs, _ = self.predictor.follow(_joined(features[:, :-1], z, actions))
        predicted = self.predictor.head(outputs)
        num_skips = num_frames - 1
        if not self.config.last_frame_skip:
            num_skips = min(self.config.nt_inf - 1, num_skips)
        rows = num_skips * tf.shape(frames)[0]
        decoded = self.decoder(
            _by_time(predicted),
            [x[:rows] for x in maps],
            training=training,
            time_steps=tuple(range(num_frames - 1)),
        )
        decoded = _by_video(decoded, num_frames - 1)
        return FramePredictions(tf.concat([frames[:, :1], decoded], axis=1), q_z, p_z)

    def _encode(self, frames: tf.Tensor, training: bool = False):
        """Frames [B, T, ...] -> (features [B, T, nhx], maps of all, each [T B, h, w, c])."""
        num_frames = frames.shape[1]
        # The posterior sees frame t after the prior has seen frame t - 1: all but the first and the
        # last reach the running statistics twice.
        pairs = [(t, t + 1) for t in range(num_frames - 1)]
        time_steps = tuple(t for pair in pairs for t in pair)
        features, maps = self.encoder(_by_time(frames), training=training, time_steps=time_steps)
        return _by_video(features, num_frames), maps

    def _encode_to_forecast(self, frames: tf.Tensor):
        """`_encode`, or the same by each time step's statistics, which the running ones ignore."""
        if not self.batch_statistics:
            return self._encode(frames)
        parts = [self.encoder(x, training=True, time_steps=()) for x in tf.unstack(frames, axis=1)]
        features, maps = zip(*parts, strict=True)
        maps = tuple(tf.concat(stages, axis=0) for stages in zip(*maps, strict=True))
        return tf.stack(features, axis=1), maps

    def _posterior(self, features: tf.Tensor, actions: tf.Tensor | None):
        """h_1..h_T, scaled actions -> (q(z_t), t = 2..T, the `Memory` after each)."""
        outputs, memories = self.posterior.follow(_joined(features[:, 1:], actions))
        return self.posterior.head(outputs), memories

    def _prior(self, features: tf.Tensor, actions: tf.Tensor | None):
        """h_1..h_T, scaled actions -> (p(z_t), t = 2..T, the `Memory` after each)."""
        outputs, memories = self.prior.follow(_joined(features[:, :-1], actions))
        return self.prior.head(outputs), memories

    # --- forecasts -------------------------------------------------------------------------------

    def forecast(
        self, frames: Any, horizon: int, num_samples: int = 1, *args, **kwargs
    ) -> tf.Tensor:
        """`VideoModel.forecast`, whose arguments are these: frames [B, T, H, W, C] and so on."""
        if self.batch_statistics and num_samples != 1:
            raise UserError("batch_statistics: draw one sample at a time, num_samples=1")
        return super().forecast(frames, horizon, num_samples, *args, **kwargs)

    def infer_frames(self, frames: tf.Tensor, actions: tf.Tensor | None = None) -> Observed:
        features, maps = self._encode_to_forecast(self.to_unit_range(frames))
        actions = self.scale_actions(actions)
        q_z, prior = self._posterior(features, actions)[0], self._prior(features, actions)[1][-1]
        return Observed(features, maps, q_z, prior)

    def start_samples(self, inferred: Observed, noise: ForecastNoise) -> SampleState:
        num_samples = tf.shape(noise.z)[1]
        _, memories = self._follow_posterior(inferred, noise)

        def per_sample(x: tf.Tensor):  # [B, ...] -> [B S, ...]
            return tf.repeat(x, num_samples, axis=0)

        return SampleState(
            per_sample(inferred.features[:, -1]),
            tf.nest.map_structure(per_sample, inferred.prior),
            memories[-1],
            tuple(map(per_sample, self._last_maps(inferred)))
            if self.config.last_frame_skip
            else (),
        )

    def _follow_posterior(self, inferred: Observed, noise: ForecastNoise):
        """(Predicted features of frames 2..T [B S, T - 1, nhx], the predictor's `Memory`s)."""
        num_intervals = inferred.features.shape[1] - 1
        eps = tf.cast(noise.z[:, :, :num_intervals], self.dtype)
        z = draw_samples(inferred.q_z, eps)
        h = tf.repeat(inferred.features[:, None, :-1], tf.shape(z)[1], axis=1)
        actions = None if noise.actions is None else noise.actions[:, :, :num_intervals]
        inputs = _joined(h, z, self.scale_actions(actions))
        outputs, memories = self.predictor.follow(tf.reshape(inputs, [-1, *inputs.shape[2:]]))
        return self.predictor.head(outputs), memories

    def _last_maps(self, inferred: Observed):
        """The maps whose skip connections the first predicted frame has, each [B, h, w, c]."""
        batch, num_frames = tf.shape(inferred.features)[0], inferred.features.shape[1]
        frame = num_frames - (1 if self.config.last_frame_skip else 2)
        return tuple(x[frame * batch : (frame + 1) * batch] for x in inferred.maps)

    def continue_samples(
        self,
        inferred: Observed,
        state: SampleState,
        eps: tf.Tensor,
        euler_steps: int | None = None,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> Future:
        shape = tf.shape(eps)

        def merge(x: tf.Tensor):  # [B, S, F, d] -> [B S, F, d]
            return tf.reshape(x, [-1, x.shape[2] or shape[2], x.shape[3]])

        actions = None if actions is None else merge(actions)
        state, *by_frame = self._roll_on(state, self._last_maps(inferred), merge(eps), actions)

        def split(x: tf.Tensor):  # [B S, F, ...] -> [B, S, F, ...]
            return tf.reshape(x, tf.concat([shape[:3], tf.shape(x)[2:]], 0))

        return Future(state, *map(split, by_frame))

    def _roll_on(self, state: SampleState, skips: tuple, eps: tf.Tensor, actions: tf.Tensor | None):
        """N samples of B videos moved on over eps [N, F, nz], actions [N, F, A].

        Returns (state, frames [N, F, H, W, C], their features [N, F, nhx]).
        """
        options = {"skips": skips}
        if self.batch_statistics:
            options |= {"training": True, "time_steps": ()}
        elif not self.config.last_frame_skip:
            options = {"skip_parts": self.decoder.skip_parts(skips)}

        given, nz = _joined(eps, self.scale_actions(actions)), self.config.nz

        def move(state: SampleState, given: tf.Tensor):
            eps, action = given[:, :nz], given[:, nz:]  # of A = 0 columns without
            output, prior = self.prior.step(_joined(state.features, action), state.prior)
            z = draw(self.prior.head(output), eps)
            inputs = _joined(state.features, z, action)
            output, predictor = self.predictor.step(inputs, state.predictor)
            skips = {"skips": state.skips} if state.skips else {}
            frame = self.decoder(self.predictor.head(output), **options | skips)
            features, maps = self._encode_to_forecast(frame[:, None])
            return SampleState(features[:, 0], prior, predictor, maps if state.skips else ()), frame

        if eps.shape[1] == 1:
            state, frame = move(state, given[:, 0])
            return state, frame[:, None], state.features[:, None]
        by_frame = tf.transpose(given, [1, 0, 2])
        num_frames, c = tf.shape(by_frame)[0], self.config
        batch = eps.shape[0]  # TFLite needs it, and knows it
        shapes = [batch, c.frame_size, c.frame_size, c.channels], [batch, c.nhx]
        arrays = tuple(tf.TensorArray(self.dtype, num_frames, element_shape=x) for x in shapes)

        def body(i: tf.Tensor, state: SampleState, arrays: tuple):
            state, frame = move(state, by_frame[i])
            written = zip(arrays, (frame, state.features), strict=True)
            return i + 1, state, tuple(array.write(i, x) for array, x in written)

        any_batch = tf.nest.map_structure(lambda x: tf.TensorShape([None, *x.shape[1:]]), state)
        invariants = (tf.TensorShape([]), any_batch, (tf.TensorShape(None), tf.TensorShape(None)))
        _, state, arrays = tf.while_loop(
            lambda i, *_: i < num_frames, body, (0, state, arrays), shape_invariants=invariants
        )
        frames, features = (array.stack() for array in arrays)
        return state, tf.transpose(frames, [1, 0, 2, 3, 4]), tf.transpose(features, [1, 0, 2])

    def reconstruct_samples(self, inferred: Observed, noise: ForecastNoise) -> tf.Tensor:
        """Frames 2..T, each predicted from the true one before: [B, S, T - 1, H, W, C]."""
        batch, num_samples = tf.unstack(tf.shape(noise.z)[:2])
        num_intervals = inferred.features.shape[1] - 1
        predicted, _ = self._follow_posterior(inferred, noise)
        skips = [x[: num_intervals * batch] for x in inferred.maps]
        frames = self.decoder(_by_time(predicted), skips)
        frames = _by_video(frames, num_intervals)
        return tf.reshape(frames, tf.concat([[batch, num_samples], tf.shape(frames)[1:]], 0))

    # --- frame by frame --------------------------------------------------------------------------

    def encode_state(
        self,
        frames: tf.Tensor,
        noise_y: tf.Tensor,
        noise_z: tf.Tensor,
        num_frames: tf.Tensor | None = None,
        actions: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        features, maps = self._encode(frames)
        actions = self.scale_actions(actions)
        q_z, posterior = self._posterior(features, actions)
        _, prior = self._prior(features, actions)
        inputs = _joined(features[:, :-1], draw(q_z, noise_z), actions)
        _, predictor = self.predictor.follow(inputs)
        batch, last = tf.shape(frames)[0], frames.shape[1] - 1
        if num_frames is not None:
            last = tf.cast(num_frames, tf.int32) - 1

        def at(frame: int | tf.Tensor, x: tf.Tensor):  # [B, T, ...] -> [B, ...]
            return x[:, frame] if num_frames is None else tf.gather(x, frame, batch_dims=1)

        def maps_at(frame: int | tf.Tensor):
            rows = frame * batch + tf.range(batch)
            return tuple(tf.gather(x, rows) for x in maps)

        memories = {"posterior": posterior, "prior": prior, "predictor": predictor}
        for name, by_frame in memories.items():
            stacked = tf.nest.map_structure(lambda *x: tf.stack(x, axis=1), *by_frame)
            memories[name] = tf.nest.map_structure(lambda x: at(last - 1, x), stacked)
        state = {"features": at(last, features)} | _named(**memories)
        if self.config.last_frame_skip:
            return state | _numbered("skip", maps_at(last))
        return state | _numbered("skip", maps_at(last - 1)) | _numbered("map", maps_at(last))

    def observe_state(
        self,
        state: Mapping[str, tf.Tensor],
        frame: tf.Tensor,
        noise_z: tf.Tensor,
        action: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        features, maps = self._encode(frame[:, None])
        action = self.scale_actions(action)
        seen = _joined(features[:, 0], action)
        output, posterior = self.posterior.step(seen, _memory(state, "posterior"))
        z = draw(self.posterior.head(output), noise_z)
        _, prior = self.prior.step(_joined(state["features"], action), _memory(state, "prior"))
        inputs = _joined(state["features"], z, action)
        _, predictor = self.predictor.step(inputs, _memory(state, "predictor"))
        after = {"features": features[:, 0]}
        after |= _named(posterior=posterior, prior=prior, predictor=predictor)
        if self.config.last_frame_skip:
            return after | _numbered("skip", maps)
        return after | _numbered("skip", _maps(state, "map")) | _numbered("map", maps)

    def predict_from_state(
        self,
        state: Mapping[str, tf.Tensor],
        noise_z: tf.Tensor,
        euler_steps: int = 1,
        frames_per_step: int = 1,
        actions: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        skips = _maps(state, "skip")
        before = SampleState(
            state["features"],
            _memory(state, "prior"),
            _memory(state, "predictor"),
            skips if self.config.last_frame_skip else (),
        )
        after, frames, _ = self._roll_on(before, skips, noise_z, actions)
        changed = {"features": after.features}
        changed |= _named(prior=after.prior, predictor=after.predictor)
        return changed | _numbered("skip", after.skips), frames


def _joined(*parts: tf.Tensor | None):
    """Those that there are, [..., d] each, side by side."""
    parts = [x for x in parts if x is not None and x.shape[-1] != 0]
    return tf.concat(parts, axis=-1) if len(parts) > 1 else parts[0]


def _by_time(x: tf.Tensor):
    """[B, T, ...] -> [T B, ...]."""
    x = tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))


def _by_video(x: tf.Tensor, num_frames: int):
    """[T B, ...] -> [B, T, ...]."""
    x = tf.reshape(x, tf.concat([[num_frames, -1], tf.shape(x)[1:]], 0))
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])


def _named(**memories: Memory):
    """Name -> tensor of the memories of networks, by the networks' names."""
    return {
        f"{name}_{part}_{i}": x
        for name, memory in memories.items()
        for i, cell in enumerate(memory)
        for part, x in zip(("output", "cell"), cell, strict=True)
    }


def _memory(state: Mapping[str, tf.Tensor], name: str):
    """The `Memory` that `_named` gave names."""
    count = sum(key.startswith(f"{name}_output_") for key in state)
    return tuple(tuple(state[f"{name}_{p}_{i}"] for p in ("output", "cell")) for i in range(count))


def _numbered(name: str, maps: tuple):
    """Name -> tensor of the maps of a frame, the deepest first."""
    return {f"{name}_{i}": x for i, x in enumerate(maps)}


def _maps(state: Mapping[str, tf.Tensor], name: str):
    """The maps that `_numbered` gave names."""
    count = sum(key.startswith(f"{name}_") for key in state)
    return tuple(state[f"{name}_{i}"] for i in range(count))
