"""Frechet distance between two sets of features, the last step of FVD."""

import numpy as np

from srvp_tf.errors import UserError


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Squared Frechet distance of the Gaussians fitted to two feature sets, in float64.

    |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), covariances divided by N - 1
    (Heusel et al., 2017; Unterthiner et al., 2018). It is symmetric, and 0 for equal sets.

    Args:
      features_a: [N_a, D], one row per video, N_a >= 2.
      features_b: [N_b, D], N_b >= 2.

    Raises:
      UserError: a set is not a matrix, has fewer than two rows or a value that is not finite, or
        the widths differ.
    """
    features_a = _checked_features(features_a, "first")
    features_b = _checked_features(features_b, "second")
    if features_a.shape[1] != features_b.shape[1]:
        raise UserError(
            f"feature sets differ in width: {features_a.shape[1]} and {features_b.shape[1]}"
        )
    mean_gap = features_a.mean(axis=0) - features_b.mean(axis=0)
    factor_a, factor_b = _covariance_factor(features_a), _covariance_factor(features_b)
    # With C = F^T F, the eigenvalues of C_a C_b are the squared singular values of F_a F_b^T. No
    # matrix square root is taken, so this is exact for N < D too, where C is singular.
    cross_trace = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    distance = (
        np.square(mean_gap).sum()
        + np.square(factor_a).sum()
        + np.square(factor_b).sum()
        - 2.0 * cross_trace
    )
    return max(float(distance), 0.0)


def _covariance_factor(features: np.ndarray) -> np.ndarray:
    """F [min(N, D), D] with F^T F the unbiased covariance of features [N, D]."""
    centred = (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
    return np.linalg.qr(centred, mode="r")


def _checked_features(features: np.ndarray, which: str) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise UserError(f"the {which} feature set must be [N, D], got shape {features.shape}")
    if len(features) < 2:
        raise UserError(
            f"the {which} feature set has {len(features)} rows; a Frechet distance needs at least 2"
        )
    if not np.isfinite(features).all():
        row = int(np.argmin(np.isfinite(features).all(axis=1)))
        raise UserError(f"row {row} of the {which} feature set is not finite")
    return features
