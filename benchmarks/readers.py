"""Our exports read by software that is not ours: `python -m benchmarks.readers`.

Error of each signature against float64, beside that of the float32 Keras model, in parts of a
tensor's range, for the small models of the tests: weights far from their initial values, videos of
moving digits. The first run installs an older TensorFlow in the cache folder.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import parser_of, print_table, start


def main():
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", help="readers, separated by semicolons")
    only = parser.parse_args().only
    start()
    from tests.export.readers.all_readers import READERS, errors
    from tests.export.small_export import KINDS, SmallExport

    chosen = only.split(";") if only else list(READERS)
    if unknown := set(chosen) - set(READERS):
        parser.error(f"{', '.join(unknown)}: choose from {'; '.join(READERS)}")
    columns = {}
    with tempfile.TemporaryDirectory() as root:
        exported = {kind: SmallExport(kind, Path(root, kind)) for kind in KINDS}
        for reader in chosen:
            found = {}
            for kind in KINDS:
                folder = Path(root, f"{reader}-{kind}")
                folder.mkdir()
                # The commands that export tell what they do; the table alone is our output.
                with contextlib.redirect_stdout(sys.stderr):
                    found[kind], version = errors(reader, exported[kind], folder)
            columns[f"{reader} {version.partition('-')[0]}"] = found
    print_table(
        {"model": kind, "signature": name}
        | {heading: shown(found[kind].get(name)) for heading, found in columns.items()}
        for kind in KINDS
        for name in exported[kind].cases
    )


def shown(error):
    """`Errors` as text."""
    return "" if error is None else f"{error.export:.0e} ({error.keras:.0e})"


if __name__ == "__main__":
    main()
