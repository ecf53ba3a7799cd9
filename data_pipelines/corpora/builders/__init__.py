"""TensorFlow Datasets builders; `tfds.load` knows them once this package is imported.

`tfds.load("kth", split="train", data_dir="prepared")` gives `name` and `video` of each video.
"""

from data_pipelines.corpora.builders.bair import Bair
from data_pipelines.corpora.builders.human36m import Human36m
from data_pipelines.corpora.builders.kth import Kth
from data_pipelines.corpora.builders.video_builder import VideoBuilder
from data_pipelines.corpora.builders.video_folder import VideoFolder

BUILDERS = {"kth": Kth, "human36m": Human36m, "bair": Bair, "video_folder": VideoFolder}

__all__ = ["BUILDERS", "Bair", "Human36m", "Kth", "VideoBuilder", "VideoFolder"]
