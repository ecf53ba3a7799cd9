"""Futures out of the page's parts, in Python: what `static/futures.js` does, to be compared."""

import numpy as np

from export.web_page.signatures import FRAMES_PER_CALL, FUTURES_PER_CALL

_OF_FUTURE = "y"  # the rest of a state is the same for all futures of a video


def forecast(call, frames, noise_y, noise_z, euler_steps=1, frames_per_step=1):
    """Futures of one video, one for each row of noise.

    Args:
        call: signature name and name -> array [1, ...] to name -> array [1, ...].
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


def _moved(call, name, output, **tensors):
    """An output [S, ...] of `prior` or `step`, for inputs [S, ...]."""
    count = len(tensors[_OF_FUTURE])
    padded = {key: _padded(x, FUTURES_PER_CALL)[None] for key, x in tensors.items()}
    return call(name, padded)[output][0, :count]


def _decoded(call, state, path):
    """Frames [K, H, W, C] of states [K, ny]."""
    shared = {key: x for key, x in state.items() if key != _OF_FUTURE}
    pieces = []
    for first in range(0, len(path), FRAMES_PER_CALL):
        states = path[first : first + FRAMES_PER_CALL]
        asked = {**shared, "y": _padded(states, FRAMES_PER_CALL)[None]}
        pieces.append(call("decode", asked)["frames"][0, : len(states)])
    return np.concatenate(pieces)


def _padded(array, count):
    return np.concatenate([array, np.zeros([count - len(array), *array.shape[1:]], array.dtype)])
