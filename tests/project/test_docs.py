"""The documentation: built without a warning, complete, and its code runs."""

import importlib
import inspect
import os
import pkgutil
import pydoc
import re
import subprocess
import sys
import zlib
from pathlib import Path

import keras
import pytest

import data_pipelines
import export.client
import srvp_tf
from srvp_tf import experiments, models, video
from srvp_tf.models.configured_layer import ConfiguredLayer, SeededLayer
from srvp_tf.models.networks.convolutional import ConvDecoder, ConvEncoder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FRAMES_OR_LATENTS = {
    *("frames", "videos", "target", "prediction", "samples", "states", "features", "observed"),
    *("y", "z", "eps", "x", "params", "noise_y", "noise_z", "scores", "batches"),
}
# Of videos that are no array; said where the first word of the docstring leads.
WITHOUT_SHAPES = {
    "data_pipelines.corpora.prepared_corpus.PreparedCorpus.test_clips",
    "srvp_tf.SRVP.forecast_from_noise",
}


def run(command, folder):
    """What a command prints in a folder; it must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The documentation, built with warnings as errors."""
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    run([*command, "-d", folder / "cache", DOCS, folder / "html"], folder)
    return folder / "html"


@pytest.fixture(scope="module")
def referenced(html):
    """Dotted name -> object, of all that the reference describes."""
    inventory = (html / "objects.inv").read_bytes().split(b"\n", 4)[4]
    rows = [line.split() for line in zlib.decompress(inventory).decode().splitlines()]
    names = [name for name, kind, priority, *_ in rows if kind[:3] == "py:" and priority != "-1"]
    return {name: thing for name in names if (thing := pydoc.locate(name)) is not None}


def is_described(thing, referenced):
    return any(thing is other for other in referenced.values())


def test_every_page_is_built(html):
    for page in DOCS.rglob("*.md"):
        assert (html / page.relative_to(DOCS).with_suffix(".html")).is_file()
    settings = (html / "reference" / "settings.html").read_text(encoding="utf-8")
    assert "--nt_inf" in settings and "whole number, 1 to 1,000,000" in settings
    formulas = (html / "model.html").read_text(encoding="utf-8")
    assert "<msub>" in formulas and "mathjax.js" not in formulas.lower()


@pytest.mark.parametrize("module", [srvp_tf, data_pipelines, experiments, video, export.client])
def test_every_public_name_is_in_the_reference(module, referenced):
    settings = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    for name in set(module.__all__) - {"__version__"}:
        described = is_described(getattr(module, name), referenced)
        assert described or f"{{settings}} {name}\n" in settings, name


def test_every_layer_is_in_the_reference(referenced):
    found = set()
    for info in pkgutil.walk_packages(models.__path__, f"{models.__name__}."):
        module = importlib.import_module(info.name)
        found |= {
            thing
            for name, thing in vars(module).items()
            if inspect.isclass(thing) and issubclass(thing, keras.layers.Layer) and name[0] != "_"
        }
    # Bases that have nothing of their own for users.
    found -= {ConfiguredLayer, SeededLayer, ConvDecoder, ConvEncoder}
    ours = {thing for thing in found if thing.__module__.startswith("srvp_tf.")}
    assert len(ours) > 10
    assert not [thing for thing in ours if not is_described(thing, referenced)]


def test_all_have_docstrings_with_shapes(referenced):
    faults = []
    for name, thing in referenced.items():
        if not (inspect.isroutine(thing) or inspect.isclass(thing)):
            continue
        text = inspect.getdoc(thing) or ""
        if len(text) < 10:
            faults.append(f"{name} has no docstring")
        if inspect.isroutine(thing) and name not in WITHOUT_SHAPES:
            arrays = FRAMES_OR_LATENTS & set(inspect.signature(thing).parameters)
            # What is said of another function, which is named, holds here too.
            if arrays and "[" not in text and not re.search(r"[Aa]s `\w|see `\w", text):
                faults.append(f"{name} does not say the shape of {', '.join(sorted(arrays))}")
    assert len(referenced) > 100 and not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["start", "extending"])
def test_the_code_of_a_page_runs(name, tmp_path):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    page = tmp_path / f"{name}.py"  # TensorFlow reads the source of what it compiles
    page.write_text("\n".join(blocks), encoding="utf-8")
    (tmp_path / "pretrained").symlink_to(ROOT / "pretrained")
    printed = run([sys.executable, page], tmp_path)
    # The comments of the page say what it prints.
    for line in re.findall(r"print\(.*\) +# (.+)", text):
        assert line in printed


def run_of_extending(module, flagfile, tmp_path):
    """What the commands of docs/extending.md for a plugin print, by its very lines."""
    text = (DOCS / "extending.md").read_text(encoding="utf-8")
    for language, name in (("python", f"{module}.py"), ("text", flagfile)):
        content = re.search(rf"^```{language}\n(# {name}\n.*?)^```", text, re.M | re.S)[1]
        (tmp_path / name).write_text(content, encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)
    commands = next(block for block in blocks if f"--plugins={module}" in block)
    return run(["bash", "-ec", commands.replace("python -m", f"{sys.executable} -m")], tmp_path)


def test_a_model_of_ones_own_is_trained_judged_and_shown(tmp_path):
    out = run_of_extending("my_model", "blur.cfg", tmp_path)
    assert "mse" in out and "best of 2" in out
    assert (tmp_path / "blur.gif").is_file() and (tmp_path / "site" / "index.html").is_file()


def test_the_parts_of_a_file_outside_the_package_go_the_whole_way(tmp_path):
    """docs/extending.md: they are trained, evaluated, shown and exported."""
    out = run_of_extending("my_parts", "squares.cfg", tmp_path)
    assert "flicker" in out and "L1" in out
    assert (tmp_path / "inspection" / "squares.png").is_file()
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Falling squares" in page and "L1" in page
    assert (tmp_path / "models/mine/1/saved_model.pb").is_file()
