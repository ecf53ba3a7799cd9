"""The settings of an official experiment folder: its config.json, checked."""

import re
from typing import NamedTuple

from srvp_tf.config import Config
from srvp_tf.config.fields import parse_json, read_text, shown
from srvp_tf.errors import UserError

_NECESSARY = {
    "archi": "family",
    "nx": "frame_size",
    "nc": "channels",
    "skipco": "skips",
    "n_euler_steps": "euler_steps",
    "dataset": "dataset",
    "seq_len": "train_length",
    "lr": "learning_rate",
    "lr_scheduling_burnin": "lr_burnin",
    "lr_scheduling_n_iter": "lr_decay",
    "l2_res": "l2_res_weight",
} | {
    name: name
    for name in (
        "nf nhx ny nz nt_inf nh_inf nlayers_inf nh_res nlayers_res res_gain obs_scale nt_cond "
        "batch_size beta_y beta_z"
    ).split()
}
_OPTIONAL = {
    "ndigits": "num_digits",
    "max_speed": "max_speed",
    "seq_len_test": "val_length",
    "nt_gen": "test_length",
    "val_interval": "val_interval",
    "n_iter_test": "val_batches",
    "batch_size_test": "val_batch_size",
    "n_samples_test": "val_samples",
}
_THEIRS = {ours: theirs for theirs, ours in (_NECESSARY | _OPTIONAL).items()}


class PaperProtocol(NamedTuple):
    """How the paper judges a dataset: our name of it, and the test protocol."""

    dataset: str
    test_length: int
    checkpoint: str
    num_samples: int = 100


_DATASETS = {
    "smmnist": PaperProtocol("moving_mnist", 25, "last"),
    "kth": PaperProtocol("kth", 40, "best"),
    "human": PaperProtocol("human36m", 53, "best"),
    "bair": PaperProtocol("bair", 30, "last"),
}
_DETERMINISTIC_MMNIST = PaperProtocol("moving_mnist", 100, "last", num_samples=1)


def read_config(path):
    """The `Config` of an official config.json; keys that mean nothing here are passed over.

    What the file leaves open is as published for its dataset: test length, samples, and whether the
    last or the best model is judged.

    Raises:
        UserError: no such file, broken JSON, a key missing, or a value out of range.
    """
    found = _read_json(path)
    if missing := [name for name in _NECESSARY if found.get(name) is None]:
        raise UserError(
            f"{path} lacks {', '.join(missing)}: give the config.json of an official experiment"
        )
    dataset = found["dataset"]
    if not isinstance(dataset, str) or dataset not in _DATASETS:
        raise UserError(
            f"{path}: dataset={shown(repr(dataset))} must be one of {', '.join(_DATASETS)}"
        )
    values = {
        ours: found[theirs]
        for theirs, ours in (_NECESSARY | _OPTIONAL).items()
        if found.get(theirs) is not None
    }
    deterministic = found.get("deterministic", False)
    if not isinstance(deterministic, bool):
        raise UserError(f"{path}: deterministic={shown(repr(deterministic))} must be true or false")
    published = _DATASETS[dataset]
    if dataset == "smmnist" and deterministic:
        values["motion"], published = "deterministic", _DETERMINISTIC_MMNIST
    # Their validation takes the training length unless told otherwise.
    values = {**published._asdict(), "val_length": values["train_length"], **values}
    values["dataset"] = published.dataset
    try:
        return Config().replace(**values)
    except UserError as error:
        # The reader has their file at hand, not our flags.
        text = re.sub(r"--(\w+)", lambda flag: _THEIRS.get(flag[1], flag[1]), str(error))
        raise UserError(f"{path}: {text}") from None


def _read_json(path):
    try:
        text = read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{path} does not exist: --xp_dir is the folder of an official experiment"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: broken JSON: {error}") from None
    found = parse_json(text, path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found
