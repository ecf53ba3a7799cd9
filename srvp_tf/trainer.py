"""The training run: from any clips to a run folder, and on from where it stopped."""

from typing import NamedTuple

import tensorflow as tf

from srvp_tf import checkpoints, rng, video
from srvp_tf.clips import check_clips, check_ends, check_enough
from srvp_tf.distribute import check_batch_size, make_strategy
from srvp_tf.errors import UserError
from srvp_tf.models.srvp import SRVP
from srvp_tf.progress import Progress
from srvp_tf.run_folder import RunFolder, load_weights, model_variables
from srvp_tf.step_meter import StepMeter
from srvp_tf.stop_request import StopRequest
from srvp_tf.summaries import RunLog
from srvp_tf.training_step import TrainingStep
from srvp_tf.validation import Validator

_VALIDATION = 1  # folds the run's seed into that of its validation samples


class Status(NamedTuple):
    """Where a run stands, as saved with each checkpoint."""

    step: int = 0
    best_psnr: float | None = None
    best_step: int | None = None
    elapsed_seconds: float = 0.0


class Trainer:
    """Trains the model of a configuration in a run folder; resumes if the folder has checkpoints.

    Args:
        config: a `Config`.
        run_dir: the run folder, made if need be.
        strategy: of `tf.distribute`; None: all devices.
        init_from: run folder or checkpoint whose weights a new run starts from.

    Raises:
        UserError: the folder holds another run, or a checkpoint cannot be used.
    """

    def __init__(self, config, run_dir, strategy=None, init_from=None):
        self.config = config
        self.folder = RunFolder(run_dir)
        self.strategy = strategy or make_strategy()
        check_batch_size(config.train.batch_size, self.strategy)
        with self.strategy.scope():
            self.model = SRVP(
                config.model, config.train.precision, config.train.seed, config.train.remat
            )
            self.training_step = TrainingStep(self.model, config.train)
        self.checkpoints = self.folder.checkpoints(config.train.keep_last)
        self.status = Status()
        newest = self.checkpoints.newest("last")
        if newest is None and init_from is not None:
            load_weights(self.model, init_from)
        self.folder.create(config)
        if newest is not None:
            self._restore(newest)
        self.checkpoints.open()
        self._step_of_weights = self.status.step
        self.validator = Validator(
            self.model,
            config.data.nt_cond,
            config.data.val_length,
            config.train.val_samples,
            rng.fold(config.train.seed, _VALIDATION),
        )

    def train(self, training_batches, validation_batches):
        """Train until the last step of the configuration.

        Args:
            training_batches: clips [B, T, H, W, C], uint8 or float in [0, 1], B the global batch: a
                `tf.data.Dataset`, or a function of the number of steps done that returns what
                follows. Element k of the whole belongs to step k + 1.
            validation_batches: likewise, as a function of the number of validations done; B and
                float or not are free.

        Returns:
            The number of the signal that stopped the run early, or None.

        Raises:
            UserError: the clips do not fit the configuration, or the loss is not finite; then the
                last good checkpoint is kept.
        """
        num_steps = self.config.train.num_steps
        if self.status.step >= num_steps:
            return None
        if self._step_of_weights != self.status.step:
            raise UserError("an error stopped this Trainer: a new one resumes from the checkpoint")
        dataset = self._training_data(training_batches)
        self._validation_data(validation_batches, self.status.step + 1)
        batches = iter(self.strategy.experimental_distribute_dataset(dataset))
        log = RunLog(self.folder.logs, self.status.step)
        log.configuration(self.config)
        progress = Progress(num_steps, self.status.step)
        meter = StepMeter(self.config.train, self.status.elapsed_seconds)
        try:
            with StopRequest() as stop:
                for step in range(self.status.step + 1, num_steps + 1):
                    with meter.waiting():
                        clips = next(batches, None)
                    if clips is None:
                        raise UserError(
                            f"the training data ended before step {step}: add .repeat() to it"
                        )
                    self._step_of_weights = step
                    meter.add(self.training_step(clips, step))
                    progress.step()
                    stopping = stop.signal_number is not None and step < num_steps
                    self._finish_step(step, stopping, meter, log, progress, validation_batches)
                    if stopping:
                        return stop.signal_number
        finally:
            log.close()
            progress.close()
        return None

    def _training_data(self, batches):
        """The dataset of the steps to come, checked."""
        c, done = self.config, self.status.step
        dataset = batches.skip(done) if isinstance(batches, tf.data.Dataset) else batches(done)
        lengths = (c.model.nt_inf, None)
        check_clips("training data", dataset, c.train.batch_size, lengths, c.model)
        check_enough("training data", dataset, c.train.num_steps - done)
        return dataset

    def _validation_data(self, batches, step):
        """The dataset of the validation at or after `step`, checked."""
        draw = -(-step // self.config.train.val_interval) - 1
        dataset = batches if isinstance(batches, tf.data.Dataset) else batches(draw)
        lengths = 2 * (self.config.data.val_length,)
        check_clips("validation data", dataset, None, lengths, self.config.model)
        check_ends("validation data", dataset)
        return dataset

    def _finish_step(self, step, stopping, meter, log, progress, validation_batches):
        """What is due after `step`: logs, a validation, a checkpoint."""
        c = self.config.train
        is_last = step == c.num_steps
        validates = step % c.val_interval == 0 or is_last
        saves = step % c.checkpoint_interval == 0 or is_last or stopping
        if step % c.log_interval == 0 or validates or saves:
            mean, speed = meter.read(step)
            log.training(step, mean, speed)
            progress.losses(step, mean, speed)
        if not (validates or saves):
            return
        self.status = self.status._replace(step=step, elapsed_seconds=meter.elapsed())
        if validates:
            with meter.paused():
                self._validate(step, validation_batches, log, progress)
        if saves:
            log.flush()
            with meter.paused():
                self._save("last")

    def _validate(self, step, validation_batches, log, progress):
        """Score the model; keep it as the best if it beats all before (ties: the earlier)."""
        result = self.validator.run(self._validation_data(validation_batches, step))
        shown = result.strip.layout(self.config.data.nt_cond)
        log.validation(step, result, video.strip(**shown))
        video.write_video(self.folder.samples / f"step-{step:08d}.gif", **shown)
        is_best = self.status.best_psnr is None or result.psnr > self.status.best_psnr
        if is_best:
            self.status = self.status._replace(best_psnr=result.psnr, best_step=step)
            self._save("best")
        progress.say(
            f"validation at step {step}: PSNR {result.psnr:.2f} dB, SSIM {result.ssim:.4f}"
            + (" (best)" if is_best else f" (best {self.status.best_psnr:.2f} dB)")
        )

    def _variables(self):
        """Name -> variable of everything that a resumed run needs."""
        step = self.training_step
        named = model_variables(self.model)
        trainable = [variable.path.partition("/")[2] for variable in self.model.trainable_variables]
        for kind in ("first_moment", "second_moment"):
            moments = getattr(step.optimizer, f"{kind}s")
            named |= {f"adam/{kind}/{p}": m for p, m in zip(trainable, moments, strict=True)}
        named["adam/step"] = step.optimizer.step
        return named | {f"{v.name.partition(':')[0]}": v for v in step.loss_scale.variables}

    def _save(self, kind):
        arrays = checkpoints.values(self._variables())
        self.checkpoints.save(kind, self.status.step, arrays, self.status._asdict())

    def _restore(self, path):
        arrays, metadata = checkpoints.read(path)
        if "imported_from" in metadata:
            raise UserError(
                f"{path} was imported: it has weights but no state of Adam to go on from; train in "
                f"a new --run_dir with --init_from={self.folder.path}"
            )
        checkpoints.assign(self._variables(), arrays, path)
        self.status = Status(**{name: metadata[name] for name in Status._fields})
