"""PyBullet without a window: a world to put bodies into, and pictures of it by its own renderer."""

import contextlib
import os
import sys
from typing import NamedTuple

import numpy as np

NEAR, FAR = 0.1, 30.0  # metres


class Camera(NamedTuple):
    """Where pictures are taken from; metres, degrees."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    up: tuple[float, float, float]
    field_of_view: float


class World:
    """A simulation in this process, with the models of `pybullet_data`.

    Use it as a context. `bullet` has PyBullet's functions, bound to this world.
    """

    def __init__(self):
        # Both the import and the loading of models print notices from C.
        with _quiet():
            try:
                import pybullet
                import pybullet_data
                from pybullet_utils.bullet_client import BulletClient
            except ImportError:
                sys.exit("pybullet is not installed: pip install '.[test-long]'")
            self.bullet = BulletClient(pybullet.DIRECT)
            self.data_path = pybullet_data.getDataPath()
            self.bullet.setAdditionalSearchPath(self.data_path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bullet.disconnect()

    def load(self, file, position=(0.0, 0.0, 0.0), orientation=(0.0, 0.0, 0.0, 1.0), **options):
        """The number of a body loaded from a URDF file of `pybullet_data`."""
        with _quiet():
            return self.bullet.loadURDF(file, position, orientation, **options)

    def render(self, camera, width, height):
        """A picture, uint8 [height, width, 3]."""
        view = self.bullet.computeViewMatrix(camera.eye, camera.target, camera.up)
        projection = self.bullet.computeProjectionMatrixFOV(
            camera.field_of_view, width / height, NEAR, FAR
        )
        pixels = self.bullet.getCameraImage(
            width,
            height,
            view,
            projection,
            shadow=0,
            lightDirection=(1, 2, 2),
            renderer=self.bullet.ER_TINY_RENDERER,
        )[2]
        return np.reshape(pixels, (height, width, 4))[..., :3].astype(np.uint8)


@contextlib.contextmanager
def _quiet():
    """Drop what is written to file descriptors 1 and 2."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        for descriptor, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
