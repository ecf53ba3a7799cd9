"""Our exports read by software that is not ours: `python -m benchmarks.readers`.

Error of each signature against float64, beside that of the float32 Keras model, in parts of a
tensor's range, for the small models of the tests: weights far from their initial values, videos of
moving digits. The first run installs an older TensorFlow in the cache folder.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from srvp_tf.config.tensorflow_start import start_tensorflow


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="readers, separated by semicolons")
    chosen = parser.parse_args().only
    start_tensorflow(deterministic=True)

    import tensorflow as tf

    from benchmarks.measure import table
    from tests.export.readers.all_readers import READERS, errors
    from tests.export.small_export import KINDS, SmallExport

    tf.get_logger().setLevel("ERROR")  # warns of functions that are traced anew: many are, once
    readers = chosen.split(";") if chosen else list(READERS)
    if unknown := set(readers) - set(READERS):
        parser.error(f"{', '.join(unknown)}: choose from {'; '.join(READERS)}")
    header, columns = ["model", "signature"], []
    with tempfile.TemporaryDirectory() as root:
        exported = {kind: SmallExport(kind, Path(root, kind)) for kind in KINDS}
        for reader in readers:
            found = {}
            for kind in KINDS:
                folder = Path(root, f"{reader}-{kind}")
                folder.mkdir()
                # The commands that export tell what they do; the table alone is our output.
                with contextlib.redirect_stdout(sys.stderr):
                    found[kind], version = errors(reader, exported[kind], folder)
            header.append(f"{reader} {version.partition('-')[0]}")
            columns.append(found)
        rows = [
            [kind, name, *(_shown(found[kind].get(name)) for found in columns)]
            for kind in KINDS
            for name in exported[kind].cases
        ]
    print(table(header, rows))


def _shown(error):
    return "" if error is None else f"{error.export:.0e} ({error.keras:.0e})"


if __name__ == "__main__":
    main()
