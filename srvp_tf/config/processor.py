"""What TensorFlow can make of this computer's processor: chosen before it is loaded, or told."""

import functools
import logging
import os
import platform
import sys
from pathlib import Path

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def choose_onednn() -> None:
    """Let TensorFlow convolve with oneDNN on x86, unless the user's environment says otherwise.

    By itself TensorFlow does so on processors with AVX-512 VNNI or AMX alone; elsewhere
    convolutions take 1.5 to 3 times as long without. It is read when TensorFlow is loaded.
    """
    if _IS_X86 and "tensorflow" not in sys.modules:
        os.environ.setdefault(_ONEDNN, "1")


def instruction_sets() -> frozenset[str]:
    """What the processor can do, in Linux' names ("avx2", "avx512_bf16"); empty if not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return frozenset()
    words = (line.partition(":") for line in lines)
    found = (rest for name, _, rest in words if name.strip().lower() in ("flags", "features"))
    return frozenset(next(found, "").split())


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 natively; True if not known."""
    return not (known := instruction_sets()) or bool(known & {"avx512_bf16", "amx_bf16", "bf16"})


@functools.cache
def tell_what_slows(precision: str = "float32") -> None:
    """Log a line, once in a process, for each thing that makes convolutions on CPU slow."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    if _IS_X86 and _ONEDNN not in os.environ and not _has_onednn():
        _tell(
            "TensorFlow was imported before srvp_tf and works without oneDNN, 1.5 to 3 times as "
            f"slowly here: import srvp_tf first, or set {_ONEDNN}=1"
        )
    if precision == "mixed_bfloat16" and not multiplies_bfloat16():
        _tell(
            "this processor has no instructions for bfloat16: --precision=mixed_bfloat16 is "
            "emulated, and slower than float32"
        )


@functools.cache
def _tell(line: str) -> None:
    logging.getLogger("srvp_tf").warning("srvp_tf: %s", line)


def _has_onednn() -> bool:
    try:
        from tensorflow.python.util import _pywrap_util_port

        return _pywrap_util_port.IsMklEnabled()
    except (ImportError, AttributeError):  # no public name of it; nothing is told then
        return True
