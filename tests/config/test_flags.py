import dataclasses

import pytest
from absl import flags

from srvp_tf.config import Config, DataConfig, ModelConfig, TrainConfig, config_fields
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.errors import UserError


def parsed(*arguments, only=None):
    """Flag values after parsing `arguments`."""
    values = flags.FlagValues()
    define_config_flags(values, only)
    values(["program", *arguments])
    return values


def as_argument(name, value):
    return f"--{name}={value}"


def test_no_flags_give_the_defaults():
    assert config_from_flags(parsed()) == Config()


def test_every_field_travels_through_its_flag():
    config = Config(
        ModelConfig("vgg", 128, 1, True, *range(2, 7), 10, 11, 12, 13, 14, 0.5, 0.25),
        DataConfig("kth", "a b", "tfds", "c=d", "deterministic", 3, 9, 8, 7, 20, 21),
        TrainConfig(
            *range(1, 3),
            0.125,
            *range(4, 9),
            precision="mixed_bfloat16",
            remat=True,
            val_interval=10,
            max_skipped_steps=17,
            deterministic=False,
        ),
    )
    arguments = [
        as_argument(spec.name, getattr(getattr(config, section), spec.name))
        for section, spec in config_fields()
    ]
    assert config_from_flags(parsed(*arguments)) == config


def test_only_given_flags_override_the_base():
    base = Config(ModelConfig(ny=7, skips=True), train=TrainConfig(seed=3))
    config = config_from_flags(parsed("--noskips", "--seed=0"), base)
    assert config == dataclasses.replace(
        base, model=ModelConfig(ny=7, skips=False), train=TrainConfig(seed=0)
    )


def test_a_flag_that_repeats_the_default_overrides_the_base():
    base = Config(ModelConfig(ny=7))
    assert config_from_flags(parsed("--ny=20"), base).model.ny == 20


def test_flagfile_values_count_as_given_and_later_ones_win(tmp_path):
    flagfile = tmp_path / "my.cfg"
    flagfile.write_text("# comment\n\n--ny=3\n--skips\n")
    config = config_from_flags(parsed(f"--flagfile={flagfile}", "--ny=4"))
    assert (config.model.ny, config.model.skips) == (4, True)


def test_contradicting_flags_name_both():
    with pytest.raises(UserError, match="--nt_cond=3 is less than --nt_inf=5"):
        config_from_flags(parsed("--nt_cond=3"))


@pytest.mark.parametrize("argument", ["--family=resnet", "--ny=2.5", "--skips=7", "--nyy=3"])
def test_absl_refuses_what_it_can_see(argument):
    with pytest.raises(flags.Error):
        parsed(argument)


def test_a_command_may_define_a_part():
    values = parsed("--num_samples=5", "--data_dir=d", only=("eval", "data_dir"))
    assert "ny" not in values and "seed" not in values
    config = config_from_flags(values, Config(ModelConfig(ny=7)))
    assert (config.eval.num_samples, config.data.data_dir, config.model.ny) == (5, "d", 7)
    with pytest.raises(ValueError, match="no such section or field: evil"):
        parsed(only=("evil",))


def test_all_stands_for_every_test_video():
    assert config_from_flags(parsed("--num_videos=all")).eval.num_videos == 0
