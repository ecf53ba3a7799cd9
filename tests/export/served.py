"""Small models on a server of this machine."""

import atexit
import functools
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from export.client import Client
from export.local_server import LocalServer, VersionPolicy
from export.writers.saved_model import write_served
from export.writers.settings import ExportSettings
from tests.models.small import random_videos, small_model

CONDITIONING, HORIZON, SAMPLES = 3, 3, 2
FAMILIES = {
    "dcgan": {"nt_inf": 2, "euler_steps": 1},
    "vgg": {"nt_inf": 2, "family": "vgg", "skips": True, "channels": 3, "nf": 2, "nhx": 8},
}
TRANSPORTS = {"grpc": {}, "rest columns": {}, "rest rows": {"rows": True}}


@functools.cache
def model(family, seed=0):
    """An untrained small model with kernels large enough that its frames differ from plain grey."""
    keras_model = small_model(seed=seed, **FAMILIES[family])
    rng = np.random.default_rng(seed)
    for variable in keras_model.weights:
        if len(variable.shape) == 4:  # convolutions: 0.02 N(0, 1) is meant for training
            fan_in = np.prod(variable.shape) / max(variable.shape[2:])
            variable.assign(rng.normal(0, np.sqrt(2 / fan_in), variable.shape))
    return keras_model


def videos(family, batch=2, num_frames=CONDITIONING, seed=0):
    """Random uint8 videos for a model of that family."""
    return random_videos(model(family).config, batch, num_frames, seed)


def forecast(family, frames, seed, num_samples=1, horizon=HORIZON, model_seed=0, **options):
    """What the Keras model predicts for each video with its seed: [B, S, horizon, H, W, C]."""
    keras_model = model(family, model_seed)
    return np.concatenate(
        [
            keras_model.forecast(video[None], horizon, num_samples, seed=int(s), **options)
            for video, s in zip(frames, np.broadcast_to(seed, len(frames)), strict=True)
        ]
    )


@functools.cache
def exported(family, model_seed=0, frames_per_step=1):
    """The folder of one exported version, written once per session."""
    kept = tempfile.TemporaryDirectory()
    exported.kept = [*getattr(exported, "kept", ()), kept]
    keras_model = model(family, model_seed)
    settings = ExportSettings(
        CONDITIONING,
        CONDITIONING,
        HORIZON,
        SAMPLES,
        max(keras_model.config.euler_steps, frames_per_step),
        frames_per_step,
    )
    write_served(Path(kept.name, "1"), keras_model, settings)
    return Path(kept.name, "1")


def write_version(folder, version, family, model_seed=0, frames_per_step=1):
    """Put a version into a folder as a whole: a server that polls never sees half of it."""
    staging = Path(folder) / f".{version}.tmp"
    shutil.copytree(exported(family, model_seed, frames_per_step), staging)
    staging.rename(Path(folder) / str(version))


def model_dir(family):
    """A folder that holds version 1 of that family."""
    return exported(family).parent


@contextmanager
def serving(folder, **options):
    """A `LocalServer` on free ports that looks at its folder every tenth of a second."""
    with LocalServer(folder, **({"poll_seconds": 0.1} | options)) as server:
        yield server


@functools.cache
def shared_server(family):
    """A server of version 1 of that family, started once per session."""
    server = LocalServer(model_dir(family), policy=LABELS)
    server.start()
    atexit.register(server.stop)
    return server


LABELS = VersionPolicy(latest=2, labels={"stable": 1, "canary": 2})


def address(server, transport):
    """Where a client finds the server."""
    return server.grpc_address if transport == "grpc" else server.rest_url


def client(server, transport="grpc", **options):
    """A `Client` of the server."""
    return Client(address(server, transport), **TRANSPORTS.get(transport, {}), **options)
