"""The two files of an official experiment folder, checked: config.json and PyTorch's weights."""

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srvp_tf.config import Config, config_fields
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


class Published(NamedTuple):
    """How the paper judges a dataset (section 5): our name of it, and the test protocol."""

    dataset: str
    test_length: int
    checkpoint: str
    num_samples: int = 100


_DATASETS = {
    "smmnist": Published("moving_mnist", 25, "last"),
    "kth": Published("kth", 40, "best"),
    "human": Published("human36m", 53, "best"),
    "bair": Published("bair", 30, "last"),
}
_DETERMINISTIC_MMNIST = Published("moving_mnist", 100, "last", num_samples=1)


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
        return _config(values)
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


def _config(values):
    sections = {}
    for section, spec in config_fields():
        if spec.name in values:
            sections.setdefault(section, {})[spec.name] = values[spec.name]
    types = {section: type(getattr(Config(), section)) for section in sections}
    return Config(**{section: types[section](**given) for section, given in sections.items()})


def read_state_dict(path):
    """Name -> tensor of a PyTorch file of weights, in its old format or its zip format.

    Nothing in the file can run code. `num_batches_tracked`, a counter that batch normalisation
    keeps and never reads, is left out, and so is the prefix of `DataParallel`.

    Raises:
        UserError: torch is not installed; no such file, a damaged one, or one of anything but
            weights by name.
    """
    path = Path(path)
    if not path.is_file():
        others = sorted(other.name for other in path.parent.glob("*.pt"))
        way_out = f"--model_name is one of {', '.join(others)}" if others else "check --xp_dir"
        raise UserError(f"{path} does not exist: {way_out}")
    try:
        import torch
    except ImportError:
        raise UserError(
            "PyTorch, which reads the authors' files, is missing: pip install 'srvp-tf[torch]'"
        ) from None
    content = io.BytesIO(path.read_bytes())
    try:
        _check_sums(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(content, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged or foreign file can raise a dozen types
        raise UserError(
            f"{path} is damaged, or holds other things than weights ({_reason(error)}); nothing "
            "in it was run"
        ) from None
    _check_names(state, path)
    state = {n: x for n, x in state.items() if not n.endswith("num_batches_tracked")}
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): x for name, x in state.items()}
    return state


def _check_sums(content):
    """The zip format has a checksum of every tensor, which torch does not look at."""
    if zipfile.is_zipfile(content):
        archive = zipfile.ZipFile(content)
        # torch compresses nothing: what unpacks to more than the file is meant to fill the memory.
        if sum(member.file_size for member in archive.infolist()) > content.getbuffer().nbytes:
            raise ValueError("it unpacks to more than its own size")
        if damaged := archive.testzip():
            raise ValueError(f"wrong checksum of {damaged}")
    content.seek(0)


def _check_names(state, path):
    import torch

    if not isinstance(state, dict):
        raise UserError(f"{path} holds a {type(state).__name__} instead of weights by name")
    for name, value in state.items():
        if isinstance(value, dict) and any(isinstance(x, torch.Tensor) for x in value.values()):
            raise UserError(
                f"{path} has its weights inside {name!r}: save that entry alone, "
                f"torch.save(torch.load(...)[{name!r}], ...)"
            )
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise UserError(
                f"{path} holds {shown(repr(name))} ({type(value).__name__}), not only weights"
            )


def _reason(error):
    """What went wrong, in a few words: torch explains at length how to trust the file instead."""
    if wanted := re.search(r"GLOBAL (\S+)", str(error)):
        return f"it asks for {wanted[1]}"
    sentence = str(error).partition("\n")[0].partition(". ")[0]
    if sentence in ("", "Weights only load failed"):
        return type(error).__name__
    return f"{type(error).__name__}: {sentence}"


def to_array(tensor, name, path):
    """A tensor as a float32 array: of the same numbers, or `UserError`."""
    import torch

    exact = (torch.float32, torch.float16, torch.bfloat16)
    if tensor.dtype not in exact or tensor.layout != torch.strided or tensor.device.type != "cpu":
        kind = f"{tensor.dtype} {tensor.layout} {tensor.device.type}".replace("torch.", "")
        raise UserError(f"{path}: {name} is a {kind} tensor; weights are dense and float32")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise UserError(f"{path}: {name} is {list(tensor.shape)}, more than the file holds of it")
    array = tensor.detach().to(torch.float32).numpy()
    if not np.isfinite(array).all():
        raise UserError(f"{path}: {name} holds NaN or infinity: this model has diverged")
    return array
