"""What comes with the package: flagfiles, and small trained models by name."""

from pathlib import Path

from srvp_tf.config import Config

_PACKAGE = Path(__file__).parents[1]


def shipped_configs() -> dict[str, Path]:
    """The flagfiles, by file name."""
    return {path.name: path for path in sorted(_folder("configs").glob("*.cfg"))}


def shipped_models() -> dict[str, Path]:
    """The run folders of the trained models, by name."""
    paths = sorted(_folder("pretrained").glob("*/config.json"))
    return {path.parent.name: path.parent for path in paths}


def describe_shipped_models() -> str:
    """One line for each trained model: its name, its data, what it is given, its size."""
    models = shipped_models()
    width = max(map(len, models), default=0)
    return "\n".join(f"{name:{width}}  {_described(path)}" for name, path in models.items())


def _described(run: Path) -> str:
    config = Config.load(run / "config.json")
    data, size = config.data, config.model.frame_size
    words = [data.dataset.replace("_", " ")]
    if data.dataset == "moving_mnist":
        words[0] = "Moving MNIST"
        words += [f"{data.num_digits} digit{'s' * (data.num_digits > 1)}", f"{data.motion} motion"]
    words += [
        f"{size} x {size} {'grey' if config.model.channels == 1 else 'colour'}",
        f"predicts from {data.nt_cond} frames" + " and actions" * bool(config.model.action_size),
        f"{sum(path.stat().st_size for path in run.glob('checkpoints/*.npz')) / 1e6:.1f} MB",
    ]
    return ", ".join(words)


def _folder(name: str) -> Path:
    # Installed, it lies inside the package; in a checkout, beside it.
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
