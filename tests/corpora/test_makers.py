"""The setting for the simulated arm; the makers are run by the long tests."""

from pathlib import Path

from absl import flags

from srvp_tf.config import differing_settings
from srvp_tf.config.flags import config_from_flags, define_config_flags

ROOT = Path(__file__).parents[2]


def test_the_small_setting_differs_from_the_published_one_in_size_and_duration_alone():
    configs = []
    for file in ("tests/corpora/bair_small.cfg", "configs/bair.cfg"):
        values = flags.FlagValues()
        define_config_flags(values)
        values(["test", f"--flagfile={ROOT / file}"])
        configs.append(config_from_flags(values))
    names = {line.partition(":")[0] for line in differing_settings(*configs)}
    size = {"nf", "nhx", "ny", "nz", "nh_inf", "nh_res"}
    pace = {"batch_size", "learning_rate", "lr_burnin", "lr_decay", "log_interval"}
    validation = {"val_interval", "val_batches", "val_samples", "checkpoint_interval"}
    assert names == size | pace | validation | {"num_samples", "obs_scale"}
