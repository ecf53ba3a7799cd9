"""A Kuka arm that pushes coloured cubes about in a tray, as it is told or on a random smooth path.

with PushingArm(np.random.default_rng(0)) as arm:
    arm.act([0.02, 0.0])
    picture = arm.frame().pictures["image_aux1"]
"""

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
    action: np.ndarray | None = None
    """The way that the hand is sent until the next frame, metres; the gripper's two are 0: [4]."""


class PushingArm:
    """An arm over four cubes, at a random start; the same generator state gives the same one.

    Use it as a context. Pictures are of `size` pixels.
    """

    def __init__(self, rng, size=64):
        self._world, self._size = World(), size
        self.reset(rng)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._world.__exit__(*error)

    def reset(self, rng):
        """Begin anew: other cubes, another place of the hand."""
        self._world.bullet.resetSimulation()
        self._arm, self._cubes = _build(self._world, rng)
        self._goal = rng.uniform(LEAST, MOST)
        self._move(self._goal, _ARRIVING)

    @property
    def goal(self):
        """Where the hand was sent, metres, [2]; it comes close."""
        return self._goal.copy()

    def frame(self):
        """What there is to see now; its action is not known yet."""
        pictures = {
            name: self._world.render(camera, self._size, self._size)
            for name, camera in CAMERAS.items()
        }
        return Frame(pictures, np.array(self._world.bullet.getLinkState(self._arm, _JOINTS[-1])[0]))

    def cubes(self):
        """Centres of the cubes, red, green, blue and yellow, metres, [4, 3]."""
        place = self._world.bullet.getBasePositionAndOrientation
        return np.array([place(cube)[0] for cube in self._cubes])

    def act(self, action):
        """Send the hand on until the next frame: metres, of which the first two count.

        It stays within `LEAST` and `MOST`.
        """
        self._move(np.clip(self._goal + np.asarray(action)[:2], LEAST, MOST), _STEPS)

    def _move(self, end, steps):
        """Lead the hand to another place at an even speed."""
        bullet = self._world.bullet
        downward = bullet.getQuaternionFromEuler((0, np.pi, 0))
        for step in range(steps):
            if step % _STEPS_PER_CONTROL == 0:
                share = (step + _STEPS_PER_CONTROL) / steps
                place = (*(self._goal + min(share, 1.0) * (end - self._goal)), _HEIGHT)
                angles = bullet.calculateInverseKinematics(
                    self._arm, _JOINTS[-1], place, downward, maxNumIterations=20
                )
                forces = [_FORCE] * len(_JOINTS)
                bullet.setJointMotorControlArray(
                    self._arm, list(_JOINTS), bullet.POSITION_CONTROL, angles, forces=forces
                )
            bullet.stepSimulation()
        self._goal = end


def push_cubes(rng, num_frames, size=64):
    """Yield the frames of a video; the same generator state gives the same video."""
    with PushingArm(rng, size) as arm:
        velocity = rng.normal(0, _SPEED, 2)
        for _ in range(num_frames):
            change = rng.normal(0, _SPEED * np.sqrt(1 - _INERTIA**2), 2)
            velocity = _turned(arm.goal, _INERTIA * velocity + change)
            yield arm.frame()._replace(action=np.array([*velocity, 0.0, 0.0]))
            arm.act(velocity)


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
    cubes = []
    for colour, quarter in zip(_COLOURS, quarters, strict=True):
        half = rng.uniform(0.028, 0.042)
        shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=[half] * 3)
        looks = bullet.createVisualShape(
            bullet.GEOM_BOX, halfExtents=[half] * 3, rgbaColor=(*colour, 1.0)
        )
        place = (*(quarter + rng.uniform(-0.04, 0.04, 2)), half + 0.02)
        turn = bullet.getQuaternionFromEuler((0, 0, rng.uniform(0, np.pi)))
        cubes.append(bullet.createMultiBody(0.1, shape, looks, place, turn))
    for _ in range(_SETTLING):
        bullet.stepSimulation()
    return arm, cubes


def _turned(goal, velocity):
    """The velocity, mirrored where it would leave the tray."""
    after = goal + velocity
    return np.where((after < LEAST) | (after > MOST), -velocity, velocity)
