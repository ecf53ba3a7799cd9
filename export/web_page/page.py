"""The page itself: its HTML by a template, its scripts, styles and material as files."""

import importlib.resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_pipelines.moving_mnist.digits import load_embedded
from export.web_page import runtime
from export.web_page.signatures import has_sub_steps
from export.writers.settings import ExportSettings
from srvp_tf._version import __version__
from srvp_tf.config import Config
from srvp_tf.gallery_page.page import load_template

PAGE, MODEL, METADATA = "index.html", "model.tflite", "model.json"
EXAMPLES, DIGITS = "examples.bin", "digits.bin"
MAX_FUTURES, MAX_RATE = 7, 8  # with what happened, two whole rows; 7 is within a call's 8
_GALLERY_STYLE = "style.css"  # the page looks like the gallery
_LICENCE = "LICENSE"
# Test digits of the package that look like 0 to 9, in this order, to be thrown.
_DIGITS = 43, 53, 57, 6, 107, 33, 26, 102, 22, 63


class DemoPage(NamedTuple):
    """What a page is made of.

    title: plain text. run: name of the run.
    config, settings: of the run and of what was exported.
    corpus: name of the examples' corpus. examples: its test videos, uint8 [N, T, H, W, C].
    runtime: where LiteRT.js is.
    """

    title: str
    run: str
    config: Config
    settings: ExportSettings
    corpus: str
    examples: np.ndarray
    runtime: runtime.Runtime

    @property
    def throws_digits(self) -> bool:
        """Whether digits can be thrown, to move as in the corpus that the run was trained on."""
        return self.config.data.dataset == "moving_mnist"

    def data(self) -> dict:
        """What the scripts are told, as JSON."""
        model, data = self.config.model, self.config.data
        digits = {
            "file": DIGITS,
            "numDigits": data.num_digits,
            "maxSpeed": data.max_speed,
            "deterministic": data.motion == "deterministic",
        }
        return {
            "model": MODEL,
            "wasm": self.runtime.wasm,
            "frameSize": model.frame_size,
            "channels": model.channels,
            "ny": model.ny,
            "nz": model.noise_size,
            "eulerSteps": model.euler_steps,
            "hasSubSteps": has_sub_steps(model),
            "conditioningFrames": self.settings.conditioning_frames,
            "horizon": self.settings.horizon,
            "maxFutures": MAX_FUTURES,
            "maxRate": MAX_RATE if has_sub_steps(model) else 1,
            "examples": {"file": EXAMPLES, "count": len(self.examples)},
            "digits": digits if self.throws_digits else None,
            "corpus": data.dataset,
        }


def render_demo(page: DemoPage, model_bytes: int) -> str:
    """The HTML of a page; every text in it is escaped."""
    template = load_template("export.web_page", "index.html.jinja")
    return template.render(
        page=page,
        data=page.data(),
        runtime=page.runtime,
        licence=runtime.LICENCE,
        package=runtime.PACKAGE,
        runtime_megabytes=runtime.LOADED_MEGABYTES,
        model_megabytes=f"{model_bytes / 1e6:.1f}",
        version=__version__,
    )


def write_demo(page: DemoPage, folder: Path) -> dict[str, int]:
    """Write all but the model, which lies there, into the page's folder.

    Returns part of the page -> its size in bytes.
    """
    sources = importlib.resources.files("export.web_page")
    sizes = {"model": (folder / MODEL).stat().st_size}
    with importlib.resources.as_file(sources / _LICENCE) as licence:
        sizes["LiteRT.js"] = runtime.copy(page.runtime, folder, licence)
    (folder / PAGE).write_text(render_demo(page, sizes["model"]), encoding="utf-8")
    for file in (sources / "static").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    style = importlib.resources.files("srvp_tf.gallery_page") / "static" / _GALLERY_STYLE
    (folder / _GALLERY_STYLE).write_bytes(style.read_bytes())
    (folder / EXAMPLES).write_bytes(np.ascontiguousarray(page.examples, np.uint8).tobytes())
    if page.throws_digits:
        (folder / DIGITS).write_bytes(load_embedded().test[list(_DIGITS)].tobytes())
    whole = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return sizes | {"the rest": whole - sum(sizes.values())}
