"""Judges of predicted videos: frame metrics, best-of-N protocol, Frechet distance, baselines."""
