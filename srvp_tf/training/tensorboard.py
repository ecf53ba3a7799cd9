"""TensorBoard: what a run writes to be watched."""

import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from srvp_tf.config import Config
from srvp_tf.training.step import StepResult
from srvp_tf.training.validation import ValidationResult


class RunLog:
    """Scalars, texts and images of a run, in TensorBoard's event files.

    Args:
        folder: of the event files; None: nothing is written.
        first_step: the step from which this process goes on; what an earlier one logged later
            than that is removed.
    """

    def __init__(self, folder: Path | None, first_step: int):
        self._first_step = first_step
        if folder is None:
            self._writer = tf.summary.create_noop_writer()
            return
        for path in folder.glob("events.*"):
            _cut(path, first_step)
        # The first start counts: TensorBoard takes the second one for the first restart.
        _mark_start(folder, first_step)
        self._writer = tf.summary.create_file_writer(str(folder))

    def configuration(self, config: Config) -> None:
        """The settings from the next step on, as text."""
        text = f"```json\n{config.to_json()}```"
        with self._writer.as_default():
            tf.summary.text("config", text, step=self._first_step + 1)

    def training(self, step: int, result: StepResult, speed: dict[str, float]) -> None:
        """Means over the steps since the last call, in NumPy numbers, and speeds by name."""
        scalars = {"loss/total": result.mean.loss}
        scalars |= {f"loss/{name}": x for name, x in result.mean.terms.items()}
        scalars |= {
            "optimizer/learning_rate": result.learning_rate,
            "optimizer/gradient_norm": result.gradient_norm,
        }
        scalars |= {f"speed/{name}": x for name, x in speed.items()}
        for name, by_dimension in result.mean.kl.items():
            for i, value in enumerate(by_dimension):
                scalars[f"variational_kl_{name}/{i:02d}"] = value
        self._scalars(step, scalars)

    def validation(self, step: int, result: ValidationResult, picture: np.ndarray) -> None:
        """A `ValidationResult`, and its picture, uint8 [H, W, 3]."""
        self._scalars(step, {"validation/psnr": result.psnr, "validation/ssim": result.ssim})
        with self._writer.as_default():
            tf.summary.image("validation/samples", picture[None], step=step)
        self.flush()

    def _scalars(self, step: int, scalars: dict[str, float]):
        with self._writer.as_default():
            for name, value in scalars.items():
                tf.summary.scalar(name, value, step=step)

    def flush(self) -> None:
        """Write out what is buffered: due before a checkpoint, from which a killed run goes on."""
        self._writer.flush()

    def close(self) -> None:
        """Write out the rest."""
        self._writer.close()


def _cut(path: Path, last_step: int):
    """Cut an event file before its first event after `last_step`, or what a kill left of one."""
    from tensorboard.compat.proto.event_pb2 import Event

    with open(path, "r+b") as file:
        while True:
            start = file.tell()
            header = file.read(12)  # length and its CRC
            length = int.from_bytes(header[:8], "little")
            record = file.read(length + 4)  # event and its CRC
            is_whole = len(header) == 12 and len(record) == length + 4
            if not is_whole or Event.FromString(record[:-4]).step > last_step:
                file.truncate(start)
                return


def _mark_start(folder: Path, first_step: int):
    """Tell a TensorBoard that is watching that later events than `first_step` are orphans."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    session_log = SessionLog(status=SessionLog.START)
    # Events at this step belong to what is kept.
    writer.add_event(Event(wall_time=time.time(), step=first_step + 1, session_log=session_log))
    writer.close()
