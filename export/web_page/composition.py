"""Futures out of the page's parts, in Python: what `static/futures.js` does, to be compared."""

import numpy as np

from export import parity
from export.parity import SignatureCaller
from export.signatures.build import MULTI_STEP
from export.web_page.signatures import FRAMES_PER_CALL, FUTURES_PER_CALL
from export.writers.settings import ExportSettings
from srvp_tf.models.srvp import SRVP

_OF_FUTURE = "y"  # the rest of a state is the same for all futures of a video


def forecast(
    call: SignatureCaller,
    frames: np.ndarray,
    noise_y: np.ndarray,
    noise_z: np.ndarray,
    euler_steps: int = 1,
    frames_per_step: int = 1,
) -> np.ndarray:
    """Futures of one video, one for each row of noise.

    Args:
        call: of one video at a time, arrays [1, ...] in and out.
        frames: float32 [T, H, W, C] in [0, 1].
        noise_y: standard normal [S, ny], S at most `FUTURES_PER_CALL`.
        noise_z: standard normal [S, T - 1 + F, nz].
        euler_steps, frames_per_step: as in `SRVP.forecast`.

    Returns:
        float32 [S, F * frames_per_step, H, W, C].
    """
    observed = len(frames) - 1
    states = [
        call("encode", {"frames": frames[None], "noise_y": y[None], "noise_z": z[None, :observed]})
        for y, z in zip(noise_y, noise_z, strict=True)
    ]
    y = np.concatenate([state[_OF_FUTURE] for state in states])
    stride, kept = euler_steps // frames_per_step, []
    for interval in range(observed, noise_z.shape[1]):
        z = {}
        if noise_z.shape[-1]:
            z = {"z": _moved(call, "prior", "z", y=y, noise_z=noise_z[:, interval])}
        for step in range(euler_steps):
            size = np.full([len(y), 1], 1 / euler_steps, np.float32)
            y = _moved(call, "step", "next_y", y=y, **z, step_size=size)
            if (step + 1) % stride == 0:
                kept.append(y)
    return np.stack([_decoded(call, states[0], path) for path in np.stack(kept, axis=1)])


def _moved(call: SignatureCaller, name: str, output: str, **tensors: np.ndarray) -> np.ndarray:
    """An output [S, ...] of `prior` or `step`, for inputs [S, ...]."""
    count = len(tensors[_OF_FUTURE])
    padded = {key: _padded(x, FUTURES_PER_CALL)[None] for key, x in tensors.items()}
    return call(name, padded)[output][0, :count]


def _decoded(call: SignatureCaller, state: dict, path: np.ndarray) -> np.ndarray:
    """Frames [K, H, W, C] of states [K, ny]."""
    shared = {key: x for key, x in state.items() if key != _OF_FUTURE}
    pieces = []
    for first in range(0, len(path), FRAMES_PER_CALL):
        states = path[first : first + FRAMES_PER_CALL]
        asked = {**shared, "y": _padded(states, FRAMES_PER_CALL)[None]}
        pieces.append(call("decode", asked)["frames"][0, : len(states)])
    return np.concatenate(pieces)


def _padded(array: np.ndarray, count: int) -> np.ndarray:
    return np.concatenate([array, np.zeros([count - len(array), *array.shape[1:]], array.dtype)])


def check_composition(
    call: SignatureCaller,
    model: SRVP,
    settings: ExportSettings,
    frames: np.ndarray,
    bound: parity.Bound,
) -> dict[str, parity.Errors]:
    """`parity.check_parity` of what the page is asked at given `ExportSettings`.

    That is the whole, and at one frame an interval the parts that other exports have too.
    """
    whole = f"forecast, {settings.frames_per_step} a frame"
    parts = ("encode", "observe") if settings.frames_per_step == 1 else ()
    cases = parity.reference_cases(model, settings, frames, (*parts, MULTI_STEP))
    cases[whole] = cases.pop(MULTI_STEP)

    def ask(name: str, tensors: dict) -> dict[str, np.ndarray]:
        if name != whole:
            return call(name, tensors)
        given = (np.asarray(tensors[x]) for x in ("frames", "noise_y", "noise_z"))
        sampling = settings.euler_steps, settings.frames_per_step
        futures = [
            forecast(call, video, noise_y[None], noise_z[None], *sampling)
            for video, noise_y, noise_z in zip(*given, strict=True)
        ]
        return {"predicted_frames": np.concatenate(futures)}

    return parity.check_parity(ask, cases, bound)
