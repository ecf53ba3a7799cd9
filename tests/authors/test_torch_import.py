import itertools
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import srvp_tf
from srvp_tf import torch_import
from srvp_tf.authors.importer import import_experiment
from srvp_tf.authors.names import torch_tensors
from srvp_tf.authors.settings import read_config
from srvp_tf.errors import UserError
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.runs import checkpoint_folder, checkpoints
from srvp_tf.runs.run_folder import RunFolder
from srvp_tf.training.trainer import Trainer
from tests.cli.commands import outcome, refusal
from tests.config import test_configs
from tests.golden.comparison import relative_error
from tests.runs import small_run

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
NAMES = ("dcgan_gray", "vgg_skip_gray")
DCGAN = GOLDEN / "official_dcgan_gray"
EVIL_COMMAND = "echo run > code_was_run"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Name -> the run folder made of each official folder."""
    folder = tmp_path_factory.mktemp("runs")
    for name in NAMES:
        import_experiment(GOLDEN / f"official_{name}", folder / name)
    return {name: folder / name for name in NAMES}


@pytest.fixture
def experiment(tmp_path):
    """A copy of an official folder, to be spoilt."""
    return Path(shutil.copytree(DCGAN, tmp_path / "experiment"))


def golden_values(name):
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as values:
        return dict(values)


def state_dict():
    return torch.load(DCGAN / "model.pt", weights_only=True)


def refused(experiment, *arguments):
    """The one line that the command says; nothing else may happen."""
    flags = (f"--xp_dir={experiment}", f"--run_dir={experiment.parent / 'run'}", *arguments)
    return refusal(torch_import, *flags, untouched=experiment.parent)


def change_config(experiment, **values):
    path = experiment / "config.json"
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in config.items() if v != "REMOVED"}))


# --- what is imported ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_is_there_bit_for_bit(runs, name):
    model, golden = srvp_tf.load(runs[name]), golden_values(name)
    tensors = torch_tensors(model)
    assert {id(t.variable) for t in tensors.values()} == {id(v) for v in model.weights}
    for key, tensor in tensors.items():
        expected = golden[f"weights/{key}"]
        found = tensor.to_torch(tensor.variable.numpy())
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes(), key


@pytest.mark.parametrize(("name", "frames_tolerance"), [(NAMES[0], 1e-4), (NAMES[1], 2e-3)])
@pytest.mark.parametrize("part", ["predict", "upsampled"])
def test_predictions_are_those_of_the_authors(runs, name, frames_tolerance, part):
    model, golden = srvp_tf.load(runs[name]), golden_values(name)
    values = json.loads(str(golden["config"]))
    noise = ForecastNoise(
        golden["eval/eps_y1"][:, None],
        np.concatenate([golden["eval/eps_z"], golden[f"{part}/eps_z"]], axis=1)[:, None],
    )
    upsampled, euler_steps = part == "upsampled", values["gen_euler"]
    found = model.forecast_from_noise(
        golden["x"][:, : values["nt_cond"]], noise, euler_steps, euler_steps if upsampled else 1
    )
    # The first of the upsampled states is the last observed one.
    expected = golden[f"{part}/x"][:, 1:] if upsampled else golden[f"{part}/x"]
    assert found[:, 0].shape == expected.shape
    assert relative_error(found[:, 0], expected) <= frames_tolerance


@pytest.mark.parametrize("name", test_configs.COLUMNS)
def test_a_published_experiment_gives_the_published_configuration(experiment, name):
    ours, _ = test_configs.settings(name)
    datasets = {"moving_mnist": "smmnist", "human36m": "human"}
    # The names on the right are the authors'.
    change_config(
        experiment,
        **{n: ours[n] for n in "nhx ny nz nh_inf nlayers_inf nh_res nlayers_res nf".split()},
        **{n: ours[n] for n in "nt_inf nt_cond obs_scale beta_y beta_z res_gain".split()},
        **{n: ours[n] for n in "batch_size val_interval".split()},
        dataset=datasets.get(ours["dataset"], ours["dataset"]),
        deterministic=ours["motion"] == "deterministic",
        archi=ours["family"],
        nx=ours["frame_size"],
        nc=ours["channels"],
        skipco=ours["skips"],
        n_euler_steps=ours["euler_steps"],
        l2_res=ours["l2_res_weight"],
        seq_len=ours["train_length"],
        seq_len_test=ours["val_length"],
        lr=ours["learning_rate"],
        lr_scheduling_burnin=ours["lr_burnin"],
        lr_scheduling_n_iter=ours["lr_decay"],
        batch_size_test=ours["val_batch_size"],
        n_iter_test=ours["val_batches"],
        n_samples_test=ours["val_samples"],
    )
    assert read_config(experiment / "config.json").settings() == ours


def test_lengths_that_the_authors_leave_open(experiment):
    change_config(experiment, seq_len_test=None, nt_gen=77)
    data = read_config(experiment / "config.json").data
    assert (data.train_length, data.val_length, data.test_length) == (20, 20, 77)


def test_the_best_model_is_both_and_is_judged_where_the_paper_judges_it(experiment):
    (experiment / "model.pt").rename(experiment / "model_best.pt")
    for dataset, judged in (("kth", "best"), ("smmnist", "last")):
        change_config(experiment, dataset=dataset)
        run = experiment / dataset
        import_experiment(experiment, run, "model_best.pt")
        files = sorted(path.name for path in (run / "checkpoints").iterdir())
        assert files == ["best-00200000.npz", "last-00200000.npz"]
        assert RunFolder(run).config().eval.checkpoint == judged
        best, last = (small_run.saved(run, kind)[0] for kind in ("best", "last"))
        assert all(np.array_equal(best[name], last[name]) for name in last)


def test_what_is_imported_is_judged(runs, experiment):
    # The paper judges KTH's best model, but model.pt is the only one here.
    assert RunFolder(runs["vgg_skip_gray"]).config().eval.checkpoint == "last"
    (experiment / "model.pt").rename(experiment / "model_70000.pt")
    import_experiment(experiment, experiment / "run", "model_70000.pt")
    path = RunFolder(experiment / "run").checkpoint_path()
    assert path.name == "last-00070000.npz"
    metadata = checkpoints.read_checkpoint(path)[1]
    assert metadata["imported_from"].endswith("model_70000.pt") and metadata["step"] == 70000


def test_half_precision_is_widened_exactly(experiment):
    kinds = itertools.cycle([torch.float16, torch.bfloat16])
    state = {
        name: x.to(next(kinds)) if x.is_floating_point() else x for name, x in state_dict().items()
    }
    torch.save(state, experiment / "model.pt")
    import_experiment(experiment, experiment / "run")
    for name, tensor in torch_tensors(srvp_tf.load(experiment / "run")).items():
        assert np.array_equal(tensor.to_torch(tensor.variable.numpy()), state[name].float().numpy())


def test_the_prefix_of_data_parallel_is_removed_if_all_names_have_it(experiment):
    state = state_dict()
    first = next(iter(state))
    torch.save(state | {f"module.{first}": state[first]}, experiment / "model.pt")
    assert f"has module.{first}, which such a model lacks" in refused(experiment)
    torch.save({f"module.{name}": x for name, x in state.items()}, experiment / "model.pt")
    import_experiment(experiment, experiment / "run")


def test_the_command_says_what_it_made_and_what_comes_next(experiment):
    shutil.copy(experiment / "model.pt", experiment / "model_best.pt")
    run_dir = experiment.parent / "new" / "run"
    status, out, err = outcome(torch_import, f"--xp_dir={experiment}", f"--run_dir={run_dir}")
    assert (status, err) == (0, "")
    assert "74 tensors" in out and "--model_name=model_best.pt" in out
    assert f"next: python -m srvp_tf.evaluate --run_dir={run_dir} --digits=idx" in out
    assert [path.name for path in run_dir.parent.iterdir()] == ["run"]


def test_training_starts_from_an_import_but_does_not_go_on_in_it(runs, tmp_path):
    run, c = runs["dcgan_gray"], RunFolder(runs["dcgan_gray"]).config()
    with pytest.raises(UserError, match=f"was imported.*--init_from={run}"):
        Trainer(c, run, strategy=small_run.one_device())
    trainer = Trainer(c, tmp_path / "run", strategy=small_run.one_device(), init_from=run)
    assert trainer.status.step == 0
    expected = srvp_tf.load(run)
    for found, variable in zip(trainer.model.weights, expected.weights, strict=True):
        assert np.array_equal(found.numpy(), variable.numpy())


# --- what is refused -----------------------------------------------------------------------------


def test_missing_flags_and_folders(tmp_path):
    assert "--xp_dir is missing" in refusal(torch_import, "--run_dir=x")
    assert "--run_dir is missing" in refusal(torch_import, f"--xp_dir={DCGAN}")
    assert "config.json does not exist: --xp_dir" in refused(tmp_path / "nothing")


def test_a_missing_model_lists_those_there_are(experiment):
    line = refused(experiment, "--model_name=model_best.pt")
    assert "model_best.pt does not exist: --model_name is one of model.pt" in line
    (experiment / "model.pt").unlink()
    assert "model.pt does not exist: check --xp_dir" in refused(experiment)


def test_a_run_folder_in_use_is_refused(experiment):
    run = experiment.parent / "run"
    run.mkdir()
    (run / "thesis.tex").write_text("precious")
    assert "is not empty: choose another folder" in refused(experiment)
    (run / "thesis.tex").unlink()
    import_experiment(experiment, run)
    assert "is not empty: choose another folder" in refused(experiment)


def test_a_failed_write_is_one_line_and_leaves_nothing(experiment, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_folder, "write_checkpoint", full)
    words = f"{experiment.parent / 'run'} cannot be written (No space left on device): choose"
    assert words in refused(experiment)


def test_torch_is_asked_for(experiment, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'srvp-tf[torch]'" in refused(experiment)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\xff", "broken JSON"),
        ("[1]", "expected a JSON object, found list"),
        ("{}", "lacks archi, nx, nc, skipco"),
    ],
)
def test_a_broken_config(experiment, text, words):
    (experiment / "config.json").write_text(text, encoding="latin-1")
    line = refused(experiment)
    assert "config.json" in line and words in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"archi": "resnet"}, "archi=resnet must be one of dcgan, vgg"),
        ({"dataset": "cats"}, "dataset='cats' must be one of smmnist, kth, human, bair"),
        ({"nhx": "REMOVED", "lr": None}, "lacks lr, nhx"),
        ({"nhx": True}, "must be a whole number"),
        ({"skipco": "none"}, "skipco='none' must be true or false"),
        ({"nc": 3}, "nc=3 does not fit dataset=moving_mnist"),
        ({"nt_cond": 4}, "nt_cond=4 is less than nt_inf=5"),
        ({"deterministic": "yes"}, "deterministic='yes' must be true or false"),
        # What follows is a valid configuration, of another model.
        ({"archi": "vgg"}, "lacks encoder.conv.0.0.0.weight and has encoder.conv.0.0.weight"),
        ({"nlayers_res": 5}, r"lacks p_z.module.4.1.weight \(4 missing, 0 left over\)"),
        ({"nlayers_inf": 2}, r"has q_y.module.2.1.weight.* \(0 missing, 2 left over\)"),
        ({"nhx": 13}, r"encoder.last_conv.0.weight is \[12, 32, 4, 4\], expected \[13, 32, 4, 4\]"),
        ({"nz": 6}, r"q_z.weight is \[10, 10\], expected \[12, 10\]"),
    ],
)
def test_a_config_that_cannot_be(experiment, changes, words):
    change_config(experiment, **changes)
    assert re.search(words, refused(experiment))


class Evil:
    def __reduce__(self):
        return os.system, (EVIL_COMMAND,)


SPOILS = {
    "transposed": (
        lambda s: s.update({"w_proj.0.weight": s["w_proj.0.weight"].T}),
        r"w_proj.0.weight is [12, 10], expected [10, 12]",
    ),
    "NaN": (lambda s: s["q_z.bias"].fill_(float("nan")), "q_z.bias holds NaN or infinity"),
    "float64": (lambda s: s.update({"q_z.bias": torch.ones(10).double()}), "is a float64 strided"),
    "a number": (lambda s: s.update(epoch=3), "holds 'epoch' (int), not only weights"),
    "no name": (lambda s: s.update({3: torch.zeros(1)}), "holds 3 (Tensor), not only weights"),
}


@pytest.mark.parametrize("kind", SPOILS)
def test_weights_that_do_not_fit(experiment, kind):
    spoil, words = SPOILS[kind]
    state = state_dict()
    spoil(state)
    torch.save(state, experiment / "model.pt")
    assert words in refused(experiment)


OBJECTS = {
    "nested": (lambda: {"epoch": 1, "state": state_dict()}, "has its weights inside 'state'"),
    "empty": (dict, "lacks encoder.conv.0.0.weight"),
    "a list": (lambda: list(state_dict().values()), "holds a list instead of weights by name"),
    "a module": (lambda: torch.nn.Linear(2, 2), "asks for torch.nn.modules.linear.Linear"),
    "weights and code": (lambda: state_dict() | {"a": Evil()}, "asks for posix.system"),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", OBJECTS)
def test_a_file_of_other_things(experiment, monkeypatch, kind, zipped):
    monkeypatch.chdir(experiment)
    make, words = OBJECTS[kind]
    torch.save(make(), experiment / "model.pt", _use_new_zipfile_serialization=zipped)
    assert words in refused(experiment)
    assert not Path("code_was_run").exists()


def test_a_flipped_bit_is_noticed_in_the_zip_format(experiment):
    path = experiment / "model.pt"
    content = bytearray(path.read_bytes())
    weights = state_dict()["w_proj.0.weight"].numpy().tobytes()
    content[content.index(weights) + 9] ^= 1
    path.write_bytes(content)
    assert "wrong checksum" in refused(experiment)
