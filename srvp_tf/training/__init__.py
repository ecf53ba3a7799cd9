"""Training: the step, the run, validation, devices and hosts."""
