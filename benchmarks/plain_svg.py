"""SVG written down step by step, as its authors' code runs: a baseline for speed, and an oracle.

In training every frame is encoded twice; each sample of a video is predicted on its own.
"""

import tensorflow as tf

from srvp_tf.models.distributions import draw
from srvp_tf.models.svg.model import SVG, FramePredictions


class PlainSVG(SVG):
    """`SVG` with the same weights and layers, one time step after the other."""

    def call(self, frames, noise=None, training=False, seed=0, video_ids=None, actions=None):
        frames, steps, skips = self.to_unit_range(frames), [], None
        if actions is None:
            actions = tf.zeros([*frames.shape[:2], 0], frames.dtype)
        else:
            actions = (tf.cast(actions, frames.dtype) - self.action_mean) / self.action_scale
        memories = [net.initial_memory(tf.shape(frames)[0]) for net in self._networks()]
        for t in range(1, frames.shape[1]):
            h, maps = self.encoder(frames[:, t - 1], training=training)
            target, _ = self.encoder(frames[:, t], training=training)
            if self.config.last_frame_skip or t < self.config.nt_inf:
                skips = maps
            a = actions[:, t - 1]
            q, memories[0] = self.posterior.step(tf.concat([target, a], -1), memories[0])
            p, memories[1] = self.prior.step(tf.concat([h, a], -1), memories[1])
            q_z, p_z = self.posterior.head(q), self.prior.head(p)
            z = draw(q_z, tf.cast(noise[:, t - 1], self.dtype))
            g, memories[2] = self.predictor.step(tf.concat([h, z, a], -1), memories[2])
            frame = self.decoder(self.predictor.head(g), skips, training=training)
            steps.append((frame, q_z.loc, q_z.scale, p_z.loc, p_z.scale))
        predicted, *normals = (tf.stack(parts, axis=1) for parts in zip(*steps, strict=True))
        q_z, p_z = (type(q_z)(*normals[i : i + 2]) for i in (0, 2))
        return FramePredictions(tf.concat([frames[:, :1], predicted], axis=1), q_z, p_z)

    def predict_plainly(self, frames, noise):
        """Futures of frames [B, T, ...] with noise of T + F, [B, S, F, H, W, C], one by one."""
        samples = [self._one_sample(frames, z) for z in tf.unstack(noise.z, axis=1)]
        return tf.stack(samples, axis=1)

    def _one_sample(self, frames, eps):
        num_observed, predicted, skips = frames.shape[1], [], None
        memories = [net.initial_memory(tf.shape(frames)[0]) for net in self._networks()]
        x = frames[:, 0]
        for t in range(1, eps.shape[1] + 1):
            h, maps = self.encoder(x)
            if self.config.last_frame_skip or t < num_observed:
                skips = maps
            p, memories[1] = self.prior.step(h, memories[1])
            if t < num_observed:
                target, _ = self.encoder(frames[:, t])
                q, memories[0] = self.posterior.step(target, memories[0])
                z = draw(self.posterior.head(q), eps[:, t - 1])
            else:
                z = draw(self.prior.head(p), eps[:, t - 1])
            g, memories[2] = self.predictor.step(tf.concat([h, z], -1), memories[2])
            x = frames[:, t] if t < num_observed else None
            if x is None:
                x = self.decoder(self.predictor.head(g), skips)
                predicted.append(x)
        return tf.stack(predicted, axis=1)

    def _networks(self):
        return self.posterior, self.prior, self.predictor


def plain_copy(model):
    """A `PlainSVG` with the weights of an `SVG`."""
    plain = PlainSVG(model.config, precision=model.precision, name="svg")
    plain.set_weights(model.get_weights())
    return plain
