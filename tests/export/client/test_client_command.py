"""`python -m export.client`: from a clip to a GIF of a server's answers."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from export.client import __main__ as client
from tests.export import served

TRANSPORTS = ["grpc", "rest columns"]


@pytest.fixture(scope="module")
def server():
    return served.shared_server("vgg")


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.npz"
    np.savez(path, frames=served.videos("vgg", batch=1, num_frames=8)[0])
    return path


def run(capsys, *arguments):
    """(exit status, standard output, standard error) of the command."""
    with pytest.raises(SystemExit) as exit_:
        client.run_client(["client", *map(str, arguments)])
    return (exit_.value.code or 0, *capsys.readouterr())


def flags(server, transport, clip, output):
    return (
        f"--server={served.address(server, transport)}",
        f"--input={clip}",
        f"--output={output}",
        "--seed=3",
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_predict_writes_what_the_model_predicts(server, transport, clip, tmp_path, capsys):
    output = tmp_path / "future.npz"
    status, out, err = run(
        capsys, "predict", *flags(server, transport, clip, output), "--num_samples=2"
    )
    assert (status, err) == (0, "")
    assert f"wrote {output}: 2 x 3 frames after 3" in out
    frames = served.videos("vgg", batch=1, num_frames=8)[:, :3]
    expected = np.floor(255 * served.forecast("vgg", frames, 3, 2)[0])
    with np.load(output) as arrays:
        assert (abs(arrays["frames"] - expected) <= 1).all()
        np.testing.assert_array_equal(arrays["conditioning"], frames[0])


def test_a_named_signature_gives_all_its_samples(server, clip, tmp_path, capsys):
    given = flags(server, "grpc", clip, tmp_path / "all.npz")
    for more, count in [((), served.SAMPLES), (("--num_samples=1",), 1)]:
        _, out, _ = run(capsys, "predict", *given, "--signature=predict_samples", *more)
        assert f": {count} x 3 frames after 3" in out


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stream_observes_and_then_predicts(server, transport, clip, tmp_path, capsys):
    output = tmp_path / "future.npz"
    status, out, _ = run(
        capsys, "stream", *flags(server, transport, clip, output), "--observe=2", "--horizon=3"
    )
    assert status == 0
    assert "3 frames after 5" in out
    frames = served.videos("vgg", batch=1, num_frames=8)[:, :5]
    expected = np.floor(255 * served.forecast("vgg", frames, 3, horizon=3)[0])
    with np.load(output) as arrays:
        assert (abs(arrays["frames"] - expected) <= 1).all()


def test_a_gif_plays_the_given_and_the_predicted_frames(server, clip, tmp_path, capsys):
    output = tmp_path / "future.gif"
    assert run(capsys, "predict", *flags(server, "grpc", clip, output))[0] == 0
    with Image.open(output) as gif:
        assert gif.n_frames == served.CONDITIONING + served.HORIZON


def test_a_video_of_another_size_is_fitted(server, tmp_path, capsys):
    frames = np.random.default_rng(0).integers(0, 256, (6, 40, 60, 1), dtype=np.uint8)
    np.savez(tmp_path / "wide.npz", frames=frames)
    output = tmp_path / "future.png"
    status, *_ = run(capsys, "predict", *flags(server, "grpc", tmp_path / "wide.npz", output))
    assert status == 0
    assert output.exists()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_metadata_lists_every_signature(server, transport, capsys):
    status, out, _ = run(capsys, "metadata", f"--server={served.address(server, transport)}")
    assert status == 0
    assert out.startswith("srvp version 1 at ")
    assert "    takes frames                   float32 [B, 3, 32, 32, 3]" in out
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
        (["predict", "--input=CLIP", "--observe=5"], 1, "--observe is not for predict"),
        (["stream", "--input=CLIP", "--signature=encode"], 1, "--signature is not for stream"),
        (["stream", "--input=CLIP", "--num_samples=2"], 1, "--num_samples is not for stream"),
        (["predict", "--input=CLIP", "--seed=-1"], 2, "--seed"),
    ],
)
def test_mistakes_are_one_line(server, clip, tmp_path, capsys, arguments, status, sentence):
    arguments = [argument.replace("CLIP", str(clip)) for argument in arguments]
    output = tmp_path / "out.gif"
    given = [f"--server={server.grpc_address}", f"--output={output}", *arguments[1:]]
    found, _, err = run(capsys, *arguments[:1], *given)
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
