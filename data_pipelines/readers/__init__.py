"""Readers of anybody's videos: video files, folders of images, NumPy arrays."""
