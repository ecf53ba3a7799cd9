"""A control loop on an exported model with actions: `python -m benchmarks.control_loop`.

At each step the loop observes a frame with the action that led to it, and asks what the next action
would show. Latency of both through the SavedModel in this process, through gRPC on this machine and
through TFLite; and memory after a tenth of the steps and after all, through gRPC of the client and
of the server. Without --run_dir the model is untrained, and its f made small.
"""

import contextlib
import dataclasses
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.harness import parser_of, print_table, start
from srvp_tf.errors import UserError

SIZE = 2  # of the actions of the untrained model
WARM = 20  # steps that are not counted


def main():
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--run_dir", help="of a model with actions")
    parser.add_argument("--steps", type=int, default=10_000)
    a = parser.parse_args()
    if a.steps < 10:
        parser.error("--steps: give 10 or more")
    start(deterministic=False)
    with tempfile.TemporaryDirectory() as name:
        try:
            print_table(rows(a.run_dir, a.steps, Path(name)))
        except UserError as error:
            sys.exit(f"benchmarks.control_loop: {error}")


def rows(run_dir, steps, folder):
    """The rows of the table, one by one."""
    model, settings = exported(run_dir, folder)
    for title, route in ROUTES.items():
        with route(model, settings, folder) as (loop, processes):
            measured = measure(model, settings, loop, processes, steps)
        yield {"through": title} | measured


def exported(run_dir, folder):
    """(model, its `ExportSettings`); writes a SavedModel and a TFLite file."""
    from benchmarks.serving import settings_of
    from benchmarks.settings import config_of
    from export.writers import saved_model, tflite
    from srvp_tf.config.registries import MODELS
    from srvp_tf.runs.run_folder import RunFolder, load_model

    if run_dir:
        config, model = RunFolder.find(run_dir).config(), load_model(run_dir)
        if not model.config.action_size:
            raise UserError(f"--run_dir={run_dir}: its model takes no actions")
    else:
        config = config_of("quickstart")
        model = MODELS[config.model.model](dataclasses.replace(config.model, action_size=SIZE))
        for weight in model.dynamics.weights:  # else y leaves float32 after some 200 steps
            weight.assign(0.1 * weight)
    settings = settings_of(config, horizon=1)
    saved_model.write_served(folder / "served" / "1", model.frozen(), settings)
    (folder / "model.tflite").write_bytes(tflite.convert(model.frozen(), settings, 1, "none")[0])
    return model, settings


def streams_on(ask, model, settings):
    """A function that begins an `export.client.Stream` on a caller of signatures."""
    from export.client import ModelMetadata, Stream
    from export.signatures.build import build_signatures

    metadata = ModelMetadata("srvp", 1, build_signatures(model, settings))

    def call(name, tensors):
        outputs = ask(name, tensors)
        if not outputs["valid"].all():  # as the client does: zeros are no prediction
            count = int(tensors["frame_index"][0])
            raise UserError(f"the state is no longer finite after {count} frames: lower --steps")
        return outputs

    return lambda frames, actions: Stream(call, metadata, frames, 0, actions)


def through_saved_model(model, settings, folder):
    """The SavedModel, in this process."""
    from export.writers.saved_model import load_saved_model

    ask = load_saved_model(folder / "served" / "1")
    return contextlib.nullcontext((streams_on(ask, model, settings), [None]))


@contextlib.contextmanager
def through_grpc(model, settings, folder):
    """The client library and the local server, a process of its own, on 127.0.0.1."""
    from export.client import Client
    from tests.export.served import server_process

    with server_process(folder / "served") as (process, (grpc, _)), Client(grpc) as client:
        yield (lambda frames, actions: client.stream(frames, 0, actions)), [None, process.pid]


def through_tflite(model, settings, folder):
    """TFLite, in this process; its noise is an input."""
    from export.signatures.seeded_noise import draw_at_frame, draw_from_start
    from export.writers.tflite import load_tflite

    ask, c = load_tflite(folder / "model.tflite"), model.config
    seed, count = np.zeros(1, np.int64), settings.conditioning_frames
    at_frame = {k: x.numpy() for k, x in draw_at_frame(c, seed, seed + count).items()}
    noise = {"encode": {k: x.numpy() for k, x in draw_from_start(c, seed, count).items()}}

    def with_noise(name, tensors):
        return ask(name, tensors | noise.get(name, at_frame))

    return contextlib.nullcontext((streams_on(with_noise, model, settings), [None]))


ROUTES = {
    "SavedModel": through_saved_model,
    "gRPC": through_grpc,
    "TFLite": through_tflite,
}


def measure(model, settings, begin, processes, steps):
    """Columns of a row: latency of `step` and `observe`, memory of processes (None: this one)."""
    c, rng, count = model.config, np.random.default_rng(0), settings.conditioning_frames
    shape = (c.frame_size, c.frame_size, c.channels)
    frames = rng.random((count + 8, *shape), np.float32)
    actions = rng.normal(model.action_mean, model.action_scale, (64, c.action_size))
    actions = actions.astype(np.float32)
    stream = begin(frames[:count], actions[: count - 1])
    observed, stepped, memory = [], [], []
    for i in range(steps + WARM):
        action, start = actions[i % 64], time.perf_counter()
        stream.observe(frames[i % len(frames)], action)
        middle = time.perf_counter()
        stream.step(action)
        observed.append(middle - start)
        stepped.append(time.perf_counter() - middle)
        if i + 1 in (steps // 10 + WARM, steps + WARM):
            resident = (psutil.Process(x).memory_info().rss / 2**20 for x in processes)
            memory.append(" + ".join(f"{x:.0f}" for x in resident) + " MiB")

    def milliseconds(seconds):
        median, slow = np.percentile(np.array(seconds[WARM:]) * 1000, [50, 95])
        return f"{median:.1f} ms ({slow:.1f})"

    return {
        "step(action), median (95 %)": milliseconds(stepped),
        "observe(frame, action)": milliseconds(observed),
        f"memory after {steps // 10:,} steps": memory[0],
        f"after {steps:,}": memory[1],
    }


if __name__ == "__main__":
    main()
