"""Compare this library with golden files: `python -m tests.golden.check FILE.npz ...`.

A file holds values that the authors' code computed: a model with its weights, the metrics, or
Moving MNIST. One line is printed per quantity, with its largest relative error in float64 and in
float32 and the error allowed; the exit status is 1 if one is exceeded, 2 if a file cannot be read.
"""

import io
import json
import math
import os
import sys
import zipfile

import numpy as np

from data_pipelines.errors import DataError
from data_pipelines.readers.npy_headers import read_header

_MAX_BYTES = 1 << 28  # the largest here unpacks to 4 MB
_LISTED = b"PK\1\2"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(paths):
    """Check every file; returns the exit status."""
    if not paths:
        print("usage: python -m tests.golden.check FILE.npz ...", file=sys.stderr)
        return 2
    failed = []
    for path in paths:
        try:
            golden = read(path)
            rows = case(golden)(golden)
        except Exception as error:  # of another kind, configuration, shape or type
            reason = f"it lacks {error}" if isinstance(error, KeyError) else error
            print(f"{path}: not a golden file: {reason}", file=sys.stderr)
            return 2
        print(f"{path}\n{'quantity':44} {'float64':20}  {'float32':20}")
        print("\n".join(map(str, rows)), flush=True)
        failed += [f"{path}: {row.quantity}" for row in rows if not row.passed]
    for line in failed:
        print(f"FAILED {line}")
    print("all within tolerance" if not failed else f"{len(failed)} out of tolerance")
    return 1 if failed else 0


def read(path):
    """Name -> array of a golden file; `DataError`, a `ValueError`, if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MAX_BYTES:
                raise ValueError(f"it unpacks to more than {_MAX_BYTES >> 20} MiB")
            # Damage to the list of members can hide the first ones, or those that follow.
            if not members or members[0].header_offset:
                raise ValueError("its list of arrays is broken")
            with open(path, "rb") as file:
                file.seek(archive.start_dir)
                if file.read().count(_LISTED) != len(members):
                    raise ValueError("its list of arrays is broken")
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member))
                for member in members
            }
    except OSError:
        raise
    except Exception as error:  # a damaged archive can raise a dozen types
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: is damaged ({reason}); fetch it again.") from None


def _array(content):
    file = io.BytesIO(content)
    header = read_header(file)
    if math.prod(header.shape) * header.dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"its header says {list(header.shape)}")
    file.seek(0)
    array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("it holds NaN or infinity")
    return array


def case(golden):
    """The check for the kind of file that `golden` (name -> array) is."""
    from tests.golden import metrics_case, model_case, moving_mnist_case, svg_case

    if "config" in golden:
        is_svg = json.loads(str(golden["config"])).get("model") == "svg"
        return svg_case.check if is_svg else model_case.check
    if "psnr" in golden:
        return metrics_case.check
    if "digits" in golden:
        return moving_mnist_case.check
    raise ValueError("it holds neither a model, nor metrics, nor Moving MNIST")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
