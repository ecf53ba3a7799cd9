"""Clips as datasets hold them: frames alone, or with the actions of their intervals."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

Clips = tf.Tensor | Mapping[str, tf.Tensor]
"""frames [B, T, H, W, C], or {"frames": such, "actions": [B, T - 1, A]}: a_t from t to t + 1."""

FRAMES, ACTIONS = "frames", "actions"


def parts(clips: Any) -> tuple[Any, dict[str, Any]]:
    """(frames, {"actions": actions}, or {} without) of `Clips`, or of what describes them."""
    if not isinstance(clips, Mapping):
        return clips, {}
    return clips[FRAMES], {name: x for name, x in clips.items() if name != FRAMES}
