import os
import pty
import re
import sys
import termios

import numpy as np
import pytest

from srvp_tf.losses import LossTerms
from srvp_tf.progress import Progress
from srvp_tf.training_step import Contribution, StepResult

RESULT = StepResult(
    Contribution(13.5, LossTerms(nll=12.25, kl_y1=0.5, kl_z=0.25, l2_res=0.125), None, None),
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


def test_a_terminal_shows_a_bar_with_the_losses(monkeypatch, capsys):
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 200))
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        progress = Progress(10, 4)
        for _ in range(3):
            progress.step()
        progress.losses(7, RESULT, {"steps_per_second": 0.5})
        progress.say("validation")
        progress.close()
        stderr.flush()
        shown = os.read(controller, 100_000).decode()
    os.close(controller)
    assert capsys.readouterr().out == ""
    bars = [text for text in re.split(r"[\r\n]+", shown) if "%|" in text]
    assert " 4/10 [" in bars[0] and " 7/10 [" in bars[-1]
    for words in ("loss=13.5", "nll=12.25", "kl_y1=0.5", "kl_z=0.25", "step/s"):
        assert words in bars[-1] or words.replace("step/s", "s/step") in bars[-1]
    assert "validation" in shown


@pytest.mark.parametrize("rate", [0.0, 1e-9])
def test_a_run_that_stands_still_has_no_end(capsys, rate):
    progress = Progress(10, 0)
    progress.losses(1, RESULT, {"steps_per_second": rate})
    assert " left\n" in capsys.readouterr().out
