from absl import flags

from srvp_tf.config import Config, DataConfig, ModelConfig, TrainConfig
from srvp_tf.config.flags import config_from_flags, define_config_flags


def parsed(*arguments, only=None):
    """Flag values after parsing `arguments`."""
    values = flags.FlagValues()
    define_config_flags(values, only)
    values(["program", *arguments])
    return values


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
    arguments = [f"--{name}={value}" for name, value in config.settings().items()]
    assert config_from_flags(parsed(*arguments)) == config


def test_only_given_flags_override_the_base():
    base = Config(ModelConfig(ny=7, nz=7, skips=True), train=TrainConfig(seed=3))
    assert config_from_flags(parsed(), base) == base
    # That of nz repeats the default.
    config = config_from_flags(parsed("--noskips", "--seed=0", "--nz=20"), base)
    assert config == base.replace(nz=20, skips=False, seed=0)


def test_a_command_may_define_a_part():
    values = parsed("--num_samples=5", "--data_dir=d", only=("eval", "data_dir"))
    assert "ny" not in values and "seed" not in values
    config = config_from_flags(values, Config(ModelConfig(ny=7)))
    assert (config.eval.num_samples, config.data.data_dir, config.model.ny) == (5, "d", 7)


def test_all_stands_for_every_test_video():
    assert config_from_flags(parsed("--num_videos=all")).eval.num_videos == 0
