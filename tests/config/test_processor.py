"""oneDNN is chosen before TensorFlow is loaded, and what makes the processor slow is told once."""

import pytest

from srvp_tf.config import TrainConfig, processor
from srvp_tf.training.step import TrainingStep
from tests.cli.commands import run_python
from tests.models.small import small_model

x86 = pytest.mark.skipif(not processor._IS_X86, reason="oneDNN is chosen on x86")


@x86
@pytest.mark.parametrize(("given", "chosen"), [(None, "1"), ("0", "0")])
def test_onednn_is_chosen_unless_the_user_did(given, chosen):
    code = "import os, srvp_tf; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    assert run_python("-c", code, TF_ENABLE_ONEDNN_OPTS=given).stdout.strip() == chosen


@x86
def test_a_tensorflow_that_was_loaded_without_it_is_told_once():
    # A processor on which TensorFlow does not turn it on by itself is one with the switch at 0.
    code = (
        "import os; os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'\n"
        "import tensorflow as tf; tf.constant(1.0) + 1.0\n"
        "del os.environ['TF_ENABLE_ONEDNN_OPTS']\n"
        "from tests.models.small import random_videos, small_model\n"
        "model = small_model()\n"
        "for _ in range(2): model.forecast(random_videos(model.config, 1, 3), 1)\n"
    )
    result = run_python("-c", code, TF_ENABLE_ONEDNN_OPTS=None, TF_CPP_MIN_LOG_LEVEL="3")
    lines = [line for line in result.stderr.splitlines() if line.startswith("srvp_tf: ")]
    assert len(lines) == 1
    assert "import srvp_tf first, or set TF_ENABLE_ONEDNN_OPTS=1" in lines[0]


@pytest.mark.parametrize(
    ("precision", "flags", "told"),
    [
        ("mixed_bfloat16", "avx2", 1),
        ("mixed_bfloat16", "avx2 avx512_bf16", 0),
        ("mixed_bfloat16", "", 0),
        ("float32", "avx2", 0),
    ],
)
def test_emulated_bfloat16_is_told_when_training_starts(
    precision, flags, told, monkeypatch, caplog
):
    monkeypatch.setattr(processor, "instruction_sets", lambda: frozenset(flags.split()))
    processor.tell_what_slows.cache_clear()
    processor._tell.cache_clear()
    for _ in range(2):
        TrainingStep(small_model(precision), TrainConfig(precision=precision))
    assert len([r for r in caplog.records if "bfloat16" in r.message]) == told
