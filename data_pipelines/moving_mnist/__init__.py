"""Moving MNIST: digits that bounce in a square, generated while training runs."""
