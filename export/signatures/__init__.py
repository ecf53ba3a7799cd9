"""What is served, as functions of a model: names, shapes, ranges, noise."""
