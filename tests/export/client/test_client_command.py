"""`python -m export.client`: from a clip to a GIF of a server's answers."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from export.client import __main__ as client
from tests.export import served
from tests.export.small_export import floats

TRANSPORTS = ["grpc", "rest columns"]


@pytest.fixture
def clip(dcgan, tmp_path):
    np.savez(tmp_path / "clip.npz", frames=dcgan.videos[0])
    return tmp_path / "clip.npz"


def run(capsys, *arguments):
    """(exit status, standard output, standard error) of the command."""
    with pytest.raises(SystemExit) as exit_:
        client.run_client(["client", *map(str, arguments)])
    return (exit_.value.code or 0, *capsys.readouterr())


def flags(server, transport, clip, output):
    where = f"--server={served.address(server, transport)}"
    return where, f"--input={clip}", f"--output={output}", "--seed=3"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_predict_writes_what_the_model_predicts(
    dcgan, dcgan_server, transport, clip, tmp_path, capsys
):
    output = tmp_path / "future.npz"
    given = flags(dcgan_server, transport, clip, output)
    status, out, err = run(capsys, "predict", *given, "--num_samples=2")
    assert (status, err) == (0, "")
    assert f"wrote {output}: 2 x 3 frames after 3" in out
    expected = np.floor(255 * dcgan.forecast(floats(dcgan.given(1)), 3)[0])
    with np.load(output) as arrays:
        assert (abs(arrays["frames"] - expected) <= 1).all()
        np.testing.assert_array_equal(arrays["conditioning"], dcgan.given(1)[0])


def test_a_named_signature_gives_all_its_samples(dcgan_server, clip, tmp_path, capsys):
    given = flags(dcgan_server, "grpc", clip, tmp_path / "all.npz")
    for more, count in [((), 2), (("--num_samples=1",), 1)]:
        _, out, _ = run(capsys, "predict", *given, "--signature=predict_samples", *more)
        assert f": {count} x 3 frames after 3" in out


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stream_observes_and_then_predicts(dcgan, dcgan_server, transport, clip, tmp_path, capsys):
    output = tmp_path / "future.npz"
    given = flags(dcgan_server, transport, clip, output)
    status, out, _ = run(capsys, "stream", *given, "--observe=2", "--horizon=4")
    assert status == 0
    assert "4 frames after 5" in out
    frames = floats(dcgan.videos[:1, :5])
    expected = np.floor(255 * dcgan.forecast(frames, 3, horizon=4, num_samples=1)[0])
    with np.load(output) as arrays:
        assert (abs(arrays["frames"] - expected) <= 1).all()


def test_a_gif_plays_the_given_and_the_predicted_frames(dcgan_server, tmp_path, capsys):
    frames = np.random.default_rng(0).integers(0, 256, (6, 40, 60, 3), dtype=np.uint8)
    np.savez(tmp_path / "wide.npz", frames=frames)  # is fitted to the model
    output = tmp_path / "future.gif"
    given = flags(dcgan_server, "grpc", tmp_path / "wide.npz", output)
    assert run(capsys, "predict", *given)[0] == 0
    with Image.open(output) as gif:
        assert gif.n_frames == 3 + 3


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_metadata_lists_every_signature(dcgan_server, transport, capsys):
    status, out, _ = run(capsys, "metadata", f"--server={served.address(dcgan_server, transport)}")
    assert status == 0
    assert out.startswith("srvp version 1 at ")
    assert "    takes frames                   float32 [B, 3, 32, 32, 1]" in out
    assert "\npredict_single_step\n" in out


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ([], 1, "say what to do: predict, stream, metadata"),
        (["draw"], 1, "say what to do: predict, stream, metadata"),
        (["predict"], 1, "--input is missing"),
        (["predict", "--input=none.mp4"], 1, "none.mp4: does not exist"),
        (["predict", "--input=CLIP", "--output=a.txt"], 1, "--output=a.txt: unknown format"),
        (["predict", "--input=CLIP", "--first_frame=6"], 1, "has 2 frames from --first_frame=6"),
        (["predict", "--input=CLIP", "--num_samples=9"], 1, "draws 2; ask for fewer"),
        (["predict", "--input=CLIP", "--signature=observe"], 1, "and no frames"),
        (["predict", "--input=CLIP", "--version=4"], 1, "Specific(srvp, 4)"),
        (["predict", "--input=CLIP", "--horizon=5"], 1, "--horizon is not for predict"),
        (["stream", "--input=CLIP", "--signature=encode"], 1, "--signature is not for stream"),
        (["predict", "--input=CLIP", "--seed=-1"], 2, "--seed"),
    ],
)
def test_mistakes_are_one_line(dcgan_server, clip, tmp_path, capsys, arguments, status, sentence):
    action, flags = arguments[:1], [flag.replace("CLIP", str(clip)) for flag in arguments[1:]]
    output = tmp_path / "out.gif"
    given = f"--server={dcgan_server.grpc_address}", f"--output={output}", *flags
    found, _, err = run(capsys, *action, *given)
    assert found == status
    assert sentence in err
    assert err.count("\n") == 1
    assert not output.exists()


def test_the_library_over_rest_loads_no_tensorflow():
    code = (
        "import sys\nfrom export.client import Client\nimport export.client.rest_transport\n"
        "Client('http://127.0.0.1:1').close()\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
