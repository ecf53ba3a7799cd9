"""From a run folder to production: SavedModel and TFLite files, clients, serving configuration."""
