"""The training run: from any clips to a run folder, and on from where it stopped."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srvp_tf import video
from srvp_tf.config import Config
from srvp_tf.config.registries import MODELS
from srvp_tf.errors import UserError
from srvp_tf.models import rng
from srvp_tf.models.clips import parts
from srvp_tf.runs import checkpoints
from srvp_tf.runs.run_folder import RunFolder, load_weights
from srvp_tf.training.dataset_checks import check_clips, check_ends, check_enough, check_range
from srvp_tf.training.progress import Progress
from srvp_tf.training.state import Status, restore_newest, state_variables
from srvp_tf.training.step import TrainingStep
from srvp_tf.training.step_meter import StepMeter
from srvp_tf.training.stop_request import StopRequest
from srvp_tf.training.strategy import check_batch_size, make_strategy
from srvp_tf.training.tensorboard import RunLog
from srvp_tf.training.validation import Validator
from srvp_tf.training.worker_group import WorkerGroup

Batches = tf.data.Dataset | Callable[[int], tf.data.Dataset]
"""Clips, or a function that returns those to come."""

_VALIDATION = 1  # folds the run's seed into that of its validation samples


class _Session(NamedTuple):
    """What one call of `Trainer.train` works with."""

    validation_batches: Batches
    meter: StepMeter
    log: RunLog
    progress: Progress
    stop: StopRequest


class _ValidationStopped(Exception):
    """A signal came while the model was validated."""


class Trainer:
    """Trains the model of a configuration in a run folder; resumes if the folder has checkpoints.

    Args:
        run_dir: the run folder, made if need be.
        strategy: of `tf.distribute`; None: all devices.
        init_from: run folder or checkpoint whose weights a new run starts from.
        action_scale: (mean, scale) of the actions, [A] each, see `VideoModel.set_action_scale`; of
            a new run.

    Raises:
        UserError: the folder holds another run or is another trainer's, or no checkpoint of it can
            be used.
    """

    def __init__(
        self,
        config: Config,
        run_dir: str | os.PathLike,
        strategy: tf.distribute.Strategy | None = None,
        init_from: str | os.PathLike | None = None,
        action_scale: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        self.config = config
        self.folder = RunFolder(run_dir)
        self.strategy = strategy or make_strategy()
        check_batch_size(config.train.batch_size, self.strategy)
        self.checkpoints = self.folder.checkpoints(config.train.keep_last)
        self.group, self.lock = WorkerGroup(self.strategy), None
        try:
            with self.group.losing_workers(lambda: "at the start"):
                self._start(init_from, action_scale)
        except BaseException:
            self._release_lock()
            raise
        self._step_of_weights = self.status.step
        self.validator = Validator(
            self.model,
            config.data.nt_cond,
            config.data.val_length,
            config.train.val_samples,
            rng.fold(config.train.seed, _VALIDATION),
        )

    def _start(
        self,
        init_from: str | os.PathLike | None,
        action_scale: tuple[np.ndarray, np.ndarray] | None,
    ):
        """Make the model and bring it to where the run stands; the chief makes the folder."""
        c, is_chief = self.config, self.group.is_chief
        settings = {f"--{name}": value for name, value in c.settings().items()}
        self.group.check_equal(settings)  # before the workers make variables together
        with self.strategy.scope():
            self.model = MODELS[c.model.model](
                c.model, c.train.precision, c.train.seed, c.train.remat
            )
            self.training_step = TrainingStep(self.model, c.train)
        if c.train.batch_size < self.model.least_batch_size:
            raise UserError(
                f"--batch_size={c.train.batch_size} is too small for {c.model.kind}: give "
                f"{self.model.least_batch_size} or more"
            )
        if action_scale is not None and c.model.action_size:
            self.model.set_action_scale(*action_scale)
        with self.group.chief_first():
            if init_from is not None and self.checkpoints.newest_step() < 0:
                load_weights(self.model, init_from)
            if is_chief:
                self.lock = self.folder.lock(c)
                self.folder.create(c)
                self.checkpoints.open()
            self.status = restore_newest(self.checkpoints, self._variables(), is_chief) or Status()
            last = self.checkpoints.path("last", self.status.step)
            if is_chief and self.status.step and not last.exists():  # gone on from the best one
                self._save("last")
            if is_chief:  # a kill may have come before those were removed that had been replaced
                self.checkpoints.prune("last")
                self.checkpoints.prune("best")
        self.group.check_equal({"the step that they go on from": self.status.step})

    def train(self, training_batches: Batches, validation_batches: Batches) -> int | None:
        """Train until the last step of the configuration.

        Args:
            training_batches: clips [B, T, H, W, C], uint8 or float in [0, 1], B the global batch,
                with actions if the model takes some (`check_clips`): a `tf.data.Dataset`, or a
                function of the number of steps done that returns what follows. Element k of the
                whole belongs to step k + 1.
            validation_batches: likewise, as a function of the number of validations done; B and
                float or not are free.

        Returns:
            The number of the signal that stopped the run early, or None.

        Raises:
            UserError: the clips do not fit the configuration, the folder is another trainer's by
                now, or too many steps in a row were not finite; then the last checkpoint is kept.
            OSError: the run folder cannot be written any more; likewise.
        """
        num_steps = self.config.train.num_steps
        if self.status.step >= num_steps and not self.status.pending_validation:
            self._release_lock()
            return None
        if self._step_of_weights != self.status.step:
            raise UserError("an error stopped this Trainer: a new one resumes from the checkpoint")
        with contextlib.ExitStack() as closing:
            closing.callback(self._release_lock)
            self._take_lock()
            closing.enter_context(
                self.group.losing_workers(lambda: f"at step {self._step_of_weights}")
            )
            dataset = self._training_data(training_batches)
            validation_data = self._validation_data(validation_batches, self.status.step + 1)
            if parts(validation_data.element_spec)[0].dtype.is_floating:
                check_range("validation data", validation_data)
            batches = self.group.local_batches(dataset, self.config.train.batch_size)
            session = self._session(validation_batches, closing)
            if self.status.pending_validation:
                number = self._validate_and_save(session, validates=True, saves=True)
                if number is not None:
                    return number
            first_step = self.status.step + 1
            for step in range(first_step, num_steps + 1):
                with session.meter.waiting():
                    clips = next(batches, None)
                if clips is None:
                    raise UserError(
                        f"the training data ended before step {step}: add .repeat() to it"
                    )
                if step == first_step:
                    check_range("training data", self.strategy.experimental_local_results(clips))
                self._step_of_weights = step
                session.meter.add(self.training_step(clips, step))
                session.progress.step()
                number = self._finish_step(step, session)
                if number is not None:
                    return number
        return None

    def _release_lock(self):
        if self.lock:
            self.lock.release()

    def _take_lock(self):
        """Hold the lock again, if an earlier call let it go and nobody trained meanwhile."""
        if not self.lock:
            return
        self.lock.acquire()
        if self.checkpoints.newest_step() > self.status.step:
            raise UserError(f"{self.folder.path} was trained by another trainer: make a new one")

    def _session(self, validation_batches: Batches, closing: contextlib.ExitStack):
        """Open what this call of `train` works with; `closing` closes it."""
        c, status = self.config.train, self.status
        log = RunLog(self.folder.logs if self.group.is_chief else None, status.step)
        closing.callback(log.close)
        log.configuration(self.config)
        progress = Progress(c.num_steps, status.step, self.group.is_chief)
        closing.callback(progress.close)
        stop = closing.enter_context(StopRequest())
        return _Session(validation_batches, StepMeter(c, status), log, progress, stop)

    def _training_data(self, batches: Batches):
        """The dataset of the steps to come, checked."""
        c, done = self.config, self.status.step
        dataset = batches.skip(done) if isinstance(batches, tf.data.Dataset) else batches(done)
        lengths = (c.model.nt_inf, None)
        batch_size = self.group.batch_size_in(dataset, c.train.batch_size)
        check_clips("training data", dataset, batch_size, lengths, c.model)
        check_enough("training data", dataset, c.train.num_steps - done)
        return dataset

    def _validation_data(self, batches: Batches, step: int):
        """The dataset of the validation at or after `step`, checked."""
        draw = -(-step // self.config.train.val_interval) - 1
        dataset = batches if isinstance(batches, tf.data.Dataset) else batches(draw)
        lengths = 2 * (self.config.data.val_length,)
        check_clips("validation data", dataset, None, lengths, self.config.model)
        check_ends("validation data", dataset)
        return dataset

    def _finish_step(self, step: int, session: _Session):
        """What is due after `step`: logs, a validation, a checkpoint; the signal to stop at."""
        c = self.config.train
        is_last = step == c.num_steps
        validates = step % c.val_interval == 0 or is_last
        number = None if is_last else self.group.stop_signal(session.stop.signal_number)
        saves = step % c.checkpoint_interval == 0 or is_last or number is not None
        if step % c.log_interval == 0 or validates or saves:
            mean, speed = session.meter.read(step)
            session.log.training(step, mean, speed)
            session.progress.losses(step, mean, speed)
        if not (validates or saves):
            return None
        self.status = self.status._replace(
            step=step, skipped_in_a_row=session.meter.faults.in_a_row, pending_validation=validates
        )
        return self._validate_and_save(session, validates, saves) or number

    def _validate_and_save(self, session: _Session, validates: bool, saves: bool):
        """Write the checkpoint of a step, validated if it is due; the signal that cut it short."""
        with session.meter.paused():
            number = None
            if validates:
                if self.group.is_chief:
                    with contextlib.suppress(_ValidationStopped):
                        self._validate(session)
                number = self._end_of_validation(session)
            if saves or number is not None:
                session.log.flush()
                self.status = self.status._replace(elapsed_seconds=session.meter.elapsed())
                if self.group.is_chief:
                    self._save("last")
                self.group.wait()
        return number

    def _end_of_validation(self, session: _Session):
        """Wait until the chief has validated; the signal to stop at, unless all is done."""
        rows = self.group.gather(session.stop.signal_number or 0, self.status.pending_validation)
        is_pending = bool(rows[0, 1])
        self.status = self.status._replace(pending_validation=is_pending)
        is_done = not is_pending and self.status.step == self.config.train.num_steps
        if is_done or not rows[:, 0].any():
            return None
        return session.stop.signal_number or signal.SIGTERM

    def _validate(self, session: _Session):
        """Score the model; keep it as the best if it beats all before (ties: the earlier)."""
        step = self.status.step
        batches = self._validation_data(session.validation_batches, step)
        result = self.validator.run(self._until_stopped(batches, session))
        shown = result.strip.layout(self.config.data.nt_cond)
        session.log.validation(step, result, video.strip(**shown))
        video.write_video(self.folder.samples / f"step-{step:08d}.gif", **shown)
        self.status = self.status._replace(pending_validation=False)
        is_best = self.status.best_psnr is None or result.psnr > self.status.best_psnr
        if is_best:
            elapsed = session.meter.elapsed()
            self.status = self.status._replace(
                best_psnr=result.psnr, best_step=step, elapsed_seconds=elapsed
            )
            self._save("best")
        session.progress.say(
            f"validation at step {step}: PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.4f}"
            + (" (best)" if is_best else f" (best {self.status.best_psnr:.2f} dB)")
        )

    def _until_stopped(self, batches: Iterable, session: _Session):
        """The batches of a validation, up to a signal: what is left of it is made up for later."""
        for batch in batches:
            if session.stop.signal_number is not None:
                raise _ValidationStopped
            yield batch

    def _variables(self):
        return state_variables(self.model, self.training_step)

    def _save(self, kind: str):
        arrays = checkpoints.values(self._variables())
        self.checkpoints.save(kind, self.status.step, arrays, self.status._asdict())
