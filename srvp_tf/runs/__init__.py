"""Run folders: what a run keeps on disk, whole or not there."""
