import pytest
from absl import flags

from data_pipelines.corpora.builders.video_folder import VideoFolderConfig
from srvp_tf.config import Config
from srvp_tf.config.flags import config_from_flags, define_config_flags
from srvp_tf.config.shipped import shipped_configs

EVERYWHERE = {
    "frame_size": 64,
    "nhx": 128,
    "nf": 64,
    "nh_inf": 256,
    "nlayers_inf": 3,
    "nh_res": 512,
    "nlayers_res": 4,
    "dynamics": "residual",
    "stochastic": True,
    "beta_y": 1.0,
    "l2_res_weight": 1.0,
    "learning_rate": 3e-4,
    "val_batches": 25,
    "val_samples": 100,
}
COLUMNS = ("smmnist", "mmnist", "kth", "human36m", "bair")
# The table of published settings (arXiv 2002.09219 and the authors' files), row by row.
PUBLISHED = {
    "dataset": ("moving_mnist", "moving_mnist", "kth", "human36m", "bair"),
    "ny": (20, 20, 50, 50, 50),
    "nz": (20, 20, 50, 50, 50),
    "family": ("dcgan", "dcgan", "vgg", "vgg", "vgg"),
    "skips": (False, False, True, True, True),
    "channels": (1, 1, 1, 3, 3),
    "nt_cond": (5, 5, 10, 8, 2),
    "train_length": (15, 15, 20, 16, 12),
    "nt_inf": (5, 5, 3, 3, 2),
    "euler_steps": (1, 1, 2, 2, 2),
    "res_gain": (1.41, 1.41, 1.2, 1.2, 1.41),
    "obs_scale": (1.0, 1.0, 0.2, 0.2, 0.71),
    "beta_z": (2.0, 2.0, 1.0, 1.0, 1.0),
    "batch_size": (128, 128, 100, 100, 192),
    "lr_burnin": (1_000_000, 800_000, 150_000, 325_000, 1_000_000),
    "lr_decay": (100_000, 100_000, 50_000, 25_000, 500_000),
    "val_interval": (20_000, 20_000, 5_000, 20_000, 20_000),
    "val_length": (15, 15, 30, 53, 12),
    "val_batch_size": (16, 16, 16, 8, 16),
    "test_length": (25, 100, 40, 53, 30),
    "num_samples": (100, 1, 100, 100, 100),
    "checkpoint": ("last", "last", "best", "best", "last"),
}
MOTION = {"smmnist": "stochastic", "mmnist": "deterministic"}


def settings(name):
    """Every setting of the shipped flagfile `name`, and the names of those it gives."""
    values = flags.FlagValues()
    define_config_flags(values)
    values(["program", f"--flagfile={shipped_configs()[name + '.cfg']}"])
    found = config_from_flags(values).settings()
    return found, {name for name in found if values[name].present}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_published_config_gives_every_published_setting(name):
    found, given = settings(name)
    column = COLUMNS.index(name)
    expected = EVERYWHERE | {key: row[column] for key, row in PUBLISHED.items()}
    if name in MOTION:
        expected |= {"motion": MOTION[name], "num_digits": 2, "max_speed": 4}
    assert {key: found[key] for key in expected} == expected
    # A flagfile that leans on the defaults would change when they do.
    assert given == set(expected)


# Denton and Fergus (2018) and their scripts; clips of validation and test are those of the others.
SVG_EVERYWHERE = {
    "model": "svg",
    "frame_size": 64,
    "nf": 64,
    "nhx": 128,
    "nh_inf": 256,
    "predictor_layers": 2,
    "last_frame_skip": False,
    "lr_burnin": 180_000,
    "lr_decay": 0,
    "batch_size": 100,
}
SVG_COLUMNS = ("smmnist", "mmnist", "kth", "bair")
SVG = {
    "family": ("dcgan", "dcgan", "vgg", "vgg"),
    "nz": (10, 10, 24, 64),
    "beta_z": (1e-4, 1e-4, 1e-6, 1e-4),
    "nt_inf": (5, 5, 10, 2),
    "train_length": (15, 15, 20, 12),
    "learning_rate": (2e-3, 2e-3, 8e-4, 2e-3),
}


@pytest.mark.parametrize("name", SVG_COLUMNS)
def test_a_config_of_svg_is_its_authors(name):
    found, _ = settings(f"{name}_svg")
    column = SVG_COLUMNS.index(name)
    expected = SVG_EVERYWHERE | {key: row[column] for key, row in SVG.items()}
    assert {key: found[key] for key in expected} == expected
    alike, _ = settings(name)
    for key in ("dataset", "channels", "motion", "num_digits", "nt_cond", "val_length",
                "test_length", "val_batches", "num_samples", "checkpoint"):  # fmt: skip
        assert found[key] == alike[key], key


ABLATION = {
    "smmnist_mlp": ("smmnist", {"dynamics": "mlp", "l2_res_weight": 0.0}),
    "smmnist_gru": ("smmnist", {"dynamics": "gru", "l2_res_weight": 0.0}),
    "mmnist_mlp": ("mmnist", {"dynamics": "mlp", "l2_res_weight": 0.0}),
    "mmnist_gru": ("mmnist", {"dynamics": "gru", "l2_res_weight": 0.0}),
    "mmnist_no_z": ("mmnist", {"stochastic": False}),
}


@pytest.mark.parametrize("name", ABLATION)
def test_a_variant_differs_from_the_published_model_in_its_dynamics_alone(name):
    base, changes = ABLATION[name]
    expected, given = settings(base)
    assert settings(name) == (expected | changes, given)


def test_the_defaults_are_stochastic_moving_mnist():
    assert settings("smmnist")[0] == Config().settings()


def test_the_quickstart_is_small():
    found, _ = settings("quickstart")
    assert found["lr_burnin"] + found["lr_decay"] <= 10_500
    assert (found["nf"], found["num_digits"], found["motion"]) == (8, 1, "deterministic")
    assert found["checkpoint_interval"] <= found["val_interval"]


def test_the_folder_of_videos_gives_every_setting_that_the_published_ones_do():
    found, given = settings("video_folder")
    assert given == set(EVERYWHERE) | set(PUBLISHED)
    # What `prepare` leaves out by default is what this setting cannot use.
    assert found["test_length"] == VideoFolderConfig(name="").min_frames
    assert found["dataset"] == "video_folder"


def test_no_config_is_left_unchecked():
    svg = (f"{name}_svg" for name in (*SVG_COLUMNS, "video_folder"))
    names = (*COLUMNS, *ABLATION, *svg, "quickstart", "video_folder")
    assert set(shipped_configs()) == {f"{name}.cfg" for name in names}
