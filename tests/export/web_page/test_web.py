"""The page's folder: what is in it, what is refused, and the parts of its model."""

import json
import re
import shutil

import numpy as np
import pytest

from data_pipelines.moving_mnist.digits import load_embedded
from export import web
from export.web_page import composition, page, runtime, signatures
from export.writers import tflite as tflite_writer
from export.writers.real_frames import real_frames
from export.writers.settings import ExportSettings
from srvp_tf.config import Config, DataConfig
from srvp_tf.runs.run_folder import load_model
from tests.export import small_export
from tests.export.small_export import KINDS, eagerly
from tests.export.web_page import web_demo
from tests.runs import small_run

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
VARIANTS = {**KINDS, **small_export.VARIANTS}
QUICK = ("vgg", "gru, no z")
T, HORIZON, SAMPLES = 3, 4, 3
WASM = [name for name in runtime.FILES if name != runtime.MODULE]


def stand_in(folder):
    """A folder with the files of an npm package LiteRT.js in name only."""
    for name in runtime.FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    told = {"name": runtime.PACKAGE, "version": runtime.TRIED_VERSION}
    (folder / "package.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return stand_in(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def made(package, tmp_path_factory):
    """A demo of a small run of a hostile name and title."""
    folder = tmp_path_factory.mktemp("made")
    run_dir = small_export.make_run(folder / "<b>run")
    arguments = f"--litert_dir={package}", "--horizon=2", "--title=<script>alert(1)</script>"
    return web_demo.write(run_dir, folder / "demo", *arguments)


# --- the model -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variant",
    [*(pytest.param(v, marks=pytest.mark.long) for v in VARIANTS if v not in QUICK), *QUICK],
)
def test_the_parts_put_together_are_the_forecast(variant, tmp_path):
    model = load_model(small_export.make_run(tmp_path / "run", *VARIANTS[variant]))
    c = model.config
    settings = ExportSettings(T, T, HORIZON, 1, c.euler_steps, 1)
    parts = signatures.build_parts(model.frozen(), settings)
    content, _ = tflite_writer.convert_signatures(parts, 1, "none")
    (tmp_path / "model.tflite").write_bytes(content)
    call = tflite_writer.load_tflite(tmp_path / "model.tflite")
    rng = np.random.default_rng(0)
    frames = rng.random((T, c.frame_size, c.frame_size, c.channels), np.float32)
    noise_y = rng.normal(size=(SAMPLES, c.ny)).astype(np.float32)
    noise_z = rng.normal(size=(SAMPLES, T - 1 + HORIZON, c.noise_size)).astype(np.float32)
    rates = [(c.euler_steps, 1), (4, 4), (6, 3)] if c.dynamics == "residual" else [(1, 1)]
    for sampling in rates:
        noise = noise_y[None], noise_z[None]
        expected = eagerly(model.forecast_from_noise, frames[None], noise, *sampling)[0]
        found = composition.forecast(call, frames, noise_y, noise_z, *sampling)
        np.testing.assert_allclose(found, expected, **CLOSE)


# --- the folder ----------------------------------------------------------------------------------


def test_all_that_the_page_names_is_there(made):
    listed = json.loads((made / "demo.json").read_text())
    files = {x.relative_to(made).as_posix() for x in made.rglob("*") if x.is_file()}
    assert files == {"demo.json", *listed["files"]} and listed["generator"] == "export.web"
    named = {"style.css", "demo.css", "page.js", "model.tflite", "model.json", "litert/LICENSE"}
    for script in made.glob("*.js"):
        named |= set(re.findall(r'from "\./(\w+\.js)"', script.read_text()))
    named |= {"examples.bin", "digits.bin", "litert/dist/index.js", *map("litert/{}".format, WASM)}
    assert named <= files
    licence = (web_demo.PRETRAINED.parents[1] / "LICENSE").read_text()
    assert (made / "litert" / "LICENSE").read_text() == licence


def test_every_text_is_escaped(made):
    text = (made / "index.html").read_text()
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text
    assert "<b>run" not in text and "&lt;b&gt;run" in text


def test_the_page_is_told_what_the_model_takes(made, dcgan):
    data = page_data(made)
    c = dcgan.model.config
    told = data["frameSize"], data["channels"], data["ny"], data["nz"]
    assert told == (c.frame_size, c.channels, c.ny, c.nz)
    assert data["conditioningFrames"] == T and data["horizon"] == 2 and data["hasSubSteps"]
    rules = {"file": "digits.bin", "numDigits": 1, "maxSpeed": 4, "deterministic": False}
    assert data["digits"] == rules
    metadata = json.loads((made / "model.json").read_text())
    assert set(metadata["signatures"]) == {"encode", "observe", "prior", "step", "decode"}
    assert set(metadata["parity"]["errors"]) == {
        "encode", "observe", "forecast, 1 a frame", "forecast, 4 a frame"
    }  # fmt: skip


def page_data(folder):
    text = (folder / "index.html").read_text()
    return json.loads(re.search(r'id="demo">(.*?)</script>', text)[1])


def test_the_material_is_of_the_test_set(made):
    digits = np.fromfile(made / "digits.bin", np.uint8).reshape(10, 28, 28)
    of_test = {picture.tobytes() for picture in load_embedded().test}
    assert all(picture.tobytes() in of_test for picture in digits)
    examples = np.fromfile(made / "examples.bin", np.uint8).reshape(4, T + 2, 32, 32, 1)
    expected, _ = real_frames(small_run.config(), 4, T + 2)
    np.testing.assert_array_equal(examples, expected)


def test_a_demo_of_another_corpus_takes_the_place_of_a_demo(made, capsys, tmp_path):
    run_dir = small_export.make_run(tmp_path / "run", "--dataset=bair", "--channels=3")
    folder = shutil.copytree(made, tmp_path / "demo")
    (folder / "page.js").write_text("old")
    arguments = "--horizon=1", "--quantize=float16", f"--litert_cdn={runtime.CDN}"
    web_demo.write(run_dir, folder, *arguments)
    out = capsys.readouterr().out
    assert "parity: moving digits in the place of bair" in out
    assert re.search(r"^ +\d+\.\d MB  model\n  0\.0 MB  LiteRT\.js$", out, re.M)
    assert f"LiteRT.js {runtime.TRIED_VERSION} (Apache-2.0), loaded from {runtime.CDN}; a" in out
    assert page_data(folder)["digits"] is None and page_data(folder)["horizon"] == 1
    text = (folder / "index.html").read_text()
    assert "Throw digits" not in text and runtime.CDN + "dist/index.js" in text
    assert "of moving_mnist: bair was not at hand" in text
    assert not (folder / "litert").exists() and not (folder / "digits.bin").exists()
    assert (folder / "page.js").read_text() != "old"
    told = [json.loads((x / "model.json").read_text())["quantize"] for x in (made, folder)]
    assert told == ["none", "float16"]


@pytest.mark.parametrize("name", ["thesis.tex", "gallery.json"])
def test_a_folder_that_holds_no_demo_is_left_alone(dcgan, capsys, tmp_path, name):
    (tmp_path / name).write_text("mine")
    arguments = f"--run_dir={dcgan.run_dir}", f"--output={tmp_path}"
    line = small_export.refusal(capsys, web, *arguments)
    assert f"holds {name}, no demo's: name another folder" in line
    assert (tmp_path / name).read_text() == "mine"


def test_a_package_without_a_file_is_refused(dcgan, capsys, tmp_path):
    package = stand_in(tmp_path / "package")
    (package / WASM[-1]).unlink()
    arguments = f"--run_dir={dcgan.run_dir}", f"--litert_dir={package}"
    line = small_export.refusal(capsys, web, *arguments)
    assert f"is no unpacked {runtime.PACKAGE} {runtime.TRIED_VERSION}" in line


def test_thrown_digits_obey_the_run_s_law():
    data = DataConfig(dataset="moving_mnist", motion="deterministic", num_digits=3, max_speed=2)
    others = ExportSettings(T, T, HORIZON, 1, 1, 1), 4, runtime.CDN
    law = {"numDigits": 3, "maxSpeed": 2, "deterministic": True}
    assert page.page_data(Config(data=data), *others)["digits"] == {"file": "digits.bin"} | law
    other = Config(data=DataConfig(dataset="kth", data_dir="x"))
    assert page.page_data(other, *others)["digits"] is None
