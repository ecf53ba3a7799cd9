"""Judges of predicted videos: frame metrics, LPIPS, FVD, best-of-N protocol, baselines."""
