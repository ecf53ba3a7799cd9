"""Clips as datasets hold them: frames alone, or with the actions of their intervals."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from srvp_tf.errors import UserError

Clips = tf.Tensor | Mapping[str, tf.Tensor]
"""frames [B, T, H, W, C], or {"frames": such, "actions": [B, T - 1, A]}: a_t from t to t + 1."""

FRAMES, ACTIONS = "frames", "actions"


def parts(clips: Any) -> tuple[Any, dict[str, Any]]:
    """(frames, {"actions": actions}, or {} without) of `Clips`, or of what describes them.

    Raises:
        UserError: there are no frames, or more than actions beside them.
    """
    if not isinstance(clips, Mapping):
        return clips, {}
    if FRAMES not in clips or clips.keys() - {FRAMES, ACTIONS}:
        raise UserError(
            f'clips are a dict of {", ".join(map(str, clips))}: give {{"frames": ...}}, with '
            '"actions" for a model that takes some'
        )
    return clips[FRAMES], {name: x for name, x in clips.items() if name != FRAMES}
