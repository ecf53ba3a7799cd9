"""The runs that a page shows."""

from srvp_tf.config.flags import WHERE_THE_DATA_IS, config_from_flags
from srvp_tf.errors import UserError
from srvp_tf.runs.run_folder import RunFolder


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
