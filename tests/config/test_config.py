import json
import math
import re

import pytest

from srvp_tf.config import (
    CONFIG_FORMAT,
    RESUMABLE_FIELDS,
    Config,
    DataConfig,
    EvalConfig,
    ModelConfig,
    TrainConfig,
    differing_settings,
)
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import save_config
from tests.cli.commands import run_python

KTH = Config(
    ModelConfig(family="vgg", skips=True, nt_inf=3, obs_scale=0.2),
    DataConfig(dataset="kth", data_dir="/Vidéos/kth", nt_cond=10, train_length=20),
    TrainConfig(seed=7, learning_rate=1e-4),
    EvalConfig(checkpoint="best"),
)


def edited(config, **changes):
    """The JSON tree of `config` with `section__key=value` put in, or removed if value is ..."""
    tree = json.loads(config.to_json())
    for address, value in changes.items():
        *section, key = address.split("__")
        place = tree[section[0]] if section else tree
        if value is ...:
            del place[key]
        else:
            place[key] = value
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (
            ModelConfig,
            {"family": "resnet"},
            "--family=resnet must be one of dcgan, vgg",
        ),
        (ModelConfig, {"nf": 0}, "--nf=0 must be at least 1"),
        (ModelConfig, {"nf": True}, "--nf=True must be a whole number"),
        (ModelConfig, {"skips": 1}, "--skips=1 must be true or false"),
        (ModelConfig, {"obs_scale": 0.0}, "--obs_scale=0.0 must be greater than 0"),
        (ModelConfig, {"obs_scale": math.nan}, "--obs_scale=nan must be finite"),
        (ModelConfig, {"res_gain": 10**400}, "--res_gain=inf must be finite"),
        (ModelConfig, {"res_gain": True}, "--res_gain=True must be a number"),
        (ModelConfig, {"dynamics": "gru", "euler_steps": 2}, "--euler_steps=2 does not fit"),
        (DataConfig, {"data_dir": None}, "--data_dir=None must be a text"),
        (DataConfig, {"train_length": 1}, "--train_length=1 must be at least 2"),
        (TrainConfig, {"beta_z": -1}, "--beta_z=-1.0 must be at least 0"),
        (TrainConfig, {"seed": 2**31}, "--seed=2147483648 must be at most 2147483647"),
        (TrainConfig, {"lr_burnin": 0, "lr_decay": 0}, "leave no training step: raise one"),
    ],
)
def test_refuses_a_value_and_names_it(section, values, message):
    with pytest.raises(UserError, match=re.escape(message)):
        section(**values)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ({}, {"nt_cond": 3}, "--nt_cond=3 is less than --nt_inf=5: condition on at least nt_inf"),
        ({}, {"train_length": 4}, "--train_length=4 is less than --nt_inf=5"),
        ({}, {"val_length": 5}, "--val_length=5 leaves nothing to predict after --nt_cond=5"),
        ({}, {"test_length": 5}, "--test_length=5 leaves nothing to predict after --nt_cond=5"),
        ({"channels": 3}, {}, "--channels=3 does not fit --dataset=moving_mnist: use --channels=1"),
        ({}, {"dataset": "bair"}, "--channels=1 does not fit --dataset=bair: use --channels=3"),
        ({}, {"digits": "idx"}, "--digits=idx needs --digits_dir"),
    ],
)
def test_refuses_a_contradiction_and_names_both_sides(model, data, message):
    with pytest.raises(UserError, match=re.escape(message)):
        Config(ModelConfig(**model), DataConfig(**data))


def test_an_int_for_a_float_becomes_that_float():
    assert type(ModelConfig(obs_scale=1).obs_scale) is float
    assert json.loads(Config(ModelConfig(obs_scale=1)).to_json())["model"]["obs_scale"] == 1.0


def test_json_by_section_and_back(tmp_path):
    path = tmp_path / "config.json"
    save_config(KTH, path)
    assert Config.load(path) == KTH
    assert path.read_text(encoding="utf-8") == KTH.to_json()
    tree = json.loads(KTH.to_json())
    assert list(tree) == ["format_version", "srvp_tf_version", "model", "data", "train", "eval"]
    assert tree["format_version"] == CONFIG_FORMAT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "broken JSON"),
        ("[1]", "expected a JSON object, found list"),
        (edited(KTH, format_version=8), "format_version is 8"),
        (edited(KTH, format_version=1), "section model: unknown key action_size, dynamics, last"),
        (edited(KTH, model__dynamics=...), "section model: missing key dynamics"),
        (edited(KTH, format_version=...), "format_version is None"),
        (edited(KTH, extra=1), "unknown key extra"),
        (edited(KTH, train=3), "section train: expected a JSON object, found int"),
        (edited(KTH, model__nv=3), "section model: unknown key nv"),
        (edited(KTH, model__ny="3"), "--ny='3' must be a whole number"),
        (edited(KTH, data__nt_cond=2), "--nt_cond=2 is less than --nt_inf=3"),
        (edited(KTH, train__decoded_frames=21), "--decoded_frames=21 is more than"),
        (edited(KTH, model__model="svg"), "--skips=true is no setting of --model=svg"),
        (edited(KTH, model__last_frame_skip=True), "--last_frame_skip=true is no setting of"),
    ],
)
def test_bad_json_is_refused_in_one_line_with_the_file_named(text, message):
    with pytest.raises(UserError) as caught:
        Config.from_json(text, "run/config.json")
    line = str(caught.value)
    assert line.startswith("run/config.json") and message in line and "\n" not in line
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_what_earlier_formats_lack_is_as_it_was():
    missing = {}
    for version, *names in (
        (6, "model__action_size", "data__state_size"),
        (5, "model__model", "model__predictor_layers", "model__last_frame_skip"),
        (4, "train__decoded_frames"),
        (3, "train__loss_weights"),
        (2, "train__max_skipped_steps"),
        (1, "model__dynamics", "model__stochastic"),
    ):
        missing |= dict.fromkeys(names, ...)
        text = edited(KTH, format_version=version, **missing)
        assert Config.from_json(text, "config.json") == KTH


@pytest.mark.parametrize("text", ["sharpness=1", "l2_res", "=", "kl_y1=x"])
def test_weights_of_further_loss_terms_need_a_registered_name_and_a_number(text):
    with pytest.raises(UserError, match="loss_weights=.*name=number.*cross_entropy"):
        TrainConfig(loss_weights=text)


def test_missing_and_binary_files_are_named(tmp_path):
    with pytest.raises(UserError, match="config.json does not exist"):
        Config.load(tmp_path / "config.json")
    (tmp_path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="config.json is not a text file"):
        Config.load(tmp_path / "config.json")


def test_replaced_settings_are_those_of_a_new_configuration():
    assert Config().replace(obs_scale=1, seed=7) == Config(train=TrainConfig(seed=7))
    assert Config().replace(nt_cond=9).settings()["nt_cond"] == 9
    with pytest.raises(UserError, match="--nt_cond=3 is less than --nt_inf=5"):
        Config().replace(nt_cond=3)
    with pytest.raises(TypeError, match="no such setting: nt_con"):
        Config().replace(nt_con=9)


def test_differences_lists_fields_with_both_values():
    other = Config().replace(batch_size=64, log_interval=1)
    assert differing_settings(Config(), Config()) == []
    assert differing_settings(Config(), other) == [
        "batch_size: 128 != 64",
        "log_interval: 100 != 1",
    ]
    assert differing_settings(Config(), other, ignore=RESUMABLE_FIELDS) == ["batch_size: 128 != 64"]


def test_settings_of_two_euler_steps_are_read_without_a_word():
    # The class of the dynamics, which knows about Euler steps, comes with TensorFlow.
    code = "from srvp_tf.config import ModelConfig; ModelConfig(euler_steps=2)"
    result = run_python("-c", code, TF_CPP_MIN_LOG_LEVEL=None)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
