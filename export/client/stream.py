"""Frame by frame with a served model: encode once, then predict or observe one frame at a time."""

from collections.abc import Callable

import numpy as np

from export.client.served_signatures import ModelMetadata
from srvp_tf.errors import UserError

ENCODE, OBSERVE, STEP = "encode", "observe", "predict_single_step"
_CHANGED = "next_"


class Stream:
    """A video that goes on, in a control loop for example.

        stream = client.stream(frames, seed=7)      # encodes
        frame = stream.step()                       # predicts the next frame, then one after it
        stream.observe(camera_frame)                # what happened instead; step() goes on from it

    A model with actions is told what is done: `stream.step(action)` predicts what will be seen
    after it, `stream.observe(frame, action)` tells what was seen; actions are [A] or [B, A].

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
        actions: np.ndarray | None = None,
    ):
        self._call = call
        self._single = frames.ndim == 4
        frames = frames[None] if self._single else frames
        self._seed = one_per_video(seed, len(frames))
        self._inputs = {name: metadata.signature(name).inputs for name in (OBSERVE, STEP)}
        self.num_observed, self.num_predicted = frames.shape[1], 0
        inputs = {"frames": frames, "seed": self._seed} | self._given("actions", actions)
        self._observed = self._ahead = call(ENCODE, inputs)

    def step(self, action: np.ndarray | None = None) -> np.ndarray:
        """Predict the next frame [H, W, C] or [B, H, W, C], float32 in (0, 1).

        A model that was exported with r > 1 frames per step gives [r, H, W, C] or [B, r, H, W, C].
        action is what is done before it, [A] or [B, A], of a model with actions.
        """
        index = self.num_observed + self.num_predicted
        outputs = self._ask(STEP, self._ahead, index, self._given("action", action))
        self._ahead = _changed(self._ahead, outputs)
        self.num_predicted += 1
        frames = outputs["predicted_frames"]
        if frames.shape[1] == 1:
            frames = frames[:, 0]
        return frames[0] if self._single else frames

    def observe(self, frame: np.ndarray, action: np.ndarray | None = None) -> None:
        """Take in the true next frame, [H, W, C] or [B, H, W, C], uint8 or float in [0, 1].

        action is what led to it, [A] or [B, A], of a model with actions.
        """
        frame = unit_range(frame)
        given = {"frame": frame[None] if self._single else frame} | self._given("action", action)
        outputs = self._ask(OBSERVE, self._observed, self.num_observed, given)
        self._observed = self._ahead = _changed(self._observed, outputs)
        self.num_observed, self.num_predicted = self.num_observed + 1, 0

    def _given(self, name: str, actions: np.ndarray | None) -> dict[str, np.ndarray]:
        """Actions as an input, if there are some; without intervals (T = 1) they are none."""
        if actions is None or not (actions := as_actions(actions)).size:
            return {}
        return {name: actions[None] if self._single else actions}

    def _ask(self, name: str, state: dict, index: int, given: dict) -> dict[str, np.ndarray]:
        """Call a signature with what it takes of a state, and the address of the noise."""
        inputs = {key: value for key, value in state.items() if key in self._inputs[name]}
        address = {"seed": self._seed, "frame_index": np.full(len(self._seed), index, np.int64)}
        return self._call(name, inputs | given | address)


def _changed(state: dict, outputs: dict) -> dict:
    """A state with its changes, which come as `next_y` and the like."""
    return state | {
        name.removeprefix(_CHANGED): value
        for name, value in outputs.items()
        if name.startswith(_CHANGED)
    }


def unit_range(frames: np.ndarray) -> np.ndarray:
    """uint8 frames in [0, 255], or float ones in [0, 1] -> float32 in [0, 1]."""
    frames = np.asarray(frames)
    if frames.dtype == np.uint8:
        return frames.astype(np.float32) / np.float32(255)
    if frames.dtype.kind != "f":
        raise UserError(f"frames are {frames.dtype.name}; give uint8, or floats in [0, 1]")
    return frames.astype(np.float32)


def as_actions(actions: object) -> np.ndarray:
    """Actions as float32; raises `UserError` if they are no numbers, or rows of several lengths."""
    try:
        return np.asarray(actions, np.float32)
    except (TypeError, ValueError):
        raise UserError("actions cannot be made one array: give numbers, A for each row") from None


def one_per_video(seed: int | np.ndarray, num_videos: int) -> np.ndarray:
    """[B] of one seed for all videos or of one for each; raises `UserError` for other numbers."""
    seeds = np.asarray(seed)
    if seeds.shape not in ((), (num_videos,)):
        raise UserError(f"{seeds.size} seeds for {num_videos} videos; give one, or one for each")
    return np.broadcast_to(seeds, (num_videos,))
