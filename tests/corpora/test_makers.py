"""What of the makers needs neither a simulator nor real clips; the rest is in the long tests."""

from pathlib import Path

import numpy as np
import pytest
from absl import flags

from data_pipelines.readers.video_files import read_video
from srvp_tf.config import differing_settings
from srvp_tf.config.flags import config_from_flags, define_config_flags
from tests.corpora.encoding import CODECS, write_video
from tests.corpora.real_videos import write_images

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("suffix", [*CODECS, ".png", ".jpg"])
@pytest.mark.parametrize("grey", [True, False])
def test_what_is_written_is_a_video_of_these_frames_in_order(tmp_path, suffix, grey):
    rows, columns = np.mgrid[:48, :64]
    ramps = (rows * 2, columns * 3, 255 - rows - columns)
    first = (np.stack(ramps, -1) if not grey else ramps[1]).astype(np.uint8)
    frames = [np.roll(first, 5 * shift, axis=1) for shift in range(9)]
    path = tmp_path / f"a{suffix}"
    writer = write_images if suffix in (".png", ".jpg") else write_video
    assert writer(path, frames, *([suffix] if writer is write_images else [])) == 9
    read = read_video(path).astype(int)
    expected = np.stack(frames).reshape(9, 48, 64, -1)
    distance = np.abs(read[:, None] - expected[None]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(distance.argmin(axis=1), np.arange(9))
    # GIF has 256 colours, and so steps of 36 and 85.
    assert distance.diagonal().max() < (25 if suffix == ".gif" else 8)


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
