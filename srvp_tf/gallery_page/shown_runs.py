"""The runs that a page shows."""

import os
from pathlib import Path
from urllib.parse import quote

from srvp_tf.config.flags import WHERE_THE_DATA_IS, config_from_flags
from srvp_tf.errors import UserError
from srvp_tf.gallery_page.folder import DEMO, is_one
from srvp_tf.runs.run_folder import RunFolder


def address_of_demo(folder: str | None, output: Path) -> str:
    """The relative address of a demo, seen from the gallery; empty if there is none."""
    if not folder:
        return ""
    path = Path(folder).resolve()
    if not is_one(path, DEMO):
        raise UserError(f"--demo={folder} is no demo: write one with `python -m export.web`")
    return quote(os.path.relpath(path, output)) + "/index.html"


def runs_from_flags(run: RunFolder, flag_values) -> dict:
    """Name -> (`RunFolder`, `Config`) of every run, each name once."""
    runs = {}
    for folder in (run, *map(RunFolder.find, dict.fromkeys(flag_values.compare))):
        config = config_from_flags(flag_values, folder.config(), only=WHERE_THE_DATA_IS)
        folder.checkpoint_path(config.eval.checkpoint)  # if there is none, then now
        parts = folder.path.resolve().parts
        name = parts[-1] if parts[-1] not in runs else "/".join(parts[-2:])
        if name in runs:
            raise UserError(f"--compare={folder.path}: two runs are called {name}: rename a folder")
        runs[name] = folder, config
    return runs
