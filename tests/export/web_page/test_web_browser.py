"""The page in a real browser with the real runtime: its numbers, its controls, how it fails."""

import base64
import contextlib
import json
import time
from unittest.mock import Mock

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

import srvp_tf
from data_pipelines.moving_mnist import trajectories
from data_pipelines.readers.resizing import fit_frames
from export import parity
from srvp_tf.models import rng
from srvp_tf.models.noise import ForecastNoise
from srvp_tf.models.srvp import SRVP
from srvp_tf.runs.run_folder import load_model
from tests.export.small_export import KINDS, VARIANTS, eagerly, floats, make_run
from tests.export.web_page import web_demo
from tests.gallery.browser import chromium, emulate, requested

CLOSE = {"atol": 1e-4, "rtol": 0}
T, HORIZON, SIZE = 5, 20, (64, 64, 1)  # of the pretrained model
SAMPLES = 3  # futures that are compared
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
IMPORTS = """
const [given, done] = arguments;
const encoded = (arrays) => {
  const whole = new Float32Array(arrays.reduce((sum, x) => sum + x.length, 0));
  arrays.reduce((place, x) => (whole.set(x, place), place + x.length), 0);
  const bytes = new Uint8Array(whole.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768)
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
};
const load = (name) => import(new URL(`${name}.js`, document.baseURI));
(async () => { %s })().then(done, (error) => done({ error: String(error.stack) }));
"""
CAMERA = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"


@pytest.fixture(scope="module")
def driver():
    with chromium(*CAMERA) as driver:
        driver.set_script_timeout(120)
        yield driver


@pytest.fixture(scope="module")
def site(demo):
    with web_demo.serving(demo) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_forbidden(site):
    yield
    site.headers, site.missing = {}, ()


@pytest.fixture(scope="module")
def model():
    return load_model(web_demo.PRETRAINED)


@pytest.fixture(scope="module")
def exact(model):
    """The model in float64."""
    exact = SRVP(model.config, precision="float64")
    exact.set_weights(model.get_weights())
    return exact


@pytest.fixture(scope="module")
def examples(demo, model):
    """The videos of the page: float32 [4, T + HORIZON, H, W, 1] in [0, 1]."""
    return examples_of(demo, model.config)


@pytest.fixture(scope="module")
def tolerance(model, exact, examples):
    """Of each predicted frame, [HORIZON]: rounding grows on the way, in Keras too."""
    noise = drawn_noise(model.config, T + HORIZON)
    rounding = np.zeros(HORIZON)
    for frames in examples[:, :T]:
        ours, in_float64 = (
            eagerly(m.forecast_from_noise, frames[None], noise)[0] for m in (model, exact)
        )
        rounding = np.maximum(rounding, np.abs(ours - in_float64).max((0, 2, 3, 4)))
    return np.maximum(parity.FLOAT32.factor * np.maximum.accumulate(rounding), CLOSE["atol"])


def visit(driver, url, **preferences):
    emulate(driver, **preferences)
    driver.get("about:blank")
    driver.get(url)
    wait_until(driver, "return document.querySelector('#stage').dataset.drawn == 1")
    return driver


@pytest.fixture
def page(driver, site):
    """The driver, with the page of the pretrained model, whose first futures are drawn."""
    return visit(driver, site.url)


@pytest.fixture
def modules(driver, site):
    """The driver, with that page as another test left it: for what needs its code alone."""
    drawn = "return Boolean(document.querySelector('#stage[data-drawn]'))"
    if driver.current_url != site.url or not driver.execute_script(drawn):
        visit(driver, site.url)
    return driver


def wait_until(driver, script, seconds=60):
    deadline = time.monotonic() + seconds
    while not driver.execute_script(script):
        assert time.monotonic() < deadline, (script, problem(driver), driver.get_log("browser"))
        time.sleep(0.02)


def problem(driver):
    """The sentence that the page shows for a fault; empty if there is none."""
    return driver.find_element("id", "problem").text


def run(driver, body, given=None):
    """What an asynchronous script returns that may `load` the page's modules."""
    answer = driver.execute_async_script(IMPORTS % body, given)
    assert not isinstance(answer, dict) or "error" not in answer, answer
    return answer


def decoded(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(shape)


@contextlib.contextmanager
def before_every_page(driver, script):
    """Context: pages find the browser as a script left it."""
    added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def find(driver, name):
    return driver.find_element("id", name)


def press(driver, *keys):
    webdriver.ActionChains(driver).send_keys(
        *(getattr(webdriver.Keys, key, key) for key in keys)
    ).perform()


def redrawn(driver, work):
    """Do something and wait until the futures have been drawn once more."""
    before = int(find(driver, "stage").get_attribute("data-drawn"))
    work()
    wait_until(driver, f"return Number(document.querySelector('#stage').dataset.drawn) > {before}")


def set_slider(driver, name, value):
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
    redrawn(driver, lambda: driver.execute_script(script, find(driver, name), value))


STAGE = "const { stage } = await (await load('page')).ready;"


def futures_shown(driver):
    """The predicted frames on the stage: [S, K, H, W, C]."""
    script = STAGE + "return [encoded(stage.predicted.flat()), stage.predicted.length]"
    text, count = run(driver, script)
    return decoded(text, count, -1, *SIZE)


def assert_shown(driver, expected, tolerance):
    """The stage shows these futures [S, K, H, W, C]."""
    assert_close(futures_shown(driver), expected, tolerance)


def assert_close(found, expected, tolerance):
    """Futures [S, K, H, W, C] agree within the tolerance of each frame."""
    assert found.shape == expected.shape
    rate = -(-expected.shape[1] // HORIZON)
    by_frame = np.abs(found - expected).max((0, 2, 3, 4))
    assert (by_frame <= np.repeat(tolerance, rate)[: len(by_frame)]).all(), by_frame


def frames_shown(driver):
    """The frames that are known on the stage: [T, H, W, C]."""
    return decoded(run(driver, STAGE + "return encoded(stage.frames)"), -1, *SIZE)


# --- numbers -------------------------------------------------------------------------------------

FORECAST = (
    STAGE
    + """
const array = (numbers) => Float32Array.from(numbers);
stage.setFrames(given.frames.map(array));
stage.observed = stage.frames.length;
const noise = { y: (s) => array(given.y[s]), z: (s, frame) => array(given.z[s][frame - 1]) };
await stage.redraw({ noise, numFutures: given.y.length, rate: given.rate });
return encoded(stage.predicted.flat());
"""
)


def forecast(driver, frames, noise, rate=1):
    """Futures that the page draws of these frames and this noise: [S, K, H, W, C]."""
    y, z = noise.y_1[0].tolist(), noise.z[0].tolist()
    frames_given = frames.reshape(len(frames), -1).tolist()
    text = run(driver, FORECAST, {"frames": frames_given, "y": y, "z": z, "rate": rate})
    return decoded(text, len(y), -1, *frames.shape[1:])


def drawn_noise(config, num_frames, samples=SAMPLES):
    draw = np.random.default_rng(0).normal
    sizes = (1, samples, config.ny), (1, samples, num_frames - 1, config.noise_size)
    return ForecastNoise(*(draw(size=size).astype(np.float32) for size in sizes))


def examples_of(folder, config):
    shape = 4, -1, config.frame_size, config.frame_size, config.channels
    return floats(np.fromfile(folder / "examples.bin", np.uint8).reshape(shape))


@pytest.mark.parametrize(("rate", "num_observed"), [(1, 2), (4, 0)])
def test_the_frames_are_the_model_s(modules, model, tolerance, examples, rate, num_observed):
    frames = examples[0, : T + num_observed]
    noise = drawn_noise(model.config, T + HORIZON)
    expected = eagerly(model.forecast_from_noise, frames[None], noise, rate, rate)[0]
    found = forecast(modules, frames, noise, rate)
    assert expected.shape == (SAMPLES, (HORIZON - num_observed) * rate, 64, 64, 1)
    assert_close(found, expected, tolerance)
    assert expected.std() > 0.1


def test_the_page_errs_no_more_than_keras_does(modules, model, exact, examples):
    """Where 20 frames amplify the rounding of float32 most, in Keras too: up to 1e-3 in both."""
    noise = drawn_noise(model.config, T + HORIZON)
    ours, keras = [], []
    for frames in examples[1:, :T]:
        expected, rounded = (
            eagerly(m.forecast_from_noise, frames[None], noise)[0] for m in (exact, model)
        )
        found = forecast(modules, frames, noise)
        ours.append(np.abs(found - expected).max())
        keras.append(np.abs(rounded - expected).max())
    assert max(ours) <= parity.FLOAT32.factor * max(keras) <= parity.FLOAT32.most


def test_a_browser_without_relaxed_simd_takes_the_other_variant(
    driver, site, model, examples, tolerance
):
    no_small_module = (
        "const { instantiate } = WebAssembly; WebAssembly.instantiate = (code, ...rest) =>"
        " code.byteLength < 200 ? Promise.reject(new Error()) : instantiate(code, ...rest)"
    )
    driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    with before_every_page(driver, no_small_module):
        requested(driver)
        visit(driver, site.url)
        names = {url.rpartition("/")[2] for url in requested(driver)}
        assert "litert_wasm_compat_internal.wasm" in names
        assert "litert_wasm_internal.wasm" not in names
        assert_shown(driver, eagerly(model.forecast, examples[0, :T], HORIZON, 3, 0), tolerance)


@pytest.mark.parametrize("kind", ["gru, no z", pytest.param("vgg", marks=pytest.mark.long)])
def test_other_models_with_the_runtime_of_another_host(driver, litert_dir, tmp_path, kind):
    """Only the script and the runtime come from there: the model and the videos do not go there."""
    variant = {**KINDS, **VARIANTS}[kind]
    run_dir = make_run(tmp_path / "run", *variant)
    model = load_model(run_dir)
    c = model.config
    with web_demo.serving(litert_dir) as cdn:
        cdn.headers = {"Access-Control-Allow-Origin": "*"}
        arguments = "--horizon=2", f"--litert_cdn={cdn.url}"
        folder = web_demo.write(run_dir, tmp_path / "demo", *arguments)
        with web_demo.serving(folder) as server:
            visit(driver, server.url)
            assert problem(driver) == ""
            frames, noise = examples_of(folder, c)[1, :4], drawn_noise(c, 5)
            found = forecast(driver, frames, noise)
            assert find(driver, "rate").is_enabled() == (c.dynamics == "residual")
            assert not driver.find_elements("id", "board") == (c.channels == 3)
            cdn.missing = (".js",)
            assert "LiteRT.js, which runs the model, did not start" in fault(driver, server.url)
    expected = eagerly(model.forecast_from_noise, frames[None], noise, c.euler_steps)[0]
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_seed_gives_the_futures_that_it_gives_in_python(page, model, examples, tolerance):
    for name, value in (("futures", 2), ("rate", 2), ("seed", 7)):
        set_slider(page, name, value)
    sampling = {"euler_steps": 2, "frames_per_step": 2}
    expected = eagerly(model.forecast, examples[0, :T], HORIZON, 2, 7, **sampling)
    assert_shown(page, expected, tolerance)


def test_the_noise_is_that_of_the_library(modules):
    seeds = [0, 1, 99, 2**31, 2**32 + 5, 2**52 + 1]
    text = run(
        modules,
        "const { normal, PREDICT_LATENT } = await load('noise');"
        "return encoded(given.flatMap((seed) => [0, 3, 70000].map((frame) =>"
        " normal(seed, PREDICT_LATENT, 7, { index: frame % 4, frame }))))",
        seeds,
    )
    frames = np.array([0, 3, 70000], np.int64)
    address = np.array(seeds, np.int64)[:, None], rng.Purpose.PREDICT_LATENT, 7
    expected = rng.normal(*address, index=frames % 4, frame=frames)
    np.testing.assert_allclose(decoded(text, len(seeds), 3, 7), expected, rtol=2e-7)


@pytest.mark.parametrize("deterministic", [False, True])
def test_digits_move_by_the_rule(modules, deterministic):
    draw = np.random.default_rng(0).integers
    starts = [[*draw(0, 37, 2), *draw(-4, 5, 2)] for _ in range(50)]
    bounces = draw(-4, 5, (50, 60))
    given = {
        "starts": np.array(starts).tolist(),
        "bounces": bounces.tolist(),
        "deterministic": deterministic,
    }
    found = run(
        modules,
        "const { trajectory } = await load('motion');"
        "return given.starts.map(([x, y, dx, dy], i) => { let n = 0;"
        " const draw = given.deterministic ? null : () => given.bounces[i][n++];"
        " return trajectory({ x, y, dx, dy }, 25, 36, draw); })",
        given,
    )
    for path, start, drawn in zip(found, starts, bounces, strict=True):
        known = Mock(randint=Mock(side_effect=[*start, *drawn]))
        expected = trajectories.trajectory(known, 25, deterministic=deterministic)
        np.testing.assert_array_equal(path, expected[:, :2])


# --- controls ------------------------------------------------------------------------------------


def test_it_plays_at_once_and_asks_no_one_else(driver, site):
    requested(driver)
    visit(driver, site.url, calm=False)
    tick = "return Number(document.querySelector('#stage').dataset.tick)"
    before = driver.execute_script(tick)
    wait_until(driver, f"{tick} != {before}")
    assert problem(driver) == ""
    assert "frames per second" in find(driver, "meter").text
    addresses = {url for url in requested(driver) if url.split(":")[0] not in ("data", "about")}
    assert {url for url in addresses if not url.startswith(site.url)} == set()
    refused = [x["message"] for x in driver.get_log("browser") if "Content Security" in str(x)]
    assert refused == []


def test_sliders_change_what_is_drawn(page):
    first = futures_shown(page)
    assert first.shape == (3, HORIZON, 64, 64, 1)
    set_slider(page, "futures", 7)
    seven = futures_shown(page)
    assert len(page.find_elements("css selector", "#clips .clip")) == 8
    np.testing.assert_allclose(seven[:3], first, atol=1e-6)
    assert np.abs(seven[1:, -1] - seven[0, -1]).max(axis=(1, 2, 3)).min() > 0.1
    set_slider(page, "rate", 4)
    assert futures_shown(page).shape == (7, 4 * HORIZON, 64, 64, 1)
    set_slider(page, "rate", 1)
    redrawn(page, find(page, "another").click)
    assert find(page, "seed-value").text == "1"
    assert np.abs(futures_shown(page) - seven).max() > 0.1


def test_what_really_happened_changes_the_futures(page, model, examples, tolerance):
    frames = examples[0]
    redrawn(page, find(page, "observe").click)
    redrawn(page, lambda: press(page, "o"))
    assert "5 frames given, 2 more observed" in page.find_element("css selector", ".source").text
    assert_shown(page, eagerly(model.forecast, frames[: T + 2], HORIZON - 2, 3, 0), tolerance)
    redrawn(page, find(page, "again").click)
    assert_shown(page, eagerly(model.forecast, frames[:T], HORIZON, 3, 0), tolerance)
    assert not find(page, "again").is_enabled()


def test_every_control_can_be_reached_and_used_with_keys(page):
    names = set()
    for _ in range(60):
        press(page, "TAB")
        names.add(
            page.execute_script(
                "const e = document.activeElement;"
                "return e.id || e.className || e.getAttribute('aria-label')"
            )
        )
    assert names - {"thrown"} >= {
        "play", "back", "forth", "scrub", "Speed", "futures", "seed", "rate", "observe",
        "another", "thrown selected", "pick", "throw", "shuffle", "example", "file",
        "camera",
    }  # fmt: skip
    page.execute_script("document.activeElement.blur()")
    tick = "return Number(document.querySelector('#stage').dataset.tick)"
    press(page, "END")
    assert page.execute_script(tick) == T + HORIZON - 1
    press(page, "HOME", "ARROW_RIGHT", "ARROW_RIGHT")
    assert page.execute_script(tick) == 2
    assert page.find_element("css selector", ".time").text == "3 / 25 given"
    press(page, " ")
    assert "playing" in find(page, "stage").get_attribute("class")


def motions(driver):
    return json.loads(find(driver, "board").get_attribute("data-motions"))


def test_digits_are_picked_and_thrown_with_keys(page, model, demo, tolerance):
    first, second = page.find_elements("css selector", ".thrown")
    page.execute_script("arguments[0].focus()", first)
    before = motions(page)
    press(page, "ARROW_DOWN", "ARROW_DOWN", "ARROW_LEFT")
    first.send_keys(webdriver.Keys.SHIFT + webdriver.Keys.ARROW_RIGHT)
    after = motions(page)
    assert after[0]["dx"] == before[0]["dx"] + 2 and after[0]["dy"] == before[0]["dy"] - 1
    assert after[0]["y"] == before[0]["y"] + 1 and after[1] == before[1]
    press(page, *["ARROW_DOWN"] * 9)
    assert motions(page)[0]["dx"] == 4  # the corpus's fastest
    assert "4 down" in first.get_attribute("aria-label")
    for name in ("Pick a 0", "Pick a 7"):
        page.find_element("css selector", f'[aria-label="{name}"]').send_keys("\n")
    redrawn(page, lambda: find(page, "throw").send_keys("\n"))
    shown = frames_shown(page)
    assert len(shown) == T + HORIZON
    digits = np.fromfile(demo / "digits.bin", np.uint8).reshape(10, 28, 28)
    starts = [(m["x"], m["y"], m["dx"], m["dy"]) for m in motions(page)]
    expected = trajectories.render_digits(
        digits[[0, 7]],
        np.array([[[x + t * dx, y + t * dy] for t in range(3)] for x, y, dx, dy in starts]),
    )
    np.testing.assert_allclose(shown[:3, ..., 0], expected / 255, atol=1e-6)
    assert_shown(page, eagerly(model.forecast, shown[:T], HORIZON, 3, 0), tolerance)


def test_a_digit_let_go_in_motion_is_thrown(page):
    first = page.find_elements("css selector", ".thrown")[0]
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", first)

    def flick():
        actions = webdriver.ActionChains(page, duration=40).click_and_hold(first)
        for _ in range(4):
            actions.move_by_offset(12, 0)
        actions.release().perform()

    redrawn(page, flick)
    (x, y, dx, dy) = motions(page)[0].values()
    assert (dx, dy) == (0, 4) and x == 3 and y > 3
    assert find(page, "source").text == "The digits that you threw"


def test_a_drawn_digit_is_centred_and_used(page):
    pad = find(page, "pad")
    find(page, "use-pad").click()
    assert problem(page) == "Nothing is drawn yet: draw on the black square."
    page.execute_script("arguments[0].scrollIntoView({ block: 'center' })", pad)
    actions = webdriver.ActionChains(page, duration=40).move_to_element_with_offset(pad, -30, -20)
    actions.click_and_hold().move_by_offset(0, 60).release().perform()
    find(page, "use-pad").click()
    assert problem(page) == ""
    redrawn(page, find(page, "throw").click)
    (m, _) = motions(page)
    drawn = frames_shown(page)[0, m["x"] : m["x"] + 28, m["y"] : m["y"] + 28, 0]
    rows, columns = np.nonzero(drawn > 0.5)
    assert abs(rows.mean() - 13.5) <= 1 and abs(columns.mean() - 13.5) <= 1 and len(rows) >= 20


# --- clips ---------------------------------------------------------------------------------------


def colours(num_frames, height, width, channels=3):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (num_frames, 7, 9, channels), np.uint8)
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 9 // width
    return coarse[:, rows][:, :, columns]


def test_images_are_cropped_shrunk_and_made_grey(page, tmp_path):
    frames = colours(T + 1, 150, 210)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"{i + 7}.png")  # 10 comes after 9
    paths = "\n".join(str(path) for path in sorted(tmp_path.iterdir()))
    redrawn(page, lambda: find(page, "file").send_keys(paths))
    expected = fit_frames(frames, 64, 1) / 255
    np.testing.assert_allclose(frames_shown(page), expected, atol=1.01 / 255)
    assert find(page, "source").text == "6 files" and problem(page) == ""
    redrawn(page, find(page, "observe").click)
    assert not find(page, "observe").is_enabled()
    assert "what came next is not known" in find(page, "observed").text


def test_a_gif_is_taken_apart(page, tmp_path):
    frames = colours(30, 96, 120)
    srvp_tf.write_video(tmp_path / "clip.gif", frames)  # with a margin
    redrawn(page, lambda: find(page, "file").send_keys(str(tmp_path / "clip.gif")))
    shown = frames_shown(page)
    assert len(shown) == T + HORIZON
    with Image.open(tmp_path / "clip.gif") as image:
        stored = [np.asarray(x.convert("RGB")) for x in ImageSequence.Iterator(image)]
    expected = fit_frames(np.stack(stored)[: T + HORIZON], 64, 1) / 255
    np.testing.assert_allclose(shown, expected, atol=1.01 / 255)


def test_what_is_no_clip_is_said(page, tmp_path):
    srvp_tf.write_video(tmp_path / "short.gif", colours(2, 32, 32))
    (tmp_path / "text.png").write_text("no image")
    for name, message in (("short.gif", "2 frames; the model needs 5"), ("text.png", "no image")):
        find(page, "file").send_keys(str(tmp_path / name))
        wait_until(page, "return !document.getElementById('problem').hidden")
        assert message in problem(page)
        redrawn(page, find(page, "another").click)  # and all goes on
        assert problem(page) == ""


def test_a_video_gives_ten_frames_a_second(page, tmp_path):
    frames = np.repeat(np.arange(0, 240, 8, dtype=np.uint8), 3)[:, None, None, None]
    frames = np.broadcast_to(frames, (len(frames), 64, 64, 3))
    with av.open(tmp_path / "clip.webm", "w") as file:
        stream = file.add_stream("libvpx", rate=30, width=64, height=64, pix_fmt="yuv420p")
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))))
        file.mux(stream.encode())
    redrawn(page, lambda: find(page, "file").send_keys(str(tmp_path / "clip.webm")))
    shown = frames_shown(page)
    assert len(shown) == T + HORIZON
    np.testing.assert_allclose(shown.mean((1, 2, 3)), np.arange(25) * 8 / 255, atol=8 / 255)


def test_the_camera_is_watched(page):
    redrawn(page, find(page, "camera").click)
    shown = frames_shown(page)
    assert len(shown) == T + HORIZON and shown.std() > 0.1
    assert np.abs(shown[-1] - shown[0]).max() > 0.1
    assert find(page, "camera").is_enabled() and find(page, "source").text == "Your camera"


def test_a_camera_that_is_not_allowed_is_said(page):
    page.execute_script(
        "navigator.mediaDevices.getUserMedia = () =>"
        " Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    find(page, "camera").click()
    wait_until(page, "return !document.getElementById('problem').hidden")
    assert problem(page).startswith("The camera was not allowed: ")


# --- how it looks, and how it fails --------------------------------------------------------------


def test_a_phone_needs_no_sideways_scrolling(driver, site):
    visit(driver, site.url, width=320, height=800)
    set_slider(driver, "futures", 7)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 320


def test_it_follows_the_dark_and_the_light(page):
    for dark in (False, True):
        emulate(page, dark=dark)
        colour = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, colour[4:-1].split(","))) < 64) == dark


def fault(driver, url):
    """The sentence that a page shows which cannot start."""
    driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    driver.get("about:blank")
    driver.get(url)
    wait_until(driver, "return !document.getElementById('problem').hidden")
    assert not find(driver, "loading").is_displayed()
    return problem(driver)


def test_from_a_file_it_says_what_to_do(driver, demo):
    text = fault(driver, (demo / "index.html").as_uri())
    assert text.startswith("Browsers run no models from files: in this folder, run")


def test_a_browser_that_cannot_is_told(driver, site):
    needs = "It needs WebAssembly with SIMD: allow that for this page, or try a newer browser."
    with before_every_page(driver, "delete globalThis.WebAssembly"):
        assert fault(driver, site.url).endswith(needs)
    site.headers = {"Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}
    assert fault(driver, site.url).endswith(needs)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("model.tflite", "model.tflite cannot be had: the server says 404."),
        ("litert/dist/index.js", "LiteRT.js, which runs the model, did not start: "),
        ("_internal.wasm", "LiteRT.js, which runs the model, did not start: "),
        ("examples.bin", "examples.bin cannot be had: the server says 404."),
        ("page.js", "Parts of this page were blocked or are missing"),
    ],
)
def test_a_file_that_is_blocked_is_said(driver, site, missing, message):
    site.missing = (missing,)
    assert message in fault(driver, site.url)
