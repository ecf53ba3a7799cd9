"""An environment of its own with a TensorFlow of two minor versions ago."""

import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from srvp_tf.metrics.weight_cache import cache_folder

MINOR_VERSIONS_BACK = 2


def older_version():
    """Such as "2.19"."""
    major, minor = map(int, tf.__version__.split(".")[:2])
    return f"{major}.{minor - MINOR_VERSIONS_BACK}"


def older_python():
    """The interpreter of the environment: made at the first call, then kept in the cache folder.

    Raises:
        RuntimeError: pip cannot install that version.
    """
    environment = Path(cache_folder(), f"tensorflow-{older_version()}").absolute()
    python, stamp = environment / "bin" / "python", environment / ".installed"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        command = ["pip", "install", "--quiet", f"tensorflow-cpu=={older_version()}.*"]
        done = subprocess.run([python, "-m", *command], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{python} -m {' '.join(command)} failed: {done.stderr.strip()}")
        stamp.touch()
    return str(python)
