"""Golden values of PSNR, SSIM, the best-of-N protocol and the Frechet distance."""

import numpy as np
import tensorflow as tf

from srvp_tf.metrics.best_of import best_of, summarize
from srvp_tf.metrics.frame_metrics import psnr, ssim
from srvp_tf.metrics.frechet import frechet_distance
from tests.golden.comparison import Row, Tolerance, relative_error, rows_of

_FRAME_METRICS = {"psnr": psnr, "ssim": ssim}
_SCORES = Tolerance(2e-6, 2e-6)
_FRECHET = Tolerance(1e-6, None)


def check(golden):
    """Rows for every quantity of `metrics.npz`."""
    rows = rows_of(_errors, golden, lambda name: _SCORES)
    distance = frechet_distance(golden["frechet_a"], golden["frechet_b"])
    error = relative_error(distance, golden["frechet"])
    return [*rows, Row("frechet", error, None, _FRECHET)]


def _errors(golden, precision):
    target = tf.constant(golden["target"], precision)
    samples = tf.constant(golden["samples"], precision)
    for name, metric in _FRAME_METRICS.items():
        scores = np.mean(metric(target[None], samples), axis=-1)
        best, _ = best_of(scores, True)
        summary = summarize(best)
        values = {
            name: scores,
            f"best_{name}": best,
            f"best_{name}_mean": summary.mean,
            f"best_{name}_ci95": summary.ci95,
        }
        for key, value in values.items():
            yield key, relative_error(value, golden[key])
