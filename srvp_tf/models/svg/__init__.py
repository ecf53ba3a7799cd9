"""SVG-LP (Denton and Fergus, ICML 2018): the baseline, which predicts one frame from another."""
