"""Asks readers that need a process of their own; run there, it answers.

Both sides share a folder with NAME.in.npz and NAME.out.npz for every signature.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
_ABOUT = "about.json"


def ask(python, reader, model, cases, folder):
    """(A caller of answers to cases, what the other process tells about itself).

    Args:
        python: the interpreter.
        reader: a module of this package with `load`.
        model: path of a SavedModel.
        cases: signature name -> `parity.Case`.
        folder: an empty one.
    """
    for name, case in cases.items():
        _save(folder / f"{name}.in.npz", case.tensors)
    command = [python, "-m", __name__, reader, str(model), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def call(name, _):
        outputs = dict(np.load(folder / f"{name}.out.npz"))
        return {key: x.astype(object) if x.dtype.kind == "S" else x for key, x in outputs.items()}

    return call, json.loads((folder / _ABOUT).read_text())


def answer(reader, model, folder):
    """The other side of `ask`."""
    call, version = importlib.import_module(f"{__package__}.{reader}").load(model)
    for path in folder.glob("*.in.npz"):
        name = path.name.removesuffix(".in.npz")
        _save(folder / f"{name}.out.npz", call(name, dict(np.load(path))))
    packages = sorted({name.partition(".")[0] for name in sys.modules})
    (folder / _ABOUT).write_text(json.dumps({"version": version, "packages": packages}))


def _save(path, tensors):
    # Strings of a fixed length lose trailing zeros; no PNG ends with one.
    arrays = {key: np.asarray(value) for key, value in tensors.items()}
    strings = {key: x.astype("S") for key, x in arrays.items() if x.dtype == object}
    np.savez(path, **arrays | strings)


if __name__ == "__main__":
    answer(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
