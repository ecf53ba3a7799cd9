"""What `show` returns plays in a notebook, and says in a line what it is elsewhere."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image, ImageSequence

import srvp_tf

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 3, 16, 16, 1), np.uint8)
TRUTH = np.random.default_rng(1).integers(0, 256, (2, 4, 16, 16, 1), np.uint8)
FUTURES = np.random.default_rng(2).random((2, 5, 4, 16, 16, 1), np.float32)


def played(shown):
    """The pictures of the GIF inside the HTML, and the milliseconds that each is seen."""
    html = shown._repr_html_()
    encoded = re.fullmatch(r'<img alt="[^"<>]*" src="data:image/gif;base64,([^"]*)">', html)
    with Image.open(io.BytesIO(base64.b64decode(encoded[1]))) as gif:
        return [
            (frame.convert("RGB"), frame.info["duration"]) for frame in ImageSequence.Iterator(gif)
        ]


def test_a_row_holds_the_truth_and_the_futures_in_step():
    shown = srvp_tf.show(FUTURES, FRAMES, truth=TRUTH)
    videos = shown.videos.reshape(2, 6, 7, 16, 16, 1)
    np.testing.assert_array_equal(videos[:, 0], np.concatenate([FRAMES, TRUTH], 1))
    np.testing.assert_array_equal(videos[:, 1:, 3:], np.floor(255 * FUTURES))
    np.testing.assert_array_equal(videos[:, 3, :3], FRAMES)
    assert shown.columns == 6 and shown.conditioning == [7, 3, 3, 3, 3, 3] * 2
    assert repr(shown).startswith("12 videos of 7 frames, 16 x 16, in rows of 6")
    pictures = played(shown)
    assert len(pictures) == 7 and {duration for _, duration in pictures} == {200}


def test_more_frames_per_step_play_faster():
    shown = srvp_tf.show(FUTURES, FRAMES, frames_per_step=2)
    assert shown.videos.shape[:2] == (10, 2 * 2 + 1 + 4) and shown.columns == 5
    assert {duration for _, duration in played(shown)} == {100}


def test_one_video_and_no_frames_given():
    assert srvp_tf.show(FUTURES[0], FRAMES[0], truth=TRUTH[0]).videos.shape[0] == 6
    assert srvp_tf.show(FUTURES).videos.shape == (10, 4, 16, 16, 1)
    assert len(played(srvp_tf.show(FUTURES))) == 4


def test_it_can_be_saved(tmp_path):
    srvp_tf.show(FUTURES, FRAMES).save(tmp_path / "futures.png")
    with Image.open(tmp_path / "futures.png") as picture:
        assert picture.width > 7 * 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((FUTURES, FRAMES[:1]), r"frames \[1, 3, 16, 16, 1\] do not fit futures"),
        ((FUTURES, FRAMES, TRUTH[..., :8, :]), "truth .* do not fit"),
        (
            (FUTURES, FRAMES, np.concatenate([FRAMES, TRUTH], 1)),
            "truth has 7 frames, the futures 4",
        ),
        ((FRAMES[0], FRAMES), r"futures have shape .* give \[S, K, H, W, C\]"),
        ((FUTURES + 1, FRAMES), r"\[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_one_line(arguments, message):
    futures, frames, *truth = arguments
    with pytest.raises(srvp_tf.UserError, match=message):
        srvp_tf.show(futures, frames, truth=truth[0] if truth else None)


# --- notebooks/first_steps.ipynb -----------------------------------------------------------------

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_steps.ipynb"


def test_the_stored_outputs_are_whole_and_of_no_machine():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    pictures = 0
    for output in (output for cell in cells for output in cell.outputs):
        assert output.output_type != "error"
        assert not re.search(r"/(home|root|tmp|work)/", output.get("text", ""))
        data = output.get("data", {})
        pictures += "image/gif" in data or "data:image/gif" in data.get("text/html", "")
    assert pictures >= 5
    assert NOTEBOOK.stat().st_size < 3e6


@pytest.mark.long
def test_the_notebook_runs(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # nbclient's own kernel: this interpreter.
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path}})
    client.execute()
    text = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "validation at step 20" in text
