"""Frechet distance against the authors' value, scipy's matrix square root and closed forms."""

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from srvp_tf.errors import UserError
from srvp_tf.metrics.frechet import frechet_distance

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "metrics.npz"


def by_matrix_square_root(a, b):
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    gap = a.mean(axis=0) - b.mean(axis=0)
    return gap @ gap + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)


def test_equals_the_authors_value():
    with np.load(GOLDEN, allow_pickle=False) as golden:
        distance = frechet_distance(golden["frechet_a"], golden["frechet_b"])
        np.testing.assert_allclose(distance, golden["frechet"], rtol=1e-6)


def test_equals_scipys_matrix_square_root():
    random = np.random.default_rng(0)
    a = random.standard_normal((90, 12)) @ random.standard_normal((12, 12))
    b = random.standard_normal((70, 12)) @ random.standard_normal((12, 12)) + 1.0
    np.testing.assert_allclose(frechet_distance(a, b), by_matrix_square_root(a, b), rtol=1e-9)
    np.testing.assert_allclose(frechet_distance(a, b), frechet_distance(b, a), rtol=1e-12)


def test_fewer_samples_than_features_keep_the_closed_form():
    # For one set scaled by s: tr(C) (1 - s)^2, plus the squared gap of the means.
    a = np.random.default_rng(1).standard_normal((30, 400))
    a -= a.mean(axis=0)
    expected = np.trace(np.cov(a.T)) * (1 - 1.5) ** 2 + 400 * 0.25
    np.testing.assert_allclose(frechet_distance(a, 1.5 * a + 0.5), expected, rtol=1e-10)


def test_equal_sets_are_at_distance_zero():
    a = np.random.default_rng(2).standard_normal((50, 8)).astype(np.float32)
    assert 0.0 <= frechet_distance(a, a[::-1]) < 1e-10


def test_errors_name_the_set_at_fault():
    a, bad = np.ones((4, 3)), np.ones((4, 3))
    bad[2, 1] = np.nan
    with pytest.raises(UserError, match="row 2 of the second feature set is not finite"):
        frechet_distance(a, bad)
    with pytest.raises(UserError, match="first feature set has 1 rows"):
        frechet_distance(a[:1], a)
    with pytest.raises(UserError, match="differ in width: 3 and 2"):
        frechet_distance(a, a[:, :2])
    with pytest.raises(UserError, match=r"must be \[N, D\], got shape \(4,\)"):
        frechet_distance(a[:, 0], a)
