"""Frame by frame with a served model: encode once, then predict or observe one frame at a time."""

from collections.abc import Callable

import numpy as np

from export.client.served_signatures import (
    FRAME_INDEX,
    FRAMES,
    SEED,
    VALID,
    ModelMetadata,
    integers_as,
)
from srvp_tf.errors import UserError

ENCODE, OBSERVE, STEP = "encode", "observe", "predict_single_step"
_CHANGED = "next_"  # a changed state tensor `y` is given back as `next_y`


class Stream:
    """A video that goes on, in a control loop for example.

        stream = client.stream(frames, seed=7)      # encodes
        frame = stream.step()                       # predicts the next frame, then one after it
        stream.observe(camera_frame)                # what happened instead; step() goes on from it

    `step` runs ahead of what was seen and `observe` comes back to it: predictions never enter the
    observed state. The state stays on the client; only what a step changes travels back.

    Attributes:
        num_observed: frames seen so far, T and those observed since.
        num_predicted: frame intervals predicted since the last observed frame.
    """

    def __init__(
        self,
        call: Callable[[str, dict], dict[str, np.ndarray]],
        metadata: ModelMetadata,
        frames: np.ndarray,
        seed: int | np.ndarray,
    ):
        self._call = call
        self._single = frames.ndim == 4
        frames = frames[None] if self._single else frames
        self._seed = one_per_video(seed, len(frames))
        self._inputs = {name: metadata.signature(name).inputs for name in (OBSERVE, STEP)}
        self.num_observed, self.num_predicted = frames.shape[1], 0
        encoded = call(ENCODE, {FRAMES: frames, SEED: self._seed})
        self._observed = {name: value for name, value in encoded.items() if name != VALID}
        self._ahead = self._observed

    def step(self) -> np.ndarray:
        """Predict the next frame [H, W, C] or [B, H, W, C], float32 in (0, 1).

        A model that was exported with r > 1 frames per step gives [r, H, W, C] or [B, r, H, W, C].
        """
        index = self.num_observed + self.num_predicted
        outputs = self._call(STEP, self._with_state(STEP, self._ahead, index))
        self._ahead, (frames,) = self._split(self._ahead, outputs)
        self.num_predicted += 1
        if frames.shape[1] == 1:
            frames = frames[:, 0]
        return frames[0] if self._single else frames

    def observe(self, frame: np.ndarray) -> None:
        """Take in the true next frame, [H, W, C] or [B, H, W, C], uint8 or float in [0, 1]."""
        frame = unit_range(frame)
        if self._single:
            frame = frame[None]
        inputs = self._with_state(OBSERVE, self._observed, self.num_observed)
        inputs[self._frame_input()] = frame
        outputs = self._call(OBSERVE, inputs)
        self._observed, _ = self._split(self._observed, outputs)
        self._ahead = self._observed
        self.num_observed, self.num_predicted = self.num_observed + 1, 0

    def _with_state(self, name: str, state: dict, index: int) -> dict:
        inputs = {key: state[key] for key in self._inputs[name] if key in state}
        inputs[SEED] = self._seed
        inputs[FRAME_INDEX] = np.full(len(self._seed), index, np.int64)
        return {key: value for key, value in inputs.items() if key in self._inputs[name]}

    def _frame_input(self) -> str:
        """The input of `observe` that is neither state nor an address of noise."""
        names = self._inputs[OBSERVE].keys() - self._observed.keys() - {SEED, FRAME_INDEX}
        if len(names) != 1:
            raise UserError(f"signature {OBSERVE!r} takes {sorted(names)} besides the state")
        return names.pop()

    @staticmethod
    def _split(state: dict, outputs: dict) -> tuple[dict, list[np.ndarray]]:
        """(the state with its changes, the outputs that are no state)."""
        state, rest = dict(state), []
        for name, value in outputs.items():
            if name.removeprefix(_CHANGED) in state:
                state[name.removeprefix(_CHANGED)] = value
            elif name != VALID:
                rest.append(value)
        return state, rest


def unit_range(frames: np.ndarray) -> np.ndarray:
    """uint8 frames in [0, 255], or float ones in [0, 1] -> float32 in [0, 1]."""
    frames = np.asarray(frames)
    if frames.dtype == np.uint8:
        return frames.astype(np.float32) / np.float32(255)
    if frames.dtype.kind != "f":
        raise UserError(f"frames are {frames.dtype.name}; give uint8, or floats in [0, 1]")
    return frames.astype(np.float32)


def one_per_video(seed: int | np.ndarray, num_videos: int) -> np.ndarray:
    """int64 [B] of one seed for all videos or of one for each; raises `UserError` for others."""
    seeds = np.asarray(seed)
    if seeds.dtype.kind not in "iu":
        raise UserError(f"seed={seed!r}; give whole numbers")
    if not seeds.size or seeds.shape not in ((), (num_videos,)):
        raise UserError(f"{seeds.size} seeds for {num_videos} videos; give one, or one for each")
    return np.broadcast_to(integers_as("seed", seeds, np.int64), (num_videos,))
