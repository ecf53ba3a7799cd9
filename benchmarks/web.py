"""The page of `export.web`, measured: `python -m benchmarks.web --demo=demo`.

Frames per second of one model in headless Chromium, by LiteRT.js, and in Python, by ai-edge-litert
with one thread: the same file, the same calls, the encoding of the given frames included. Both take
turns; rates and ratios are of medians. Needs selenium, chromium and chromedriver.
"""

import functools
import json
from pathlib import Path

import numpy as np

from benchmarks.harness import parser_of, print_table, start, timed, turns

WARM_UPS = 5  # a browser compiles in the background what is called often
DRAW = """
const [numFutures, rate, done] = arguments;
(async () => {
  const { model, stage } = await (await import(new URL("page.js", document.baseURI))).ready;
  const before = model.seconds;
  await stage.redraw({ seed: 0, numFutures, rate });
  return model.seconds - before;
})().then(done);
"""


def main():
    """Print the table."""
    parser = parser_of(__doc__, rounds=15)
    parser.add_argument("--demo", default="demo", help="folder that `export.web` wrote")
    a = parser.parse_args()
    start(deterministic=False)
    print_table(rows(Path(a.demo), a.rounds))


def rows(folder, rounds):
    """A row for each number of futures and frame rate."""
    from export.web_page import composition, page
    from export.writers.tflite import load_tflite
    from tests.export.web_page.web_demo import serving
    from tests.gallery.browser import chromium

    told = json.loads((folder / page.METADATA).read_text(encoding="utf-8"))
    model, settings = told["config"]["model"], told["settings"]
    num_frames, horizon = settings["conditioning_frames"], settings["horizon"]
    size = model["frame_size"], model["frame_size"], model["channels"]
    examples = np.fromfile(folder / page.EXAMPLES, np.uint8).reshape(-1, *size)
    frames = (examples[:num_frames] / 255).astype(np.float32)
    call = load_tflite(folder / page.MODEL, num_threads=1)
    nz = model["nz"] if model["stochastic"] else 0
    rng = np.random.default_rng(0)

    def in_python(futures, rate):
        y = rng.normal(size=(futures, model["ny"])).astype(np.float32)
        z = rng.normal(size=(futures, num_frames - 1 + horizon, nz)).astype(np.float32)
        return timed(lambda: composition.forecast(call, frames, y, z, rate, rate))[0]

    with serving(folder) as server, chromium() as driver:
        driver.get(server.url)
        for futures, rate in ((1, 1), (4, 1), (4, 4)):
            ways = {
                "page": functools.partial(driver.execute_async_script, DRAW, futures, rate),
                "Python": functools.partial(in_python, futures, rate),
            }
            page_s, python_s = turns(ways, rounds, WARM_UPS).values()
            count = futures * horizon * rate
            yield {
                "futures": futures,
                "frames": count,
                "in the page, frames/s": f"{count / page_s:.0f}",
                "in Python, frames/s": f"{count / python_s:.0f}",
                "page over Python": f"{python_s / page_s:.2f}",
            }


if __name__ == "__main__":
    main()
