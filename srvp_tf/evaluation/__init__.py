"""The protocol of the paper: the best of many samples, metric by metric."""
