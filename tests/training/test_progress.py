import os
import pty
import re
import sys
import termios
import threading

import numpy as np

from srvp_tf.training.progress import Progress
from srvp_tf.training.step import Contribution, StepResult

RESULT = StepResult(
    Contribution(13.5, dict(nll=12.25, kl_y1=0.5, kl_z=0.25, l2_res=0.125), {}),
    gradient_norm=1.0,
    learning_rate=np.float64(1e-3),
    is_finite=True,
)


def test_without_a_terminal_a_line_says_step_losses_rate_and_time_left(capsys):
    progress = Progress(1000, 0)
    progress.step()
    progress.losses(100, RESULT, {"steps_per_second": 0.5})
    progress.say("validation")
    progress.close()
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (
        "step 100/1000  loss 13.5  nll 12.25  kl_y1 0.5  kl_z 0.25  l2_res 0.125  0.50 step/s  "
        "30:00 left\nvalidation\n"
    )


def read_to_end(descriptor, chunks):
    """Append what a terminal shows until it is closed."""
    try:
        while chunk := os.read(descriptor, 4096):
            chunks.append(chunk)
    except OSError:  # Linux' way to say that the other end is closed
        pass


def test_a_terminal_shows_a_bar_with_the_losses(monkeypatch, capsys):
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 200))
    chunks = []
    reader = threading.Thread(target=read_to_end, args=(controller, chunks), daemon=True)
    reader.start()
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        progress = Progress(10, 4)
        for _ in range(3):
            progress.step()
        progress.losses(7, RESULT, {"steps_per_second": 0.5})
        progress.say("validation")
        progress.close()
    reader.join(timeout=60)
    os.close(controller)
    assert capsys.readouterr().out == ""
    shown = re.split(r"[\r\n]+", b"".join(chunks).decode())
    bars = [text for text in shown if "%|" in text]
    assert " 4/10 [" in bars[0] and " 7/10 [" in bars[-1]
    for words in ("loss=13.5", "nll=12.25", "kl_y1=0.5", "kl_z=0.25"):
        assert words in bars[-1]
    assert "validation" in map(str.strip, shown)


def test_a_run_that_stands_still_has_no_end(capsys):
    Progress(10, 0).losses(1, RESULT, {"steps_per_second": 0.0})
    assert " left\n" in capsys.readouterr().out
