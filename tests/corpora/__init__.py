"""Makers of small corpora in the folder layouts of the real ones; none holds a real person's data.

    python -m tests.corpora.bair --output_dir=/tmp/bair         a simulated arm pushing cubes
    python -m tests.corpora.kth --output_dir=/tmp/kth           a block before a wall, grey
    python -m tests.corpora.human36m --output_dir=/tmp/h36m     the same in colour
    python -m tests.corpora.real_videos --output_dir=/tmp/real  clips of a street camera
    python -m tests.corpora.broken_videos --output_dir=/tmp/bad files that cannot be used

The first needs pybullet (extra `test-long`).
"""
