import collections
import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing import plugin_event_accumulator

from srvp_tf.training.state import Status
from srvp_tf.training.step import TrainingStep
from srvp_tf.training.step_meter import StepMeter
from srvp_tf.training.tensorboard import RunLog
from srvp_tf.training.validation import Validator
from srvp_tf.video import strip
from tests.runs import small_run
from tests.runs.small_run import NUM_STEPS, logged


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(config, results of the steps, results of the validations, what TensorBoard shows)."""
    c, folder = small_run.config(), tmp_path_factory.mktemp("run")
    steps, validations = [], []
    with pytest.MonkeyPatch.context() as patch:
        step, validate = TrainingStep.__call__, Validator.run

        def noted_step(self, clips, number):
            steps.append(step(self, clips, number))
            return steps[-1]

        def noted_validation(self, batches):
            validations.append(validate(self, batches))
            return validations[-1]

        patch.setattr(TrainingStep, "__call__", noted_step)
        patch.setattr(Validator, "run", noted_validation)
        small_run.run(c, folder)
    return c, steps, validations, logged(folder / "logs")


# Every 2 steps, and wherever the run validates or saves: the steps that each reading covers.
READINGS = {2: (1, 2), 4: (3, 4), 5: (5,), 6: (6,), 8: (7, 8), 10: (9, 10), 12: (11, 12)}


def expected(steps, value):
    return {last: np.mean([value(steps[k - 1]) for k in of]) for last, of in READINGS.items()}


def assert_shown(shown, values):
    assert shown.keys() == values.keys()
    for step, value in values.items():
        np.testing.assert_allclose(shown[step], value, rtol=1e-5, atol=1e-12)


def test_losses_are_the_means_of_the_steps_and_the_rate_is_the_schedules(recorded):
    c, steps, _, shown = recorded
    assert len(steps) == NUM_STEPS
    assert_shown(shown["loss/total"], expected(steps, lambda r: r.mean.loss))
    for name in ("nll", "kl_y1", "kl_z", "l2_res"):
        values = expected(steps, lambda r, name=name: r.mean.terms[name])
        assert_shown(shown[f"loss/{name}"], values)
    assert_shown(shown["optimizer/gradient_norm"], expected(steps, lambda r: r.gradient_norm))
    rates = {s: c.train.learning_rate * min(1, 1 - (s - 6) / 6) for s in READINGS}
    assert_shown(shown["optimizer/learning_rate"], rates)


def test_kl_by_dimension_adds_up_to_the_terms(recorded):
    c, _, _, shown = recorded
    for name, size in (("kl_y1", c.model.ny), ("kl_z", c.model.nz)):
        tags = sorted(tag for tag in shown if tag.startswith(f"variational_{name}/"))
        assert tags == [f"variational_{name}/{i:02d}" for i in range(size)]
        for step, value in shown[f"loss/{name}"].items():
            parts = [float(shown[tag][step]) for tag in tags]
            np.testing.assert_allclose(sum(parts), value, rtol=1e-5)


def test_speeds_are_shown(recorded):
    c, _, _, shown = recorded
    for step in READINGS:
        clips = shown["speed/clips_per_second"][step]
        np.testing.assert_allclose(
            clips, c.train.batch_size * shown["speed/steps_per_second"][step], rtol=1e-5
        )
        assert clips > 0 and 0 <= shown["speed/input_wait_share"][step] <= 1
        assert shown["speed/skipped_steps"][step] == 0


def test_validations_are_shown_with_their_pictures(recorded):
    c, _, validations, shown = recorded
    for name in ("psnr", "ssim"):
        values = {s: getattr(v, name) for s, v in zip((5, 10, 12), validations, strict=True)}
        assert_shown(shown[f"validation/{name}"], values)
    for step, result in zip((5, 10, 12), validations, strict=True):
        width, height, png = shown["validation/samples"][step]
        picture = np.asarray(Image.open(io.BytesIO(png)))
        assert picture.shape == (int(height), int(width), 3)
        assert np.array_equal(picture, strip(**result.strip.layout(c.data.nt_cond)))


def test_the_settings_are_shown_as_text_and_nothing_else_is(recorded):
    c, _, _, shown = recorded
    (text,) = shown["config"].values()
    assert text.item().decode() == f"```json\n{c.to_json()}```"
    groups = collections.Counter(tag.partition("/")[0] for tag in shown)
    assert groups == {
        "loss": 5,
        "optimizer": 2,
        "speed": 4,
        "variational_kl_y1": 3,
        "variational_kl_z": 3,
        "validation": 3,
        "config": 1,
    }


@pytest.mark.parametrize("killed_before", [5, 3])
def test_no_step_is_shown_twice_after_a_crash(tmp_path, monkeypatch, recorded, killed_before):
    # A crash at step 6, after the checkpoint of 4; at step 3, before the first one.
    c, _, _, whole = recorded
    trainer = small_run.sharing_trainer(c, tmp_path)
    data = small_run.training_data(c).take(killed_before).filter(lambda _: True)
    with pytest.raises(ValueError, match="ended before"):
        trainer.train(data, small_run.validation_data(c))
    small_run.run(c, tmp_path)
    shown = logged(tmp_path / "logs")
    for tag in whole:
        if tag.startswith(("loss/", "optimizer/", "kl_", "validation/psnr")):
            assert_shown(shown[tag], whole[tag])
    assert len(shown["config"]) == (2 if killed_before == 5 else 1)


def log_the_settings(folder, first_step):
    """What a start of the run logs."""
    log = RunLog(folder, first_step)
    log.configuration(small_run.config())
    log.close()


@pytest.mark.parametrize("cut", [1, 300])
def test_a_record_that_a_kill_cut_short_hides_nothing(tmp_path, cut):
    log_the_settings(tmp_path, 0)
    (path,) = tmp_path.glob("*.v2")
    path.write_bytes(path.read_bytes()[:-cut])
    log_the_settings(tmp_path, 0)
    assert logged(tmp_path)["config"].keys() == {1}


def test_a_tensorboard_that_watches_drops_what_a_restart_orphans(tmp_path):
    accumulator = plugin_event_accumulator.EventAccumulator(str(tmp_path), {"tensors": 0})
    for start, first_step in enumerate((0, 4, 8, 2)):
        log_the_settings(tmp_path, first_step)
        # Names of one second are in no order; those of processes that start later are.
        for path in tmp_path.glob("events.out.tfevents.1*"):
            kind = ".v2" if path.suffix == ".v2" else ""
            path.rename(tmp_path / f"events.out.tfevents.{start:010d}{kind}")
        accumulator.Reload()
    assert [event.step for event in accumulator.Tensors("config")] == [1, 3]


def test_what_is_logged_is_on_disk_after_a_flush(tmp_path, recorded):
    c, steps, _, _ = recorded
    log, meter = RunLog(tmp_path, 0), StepMeter(c.train, Status())
    meter.add(steps[0])
    log.training(1, *meter.read(1))
    log.flush()
    assert logged(tmp_path)["loss/total"].keys() == {1}
    log.close()
