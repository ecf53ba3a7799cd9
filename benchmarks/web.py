"""The page of `export.web`, measured: `python -m benchmarks.web --demo=demo`.

Frames per second of one model in headless Chromium, by LiteRT.js, and in Python, by ai-edge-litert
with one thread: the same file, the same calls, the encoding of the given frames included. Both take
turns; rates and ratios are of medians. Needs selenium, chromium and chromedriver.
"""

import argparse
import functools
import json
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import processor, table
from srvp_tf.config.tensorflow_start import start_tensorflow

HEADER = ("futures", "frames", "in the page, frames/s", "in Python, frames/s", "page over Python")
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demo", default="demo", help="folder that `export.web` wrote")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each variant")
    arguments = parser.parse_args()

    start_tensorflow(deterministic=False)
    print(processor(), end="\n\n")
    print(table(HEADER, _rows(Path(arguments.demo), arguments.rounds)))


def _rows(folder, rounds):
    from export.web_page import composition, page
    from export.writers import tflite as tflite_writer
    from tests.export.web_page.web_demo import serving
    from tests.gallery.browser import chromium

    told = json.loads((folder / page.METADATA).read_text(encoding="utf-8"))
    model, settings = told["config"]["model"], told["settings"]
    num_frames, horizon = settings["conditioning_frames"], settings["horizon"]
    size = model["frame_size"], model["frame_size"], model["channels"]
    examples = np.fromfile(folder / page.EXAMPLES, np.uint8).reshape(-1, *size)
    frames = (examples[:num_frames] / 255).astype(np.float32)
    call = tflite_writer.load_tflite(folder / page.MODEL, num_threads=1)
    nz = model["nz"] if model["stochastic"] else 0
    rng = np.random.default_rng(0)

    def in_python(futures, rate):
        y = rng.normal(size=(futures, model["ny"])).astype(np.float32)
        length = num_frames - 1 + horizon
        z = rng.normal(size=(futures, length, nz)).astype(np.float32)
        begin = time.perf_counter()
        composition.forecast(call, frames, y, z, rate, rate)
        return time.perf_counter() - begin

    rows = []
    with serving(folder) as server, chromium() as driver:
        driver.get(server.url)
        for futures, rate in ((1, 1), (4, 1), (4, 4)):
            ways = {
                "page": functools.partial(driver.execute_async_script, DRAW, futures, rate),
                "python": functools.partial(in_python, futures, rate),
            }
            seconds = {name: [] for name in ways}
            for _ in range(rounds + WARM_UPS):
                for name, way in ways.items():
                    seconds[name].append(way())
            count = futures * horizon * rate
            rates = {name: count / statistics.median(x[WARM_UPS:]) for name, x in seconds.items()}
            ratio = f"{rates['page'] / rates['python']:.2f}"
            rows.append(
                [f"{futures}", f"{count}", f"{rates['page']:.0f}", f"{rates['python']:.0f}", ratio]
            )
    return rows


if __name__ == "__main__":
    main()
