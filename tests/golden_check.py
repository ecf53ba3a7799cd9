"""Compare this library with golden files: `python -m tests.golden_check FILE.npz ...`.

A file holds values that the authors' code computed: a model with its weights, the metrics, or
Moving MNIST. One line is printed per quantity, with its largest relative error in float64 and in
float32 and the error allowed; the exit status is 1 if one is exceeded, 2 if a file cannot be read.
"""

import os
import sys
import zipfile

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(paths):
    """Check every file; returns the exit status."""
    if not paths:
        print("usage: python -m tests.golden_check FILE.npz ...", file=sys.stderr)
        return 2
    failed = []
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as archive:
                golden = {name: archive[name] for name in archive.files}
            check = case(golden)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            print(f"{path}: not a golden file: {error}", file=sys.stderr)
            return 2
        print(f"{path}\n{'quantity':44} {'float64':20}  {'float32':20}")
        try:
            rows = check(golden)
        except KeyError as error:
            print(f"{path}: not a golden file: it lacks {error}", file=sys.stderr)
            return 2
        except (ValueError, TypeError) as error:  # a configuration that cannot be, or no JSON
            print(f"{path}: not a golden file: {error}", file=sys.stderr)
            return 2
        print("\n".join(map(str, rows)), flush=True)
        failed += [f"{path}: {row.quantity}" for row in rows if not row.passed]
    for line in failed:
        print(f"FAILED {line}")
    print("all within tolerance" if not failed else f"{len(failed)} out of tolerance")
    return 1 if failed else 0


def case(golden):
    """The check for the kind of file that `golden` (name -> array) is."""
    from tests.golden import metrics_case, model_case, moving_mnist_case

    if "config" in golden:
        return model_case.check
    if "psnr" in golden:
        return metrics_case.check
    if "digits" in golden:
        return moving_mnist_case.check
    raise ValueError("it holds neither a model, nor metrics, nor Moving MNIST")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
