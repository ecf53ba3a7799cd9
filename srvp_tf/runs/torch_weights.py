"""PyTorch files of weights, read without running anything in them."""

import io
import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srvp_tf.config.fields import shown
from srvp_tf.errors import UserError

if TYPE_CHECKING:
    import torch


def read_state_dict(path: str | os.PathLike) -> "dict[str, torch.Tensor]":
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


def _check_sums(content: io.BytesIO) -> None:
    """The zip format has a checksum of every tensor, which torch does not look at."""
    if zipfile.is_zipfile(content):
        archive = zipfile.ZipFile(content)
        # torch compresses nothing: what unpacks to more than the file is meant to fill the memory.
        if sum(member.file_size for member in archive.infolist()) > content.getbuffer().nbytes:
            raise ValueError("it unpacks to more than its own size")
        if damaged := archive.testzip():
            raise ValueError(f"wrong checksum of {damaged}")
    content.seek(0)


def _check_names(state: object, path: Path) -> None:
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


def _reason(error: Exception) -> str:
    """What went wrong, in a few words: torch explains at length how to trust the file instead."""
    if wanted := re.search(r"GLOBAL (\S+)", str(error)):
        return f"it asks for {wanted[1]}"
    sentence = str(error).partition("\n")[0].partition(". ")[0]
    if sentence in ("", "Weights only load failed"):
        return type(error).__name__
    return f"{type(error).__name__}: {sentence}"


def to_array(tensor: "torch.Tensor", name: str, path: str | os.PathLike) -> np.ndarray:
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
