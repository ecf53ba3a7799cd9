"""Motion-capture figures of `pybullet_data`: poses at any time, and pictures of them."""

import functools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.corpora.bullet import Camera, World

# Joints of humanoid.urdf in the order of the motion files; numbers of a pose: 4 is a quaternion
# (w, x, y, z), 1 an angle.
_JOINTS = {1: 4, 2: 4, 3: 4, 4: 1, 5: 4, 6: 4, 7: 1, 9: 4, 10: 1, 11: 4, 12: 4, 13: 1}
_RIGHT_SHOULDER, _RIGHT_ELBOW, _LEFT_SHOULDER, _LEFT_ELBOW = 6, 7, 12, 13
_SKIN, _SHIRT = (2, 7, 8, 13, 14), (0, 1, 6, 12)  # links; the rest is trousers
_FIRST_JOINT = 8  # the number in a motion file's line at which the joints begin


class Person(NamedTuple):
    """Looks; colours are RGB in [0, 1]."""

    scale: float
    """0.25: 1.6 m tall."""
    skin: tuple[float, float, float]
    shirt: tuple[float, float, float]
    trousers: tuple[float, float, float]


class Pose(NamedTuple):
    """A figure at one moment."""

    position: np.ndarray
    """Of the hip, metres, y upward, [3]; it faces +x before it is turned."""
    turn: float
    """About the vertical, radians."""
    orientation: tuple[float, float, float, float]
    """Of the root before that turn: (x, y, z, w)."""
    joints: dict[int, tuple]
    """Joint -> quaternion (x, y, z, w), or (angle,)."""


@functools.cache
def _motion(name, data_path):
    frames = json.loads(Path(data_path, f"data/motions/humanoid3d_{name}.txt").read_text())
    frames = np.array(frames["Frames"])
    return frames, float(frames[0, 0])


class Stage:
    """A world with one figure on a plane, in front of a wall."""

    def __init__(self, person, ground=(0.6, 0.6, 0.6), wall=(0.8, 0.8, 0.8)):
        self._world = World()
        bullet = self._bullet = self._world.bullet
        self._figure = self._world.load(
            "humanoid/humanoid.urdf",
            (0, 1, 0),
            globalScaling=person.scale,
            flags=bullet.URDF_MAINTAIN_LINK_ORDER,
        )
        self._height = person.scale / 0.25
        for link in range(-1, bullet.getNumJoints(self._figure)):
            colour = person.trousers
            colour = person.skin if link in _SKIN else person.shirt if link in _SHIRT else colour
            bullet.changeVisualShape(self._figure, link, rgbaColor=(*colour, 1))
        for half, centre, colour in (
            ((15, 0.05, 15), (0, -0.05, 0), ground),
            ((15, 15, 0.05), (0, 0, -4), wall),
        ):
            shape = bullet.createVisualShape(
                bullet.GEOM_BOX, halfExtents=half, rgbaColor=(*colour, 1)
            )
            bullet.createMultiBody(0, -1, shape, centre)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._world.__exit__()

    def mocap(self, name, time):
        """The pose of a motion at a time [s], repeated without end, and kept in its place.

        Positions and orientations drift by the same amount in every cycle; that share is removed.
        """
        frames, interval = _motion(name, self._world.data_path)
        last = len(frames) - 1
        place = time / interval % last
        i = int(place)
        share = place - i
        a, b = frames[i], frames[i + 1]
        drift = (frames[last, 1:4] - frames[0, 1:4]) * (place / last)
        position = (1 - share) * a[1:4] + share * b[1:4] - [drift[0], 0, drift[2]]
        return Pose(position, 0.0, self._slerp(a[4:8], b[4:8], share), self._joints(a, b, share))

    def standing(self, right, left):
        """Upright, with the arms' joints as given: (axis, angle, elbow's angle) each."""
        pose = self.mocap("walk", 0.3)
        joints = dict(pose.joints)
        arms = ((_RIGHT_SHOULDER, _RIGHT_ELBOW, right), (_LEFT_SHOULDER, _LEFT_ELBOW, left))
        for shoulder, elbow, (axis, angle, bend) in arms:
            joints[shoulder] = self._bullet.getQuaternionFromAxisAngle(axis, angle)
            joints[elbow] = (bend,)
        return pose._replace(joints=joints)

    def picture(self, pose, camera, width, height):
        """The figure in a pose, uint8 [height, width, 3]."""
        bullet = self._bullet
        turn = bullet.getQuaternionFromEuler((0, pose.turn, 0))
        _, orientation = bullet.multiplyTransforms((0, 0, 0), turn, (0, 0, 0), pose.orientation)
        x, y, z = pose.position
        place = (x, y * self._height, z)
        bullet.resetBasePositionAndOrientation(self._figure, place, orientation)
        for joint, value in pose.joints.items():
            if len(value) == 1:
                bullet.resetJointState(self._figure, joint, value[0])
            else:
                bullet.resetJointStateMultiDof(self._figure, joint, value)
        return self._world.render(camera, width, height)

    def _joints(self, a, b, share):
        joints, start = {}, _FIRST_JOINT
        for joint, size in _JOINTS.items():
            pair = a[start : start + size], b[start : start + size]
            start += size
            if size == 1:
                joints[joint] = (float((1 - share) * pair[0][0] + share * pair[1][0]),)
            else:
                joints[joint] = self._slerp(*pair, share)
        return joints

    def _slerp(self, a, b, share):
        """Between two (w, x, y, z): (x, y, z, w)."""
        return self._bullet.getQuaternionSlerp(np.roll(a, -1), np.roll(b, -1), float(share))


def side_view(distance, height=0.9, field_of_view=45.0):
    """A camera that looks along -z at the origin's figure from so many metres."""
    return Camera((0, height + 0.2, distance), (0, height, 0), (0, 1, 0), field_of_view)
