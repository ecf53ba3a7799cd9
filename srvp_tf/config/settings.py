"""The settings of a run: four frozen dataclasses, checked when made, saved as one JSON file.

Defaults are the published setting of stochastic Moving MNIST (the paper's SM-MNIST column).
`srvp_tf.config.flags` turns every field into a flag of the same name. None of it needs TensorFlow
but for the questions what a model can do, which its class answers.
"""

import dataclasses
import functools
import json
import math
import os
from collections.abc import Collection, Iterator

from srvp_tf._version import __version__
from srvp_tf.config.corpora import CORPORA, local_path
from srvp_tf.config.fields import (
    Section,
    check_keys,
    field,
    parse_json,
    read_text,
    shown,
)
from srvp_tf.config.registries import DYNAMICS, LOSS_TERMS, MODELS, NETWORKS
from srvp_tf.config.tensorflow_start import load_tensorflow
from srvp_tf.errors import UserError

CONFIG_FORMAT = 7

RESUMABLE_FIELDS = (
    "log_interval",
    "checkpoint_interval",
    "keep_last",
    "max_skipped_steps",
    "test_length",
    "checkpoint",
    "num_samples",
    "num_videos",
    "eval_batch_size",
    "eval_seed",
)
"""Fields that may change when a run is resumed: none of them touches what is learned."""

_size = functools.partial(field, minimum=1, maximum=10**6)
_layers = functools.partial(field, minimum=1, maximum=1000)
_seed = functools.partial(field, minimum=0, maximum=2**31 - 1)
_SRVP, _SVG = ("srvp",), ("svg",)  # models that have a setting


@dataclasses.dataclass(frozen=True)
class ModelConfig(Section):
    """Model: the networks and the generative process."""

    family: str = field("dcgan", "encoder and decoder networks", choices=NETWORKS)
    frame_size: int = field(64, "height and width of a frame, pixels", choices=(32, 64, 128))
    channels: int = field(1, "colour channels of a frame", choices=(1, 3))
    skips: bool = field(
        False, "skip connections from one frame's encoding to every decoded frame", models=_SRVP
    )
    nf: int = _size(64, "filters of the first convolution")
    nhx: int = _size(128, "features per encoded frame")
    ny: int = _size(20, "dimensions of the state y", models=_SRVP)
    nz: int = _size(20, "dimensions of the noise variable z")
    nt_inf: int = _size(
        5,
        "frames that w and the first state are read from; svg: frames that count as observed in "
        "training",
    )
    nh_inf: int = _size(
        256, "width of w, of the LSTM and of q(y_1)'s hidden layers; svg: of its LSTMs"
    )
    nlayers_inf: int = _layers(3, "affine layers of q(y_1)", models=_SRVP)
    nh_res: int = _size(512, "width of the hidden layers of f and of the prior p(z)", models=_SRVP)
    nlayers_res: int = _layers(4, "affine layers of f and of the prior p(z)", models=_SRVP)
    euler_steps: int = field(1, "Euler steps per frame interval", minimum=1, models=_SRVP)
    res_gain: float = field(1.41, "gain of f's orthogonal initialisation", above=0, models=_SRVP)
    obs_scale: float = field(
        1.0, "standard deviation nu of the observation model", above=0, models=_SRVP
    )
    dynamics: str = field(
        "residual",
        "next state: y + f(y, z), or, as in the paper's ablation, f(y, z) or a GRU",
        choices=DYNAMICS,
        models=_SRVP,
        since=2,
    )
    stochastic: bool = field(
        True,
        "draw z at every frame; without it the first state alone is random",
        models=_SRVP,
        since=2,
    )
    model: str = field(
        "srvp", "which model: this paper's, or the baseline SVG", choices=MODELS, since=6
    )
    predictor_layers: int = _layers(
        2, "svg: LSTM cells of the frame predictor", models=_SVG, since=6
    )
    last_frame_skip: bool = field(
        False, "svg: skips from the frame before, observed or predicted", models=_SVG, since=6
    )
    action_size: int = _size(
        0, "numbers of the action of each interval; 0: no actions", minimum=0, since=7
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_model(self.model)
        self.check_euler_steps(self.euler_steps)

    def check_euler_steps(self, euler_steps: int, frames_per_step: int = 1) -> None:
        """Raises `UserError` if the dynamics cannot take so many steps, or frames, per interval."""
        if euler_steps != 1 and not self.takes_euler_steps:
            raise UserError(
                f"--euler_steps={euler_steps} does not fit {self.kind}, which takes one step per "
                "frame: use --euler_steps=1"
            )
        if euler_steps % frames_per_step:
            raise UserError(
                f"--frames_per_step={frames_per_step} does not divide the {euler_steps} Euler "
                "steps per interval: choose another one, or set --euler_steps"
            )

    @property
    def takes_euler_steps(self) -> bool:
        """Whether the dynamics can cut a frame interval into sub-steps."""
        return self._model_class.takes_euler_steps(self)

    @property
    def kind(self) -> str:
        """The flags that say what moves a video on, for messages."""
        return self._model_class.kind(self)

    @property
    def experiments(self) -> tuple[str, ...]:
        """Names of the paper's experiments that the model can be put to; none with actions."""
        if self.action_size:
            return ()
        names = self._model_class.experiments
        return tuple(n for n in names if n != "frame_rates" or self.takes_euler_steps)

    @property
    def first_noise_size(self) -> int:
        """Dimensions of what is random before the first frame: ny, or 0 in a model without."""
        return self._model_class.first_noise_size(self)

    @property
    def noise_size(self) -> int:
        """Dimensions of z: nz, or 0 in a model without."""
        return self.nz if self.stochastic else 0

    @property
    def interval_size(self) -> int:
        """Dimensions of (z, action), all that moves the state on in a frame interval."""
        return self.noise_size + self.action_size

    @property
    def _model_class(self) -> type:
        load_tensorflow()  # quietly: the class is one of Keras' models
        return MODELS[self.model]


@dataclasses.dataclass(frozen=True)
class DataConfig(Section):
    """Data: the corpus and the lengths of its clips."""

    dataset: str = field("moving_mnist", "corpus", choices=CORPORA)
    data_dir: str = field(
        "", "--data_dir of data_pipelines.prepare (Moving MNIST needs none)", is_path=True
    )
    digits: str = field(
        "embedded", "where Moving MNIST's digits come from", choices=("embedded", "idx", "tfds")
    )
    digits_dir: str = field(
        "", "folder of the MNIST idx files, or TFDS's data folder", is_path=True
    )
    motion: str = field(
        "stochastic", "Moving MNIST: bounces", choices=("stochastic", "deterministic")
    )
    num_digits: int = field(2, "Moving MNIST: digits per video", minimum=1)
    max_speed: int = field(4, "Moving MNIST: largest speed per axis, pixels a frame", minimum=1)
    nt_cond: int = field(5, "frames that a prediction is conditioned on", minimum=1)
    train_length: int = field(15, "frames of a training clip", minimum=2)
    val_length: int = field(15, "frames of a validation clip, conditioning included", minimum=2)
    test_length: int = field(25, "frames of a test clip, conditioning included", minimum=2)
    state_size: int = _size(
        0, "of --action_size, numbers of the first frame's state", minimum=0, since=7
    )


@dataclasses.dataclass(frozen=True)
class TrainConfig(Section):
    """Training: objective, optimiser, validation and checkpoints."""

    seed: int = _seed(0, "seed of every random number")
    batch_size: int = field(128, "videos per step, over all devices", minimum=1)
    learning_rate: float = field(3e-4, "Adam's learning rate during the burn-in", above=0)
    lr_burnin: int = field(1_000_000, "steps at the full learning rate", minimum=0)
    lr_decay: int = field(100_000, "further steps, over which the rate falls to 0", minimum=0)
    beta_y: float = field(1.0, "weight of KL(q(y_1) || p(y_1))", minimum=0, models=_SRVP)
    beta_z: float = field(2.0, "weight of KL(q(z) || p(z))", minimum=0)
    l2_res_weight: float = field(
        1.0, "weight of the norm of the residuals", minimum=0, models=_SRVP
    )
    loss_weights: str = field(
        "", "weights of further loss terms, name=number, with commas between them", since=4
    )
    decoded_frames: int = field(
        0,
        "frames of each training clip that are decoded, drawn at random; 0 for all",
        minimum=0,
        models=_SRVP,
        since=5,
    )
    precision: str = field(
        "float32",
        "arithmetic of the convolutions; all else is float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
    )
    remat: bool = field(
        False, "compute activations of the convolutions twice, to save memory in training"
    )
    val_interval: int = field(20_000, "steps between validations", minimum=1)
    val_batches: int = field(25, "batches per validation", minimum=1)
    val_batch_size: int = field(16, "videos per validation batch", minimum=1)
    val_samples: int = field(100, "predictions per validation video", minimum=1)
    log_interval: int = field(100, "steps between logged losses", minimum=1)
    checkpoint_interval: int = field(5_000, "steps between checkpoints", minimum=1)
    keep_last: int = field(3, "checkpoints to keep beside the best", minimum=1)
    max_skipped_steps: int = field(
        10,
        "steps in a row that are skipped for a loss or gradient that is not finite, before "
        "training stops",
        minimum=0,
        since=3,
    )
    deterministic: bool = field(True, "bit-equal repetition on one device, at some cost in speed")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_steps == 0:
            raise UserError("--lr_burnin=0 and --lr_decay=0 leave no training step: raise one")
        self.weights(())

    def weights(self, terms: Collection[str]) -> dict[str, float]:
        """Name -> weight of every loss term that counts: a model's own `terms`, and further ones.

        Raises:
          UserError: --loss_weights names no such term, or gives no number.
        """
        named = {"kl_y1": self.beta_y, "kl_z": self.beta_z, "l2_res": self.l2_res_weight}
        own = {"nll", "mse", *named}
        further = {}
        for pair in filter(None, self.loss_weights.split(",")):
            name, _, number = pair.partition("=")
            try:
                further[name] = float(number)
            except ValueError:
                further[name] = math.nan
            if not 0 <= further[name] < math.inf or name not in LOSS_TERMS or name in own:
                known = ", ".join(name for name in LOSS_TERMS if name not in own)
                raise UserError(
                    f"--loss_weights={shown(self.loss_weights)}: give name=number of further loss "
                    f"terms ({known})"
                )
        return {name: named.get(name, 1.0) for name in terms} | further

    @property
    def num_steps(self) -> int:
        """Training steps in total: burn-in, then decay."""
        return self.lr_burnin + self.lr_decay


@dataclasses.dataclass(frozen=True)
class EvalConfig(Section):
    """Evaluation: how the test set is judged."""

    checkpoint: str = field("last", "model that is judged", choices=("last", "best"))
    num_samples: int = field(100, "predictions per video", minimum=1)
    num_videos: int = field(0, "test videos; 0 or all for all", minimum=0, words={"all": 0})
    eval_batch_size: int = field(16, "videos per batch", minimum=1)
    eval_seed: int = _seed(0, "seed of the predictions")


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that defines a run. Raises `UserError` when settings contradict each other."""

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()

    def __post_init__(self) -> None:
        model, data = self.model, self.data
        self.train.check_model(model.model)
        if data.nt_cond < model.nt_inf:
            raise UserError(
                f"--nt_cond={data.nt_cond} is less than --nt_inf={model.nt_inf}: condition on at "
                "least nt_inf frames"
            )
        if data.train_length < model.nt_inf:
            raise UserError(
                f"--train_length={data.train_length} is less than --nt_inf={model.nt_inf}: train "
                "on at least nt_inf frames"
            )
        if self.train.decoded_frames > data.train_length:
            raise UserError(
                f"--decoded_frames={self.train.decoded_frames} is more than "
                f"--train_length={data.train_length}: give fewer"
            )
        if data.state_size and data.state_size >= model.action_size:
            raise UserError(
                f"--state_size={data.state_size} is not less than --action_size="
                f"{model.action_size}, which counts both: give the actions' columns and the state's"
            )
        for name in ("val_length", "test_length"):
            if (length := getattr(data, name)) <= data.nt_cond:
                raise UserError(
                    f"--{name}={length} leaves nothing to predict after --nt_cond={data.nt_cond}: "
                    f"raise --{name}"
                )
        channels = CORPORA[data.dataset].channels
        if model.channels not in channels:
            raise UserError(
                f"--channels={model.channels} does not fit --dataset={data.dataset}: use "
                f"--channels={channels[0]}"
            )
        if data.dataset == "moving_mnist" and data.digits == "idx" and not data.digits_dir:
            raise UserError("--digits=idx needs --digits_dir, the folder of the MNIST idx files")

    def settings(self) -> dict[str, bool | float | str]:
        """Name -> value of every setting, in order."""
        return {
            spec.name: getattr(getattr(self, section), spec.name)
            for section, spec in config_fields()
        }

    def replace(self, **settings: bool | float | str) -> "Config":
        """The configuration with other values of some settings, by name; checked as a new one."""
        if unknown := settings.keys() - self.settings().keys():
            raise TypeError(f"no such setting: {', '.join(unknown)}")
        sections = {}
        for section in SECTIONS:
            own = getattr(self, section)
            names = {spec.name for spec in dataclasses.fields(own)} & settings.keys()
            sections[section] = dataclasses.replace(own, **{n: settings[n] for n in names})
        return Config(**sections)

    def to_json(self) -> str:
        """The configuration as indented JSON, one object per section."""
        header = {"format_version": CONFIG_FORMAT, "srvp_tf_version": __version__}
        return json.dumps(header | dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str | os.PathLike = "config.json") -> "Config":
        """Reads what `to_json` wrote; raises `UserError` that names `source` on anything else."""
        tree = parse_json(text, source)
        version = tree.get("format_version") if isinstance(tree, dict) else CONFIG_FORMAT
        if type(version) is not int or not 1 <= version <= CONFIG_FORMAT:
            raise UserError(
                f"{source}: format_version is {shown(repr(version))}, this is srvp-tf "
                f"{__version__}, which reads 1 to {CONFIG_FORMAT}: use the version of srvp-tf "
                "that wrote the file"
            )
        check_keys(tree, ("format_version", "srvp_tf_version", *SECTIONS), str(source))
        for name, section in SECTIONS.items():
            fields = dataclasses.fields(section)
            expected = [spec.name for spec in fields if spec.metadata["since"] <= version]
            check_keys(tree[name], expected, f"{source}, section {name}")
        try:
            return cls(**{name: section(**tree[name]) for name, section in SECTIONS.items()})
        except UserError as error:
            raise UserError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Config":
        """Reads a configuration file; raises `UserError` if it is missing or not valid."""
        try:
            text = read_text(local_path(path))
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{path} does not exist: give the folder of a training run") from None
        except UnicodeDecodeError:
            raise UserError(f"{path} is not a text file: restore the run's config.json") from None
        return cls.from_json(text, path)


SECTIONS = {spec.name: spec.type for spec in dataclasses.fields(Config)}
"""Section name -> dataclass, in the order in which they are shown and saved."""


def config_fields() -> Iterator[tuple[str, dataclasses.Field]]:
    """Every setting as (section name, dataclass field), in order."""
    for name, section in SECTIONS.items():
        for spec in dataclasses.fields(section):
            yield name, spec


def differing_settings(a: Config, b: Config, ignore: Collection[str] = ()) -> list[str]:
    """The settings in which `a` and `b` differ, as lines like `batch_size: 128 != 64`."""
    x, y = _with_whole_paths(a), _with_whole_paths(b)
    return [f"{k}: {x[k]} != {y[k]}" for k in x if x[k] != y[k] and k not in ignore]


def _with_whole_paths(config: Config) -> dict[str, bool | float | str]:
    """The settings; saved or given by a program, a path may still have its ~."""
    values = config.settings()
    paths = [spec.name for _, spec in config_fields() if spec.metadata["is_path"]]
    return values | {name: os.path.expanduser(values[name]) for name in paths}
