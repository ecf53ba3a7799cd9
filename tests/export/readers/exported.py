"""What the small exports are asked, for `benchmarks.readers`."""

import tempfile
from pathlib import Path

from tests.export.small_export import SmallExport


def cases(kind):
    """Signature name -> `parity.Case`."""
    with tempfile.TemporaryDirectory() as folder:
        return SmallExport(kind, Path(folder)).cases
