import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import srvp_tf
from srvp_tf.runs import checkpoints
from srvp_tf.runs.run_folder import RunFolder, model_variables
from tests.cli.commands import run_python
from tests.runs import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder whose last and best checkpoints hold models of seeds 2 and 1."""
    folder = RunFolder(tmp_path_factory.mktemp("run") / "x")
    folder.create(small_run.config())
    store = folder.checkpoints()
    store.open()
    for kind, seed in (("last", 2), ("best", 1)):
        arrays = checkpoints.values(model_variables(model_of(seed)))
        store.save(kind, seed, arrays | {"adam/step": np.int64(3)}, {"step": seed})
    return folder


def model_of(seed):
    return srvp_tf.SRVP(small_run.config().model, seed=seed)


def same_weights(a, b):
    pairs = zip(a.weights, b.weights, strict=True)
    return all(np.array_equal(x.numpy(), y.numpy()) for x, y in pairs)


def video(*batch):
    return np.random.default_rng(0).integers(0, 256, (*batch, 3, 32, 32, 1), dtype=np.uint8)


def test_the_judged_checkpoint_is_loaded_or_the_one_asked_for(run):
    assert same_weights(srvp_tf.load(run.path), model_of(2))
    assert same_weights(srvp_tf.load(str(run.path)), model_of(2))
    assert same_weights(srvp_tf.load(run.path, "last"), model_of(2))
    assert same_weights(srvp_tf.load(run.path, checkpoint="best"), model_of(1))
    assert same_weights(srvp_tf.load(run.path, run.checkpoint_path("best")), model_of(1))


def with_settings(run, path, **settings):
    """The run with other settings, at another path."""
    RunFolder(path).create(run.config().replace(**settings))
    (path / "checkpoints").symlink_to(run.path / "checkpoints")
    return path


def test_the_configuration_tells_which_is_judged(run, tmp_path):
    model = srvp_tf.load(with_settings(run, tmp_path, checkpoint="best"))
    assert same_weights(model, model_of(1))


def test_a_model_trained_in_half_precision_is_loaded_in_float32(run, tmp_path):
    model = srvp_tf.load(with_settings(run, tmp_path, precision="mixed_bfloat16"))
    assert (model.precision, model.dtype) == ("float32", "float32")
    futures = model.forecast(video(), horizon=2)
    assert np.array_equal(futures, srvp_tf.load(run.path).forecast(video(), horizon=2))


def test_the_three_lines_of_the_readme(run, tmp_path):
    model = srvp_tf.load(run.path)
    futures = model.forecast(video(), horizon=20, num_samples=5, seed=0)
    srvp_tf.write_video(tmp_path / "out.gif", futures)
    assert futures.shape == (5, 20, 32, 32, 1) and futures.dtype == tf.float32
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.n_frames == 20


def test_a_video_may_come_in_any_form(run, tmp_path):
    model = srvp_tf.load(run.path)
    expected = model.forecast(video(), horizon=4, num_samples=2, seed=3).numpy()
    floats = video() / 255
    for frames in (tf.constant(video()), floats, floats.astype(np.float32), video(1)):
        futures = model.forecast(frames, horizon=4, num_samples=2, seed=3).numpy()
        np.testing.assert_allclose(futures.reshape(expected.shape), expected, atol=1e-5)
    futures = model.forecast(video(3), horizon=4, num_samples=2)
    assert futures.shape == (3, 2, 4, 32, 32, 1)
    srvp_tf.write_video(tmp_path / "out.gif", futures)
    srvp_tf.write_video(tmp_path / "out.png", futures[0])


def test_what_cannot_be_loaded_is_named(run, tmp_path):
    def message(*arguments):
        with pytest.raises(srvp_tf.UserError) as caught:
            srvp_tf.load(*arguments)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "is not a run folder" in message(tmp_path / "nothing")
    assert "is not a run folder" in message(tmp_path)
    assert "is neither a run folder nor a checkpoint" in message(run.path, "newest")
    (tmp_path / "damaged.npz").write_bytes(run.checkpoint_path().read_bytes()[:-1000])
    assert "is damaged" in message(run.path, tmp_path / "damaged.npz")

    RunFolder(tmp_path / "new").create(small_run.config())
    assert "has no 'last' checkpoint" in message(tmp_path / "new")
    assert "has no 'best' checkpoint" in message(tmp_path / "new", "best")
    RunFolder(tmp_path / "other").create(small_run.config("--ny=4"))
    assert "belongs to another model" in message(tmp_path / "other", run.checkpoint_path())
    text = (tmp_path / "new" / "config.json").read_text().replace("dcgan", "resnet")
    (tmp_path / "new" / "config.json").write_text(text)
    assert "--family=resnet must be one of dcgan, vgg" in message(tmp_path / "new")


def test_the_name_is_public_and_the_run_folder_needs_no_tensorflow():
    assert "load" in dir(srvp_tf) and "load" in srvp_tf.__all__
    code = "import sys, srvp_tf; srvp_tf.load; assert 'tensorflow' not in sys.modules"
    assert run_python("-c", code).returncode == 0
