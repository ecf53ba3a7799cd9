"""Many samples of many videos in bounded memory; the futures of one video."""
