"""A Kuka arm that pushes coloured cubes about in a tray, on a random smooth path."""

from typing import NamedTuple

import numpy as np

from tests.corpora.bullet import Camera, World

CAMERAS = {
    "image_aux1": Camera((1.35, 0.0, 0.75), (0.55, 0.0, 0.02), (0.0, 0.0, 1.0), 42.0),
    "image_main": Camera((0.65, 1.1, 0.9), (0.55, 0.0, 0.05), (0.0, 0.0, 1.0), 42.0),
}
"""The two cameras of BAIR's records: in front of the arm, and beside it."""

LEAST, MOST = np.array([0.47, -0.2]), np.array([0.74, 0.2])
"""Where the hand may go, metres: towards the camera, and across."""

_HEIGHT = 0.08  # of the hand over the floor of the tray, metres
_STEPS = 40  # of 1 / 240 s, from frame to frame
_STEPS_PER_CONTROL = 8
_JOINTS = range(7)
_READY = (0.0, 0.6, 0.0, -1.4, 0.0, 1.0, 0.0)  # joint angles, radians
_FORCE = 300.0  # newton metres
_SPEED = 0.02  # typical way of the hand in a frame, metres
_INERTIA = 0.85  # correlation of its velocity from frame to frame
_COLOURS = ((0.9, 0.1, 0.1), (0.1, 0.7, 0.2), (0.1, 0.3, 0.9), (0.95, 0.8, 0.1))
_SETTLING = 60  # steps in which the cubes come to rest
_ARRIVING = 240  # steps in which the hand comes to its first place


class Frame(NamedTuple):
    """What is recorded of a moment."""

    pictures: dict[str, np.ndarray]
    """By camera, uint8 [H, W, 3]."""
    position: np.ndarray
    """Of the hand, metres, [3]."""
    action: np.ndarray
    """The way that the hand is sent until the next frame, metres; the gripper's two are 0: [4]."""


def push_cubes(rng, num_frames, size=64):
    """Yield the frames of a video; the same generator state gives the same video."""
    with World() as world:
        arm = _build(world, rng)
        goal, velocity = rng.uniform(LEAST, MOST), rng.normal(0, _SPEED, 2)
        _move(world, arm, goal, goal, _ARRIVING)
        for _ in range(num_frames):
            pictures = {name: world.render(camera, size, size) for name, camera in CAMERAS.items()}
            position = np.array(world.bullet.getLinkState(arm, _JOINTS[-1])[0])
            change = rng.normal(0, _SPEED * np.sqrt(1 - _INERTIA**2), 2)
            velocity = _turned(goal, _INERTIA * velocity + change)
            yield Frame(pictures, position, np.array([*velocity, 0.0, 0.0]))
            _move(world, arm, goal, goal + velocity, _STEPS)
            goal = goal + velocity


def _build(world, rng):
    bullet = world.bullet
    bullet.setGravity(0, 0, -9.8)
    world.load("plane.urdf", (0, 0, -0.02))
    world.load("tray/traybox.urdf", (0.62, 0, 0))
    arm = world.load("kuka_iiwa/model.urdf", useFixedBase=True)
    for joint, angle in zip(_JOINTS, _READY, strict=True):
        bullet.resetJointState(arm, joint, angle)
    # One in each quarter of the tray: cubes that start inside each other would be thrown out.
    quarters = rng.permutation([(0.5, -0.14), (0.5, 0.14), (0.72, -0.14), (0.72, 0.14)])
    for colour, quarter in zip(_COLOURS, quarters, strict=True):
        half = rng.uniform(0.028, 0.042)
        shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=[half] * 3)
        looks = bullet.createVisualShape(
            bullet.GEOM_BOX, halfExtents=[half] * 3, rgbaColor=(*colour, 1.0)
        )
        place = (*(quarter + rng.uniform(-0.04, 0.04, 2)), half + 0.02)
        turn = bullet.getQuaternionFromEuler((0, 0, rng.uniform(0, np.pi)))
        bullet.createMultiBody(0.1, shape, looks, place, turn)
    for _ in range(_SETTLING):
        bullet.stepSimulation()
    return arm


def _turned(goal, velocity):
    """The velocity, mirrored where it would leave the tray."""
    after = goal + velocity
    return np.where((after < LEAST) | (after > MOST), -velocity, velocity)


def _move(world, arm, begin, end, steps):
    """Lead the hand from one place to another at an even speed."""
    bullet = world.bullet
    downward = bullet.getQuaternionFromEuler((0, np.pi, 0))
    for step in range(steps):
        if step % _STEPS_PER_CONTROL == 0:
            share = (step + _STEPS_PER_CONTROL) / steps
            place = (*(begin + min(share, 1.0) * (end - begin)), _HEIGHT)
            angles = bullet.calculateInverseKinematics(
                arm, _JOINTS[-1], place, downward, maxNumIterations=20
            )
            bullet.setJointMotorControlArray(
                arm, list(_JOINTS), bullet.POSITION_CONTROL, angles, forces=[_FORCE] * len(_JOINTS)
            )
        bullet.stepSimulation()
