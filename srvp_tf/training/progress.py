"""Progress of a training run: a bar on a terminal, plain lines elsewhere."""

import sys

from tqdm import tqdm

from srvp_tf.training.step import StepResult


class Progress:
    """Shows step, rate, remaining time and loss terms of a run of `num_steps` steps, or nothing."""

    def __init__(self, num_steps: int, first_step: int, is_shown: bool = True):
        self._is_shown = is_shown
        self._is_terminal = is_shown and sys.stderr.isatty()
        self._num_steps = num_steps
        self._bar = tqdm(
            total=num_steps,
            initial=first_step,
            unit="step",
            dynamic_ncols=True,
            file=sys.stderr,
            disable=not self._is_terminal,
        )

    def step(self) -> None:
        """One more step is done."""
        self._bar.update()

    def losses(self, step: int, result: StepResult, speed: dict[str, float]) -> None:
        """Show the mean of a `StepResult` of numbers."""
        terms = {"loss": result.mean.loss, **result.mean.terms}
        if self._is_terminal:
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in terms.items()})
            return
        rate = speed["steps_per_second"]
        remaining = (self._num_steps - step) / rate if rate else 0.0
        shown = "  ".join(f"{name} {value:.5g}" for name, value in terms.items())
        self.say(
            f"step {step}/{self._num_steps}  {shown}  {rate:.2f} step/s  "
            f"{tqdm.format_interval(remaining)} left"
        )

    def say(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if self._is_terminal:
            self._bar.write(line, file=sys.stderr)
        elif self._is_shown:
            print(line, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
