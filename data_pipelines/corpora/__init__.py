"""The corpora that are prepared from files: what they are made from, and how clips are drawn."""
