"""From a run folder to a GIF of a server's answers: the README's four commands, as processes."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import srvp_tf
from tests.export.served import server_process
from tests.runs import small_run


def python_m(*arguments):
    result = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.long
@pytest.mark.parametrize("family", [(), small_run.VGG])
def test_from_a_run_folder_to_a_gif(tmp_path, family, finished):
    run_dir = finished(*family)
    config = small_run.config(*family)
    models = tmp_path / "models" / "srvp"
    clip = small_run.frames(config, 1, 1, config.data.test_length)[0, 0]
    np.savez(tmp_path / "clip.npz", frames=clip)
    python_m("export.saved_model", f"--run_dir={run_dir}", f"--output_dir={models}")
    model = srvp_tf.load(run_dir)
    num_given = config.data.nt_cond
    horizon = config.data.test_length - num_given
    expected = model.forecast(clip[None, :num_given], horizon, seed=5)[0, 0].numpy()
    with server_process(models) as (_, addresses):
        for address in addresses:
            flags = (f"--server={address}", f"--input={tmp_path / 'clip.npz'}", "--seed=5")
            for action in (["predict"], ["stream", f"--horizon={horizon}"]):
                output = tmp_path / "future.npz"
                python_m("export.client", *action, *flags, f"--output={output}")
                with np.load(output) as arrays:
                    difference = abs(arrays["frames"][0] - np.floor(255 * expected))
                assert (difference <= 1).all()
            output = tmp_path / "future.gif"
            python_m("export.client", "predict", *flags, f"--output={output}")
            with Image.open(output) as gif:
                assert gif.n_frames == config.data.test_length
