"""TensorFlow Datasets builders; `tfds.load` knows them once this package is imported.

`tfds.load("kth", split="train", data_dir="prepared")` gives `name` and `video` of each video.
"""

from data_pipelines.corpora.builders.bair import Bair
from data_pipelines.corpora.builders.human36m import Human36m
from data_pipelines.corpora.builders.kth import Kth
from data_pipelines.corpora.builders.video_builder import VideoBuilder
from data_pipelines.corpora.builders.video_folder import VideoFolder

__all__ = ["Bair", "Human36m", "Kth", "VideoBuilder", "VideoFolder"]
