"""Peak memory of work in a process of its own. Loads nothing: TensorFlow starts in the child."""

import importlib
import multiprocessing

from srvp_tf.config.tensorflow_start import start_tensorflow


def peak_memory(module, function, *args):
    """Largest resident size, in GB, of a fresh process that calls `module.function(*args)`."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_report_peak, args=(theirs, module, function, args))
    process.start()
    theirs.close()  # ends the wait below should the process die
    try:
        return ours.recv()
    finally:
        process.join()


def _report_peak(connection, module, function, args):
    start_tensorflow(deterministic=True)
    getattr(importlib.import_module(module), function)(*args)
    # Not getrusage: its maximum includes the size of the parent that was forked.
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    connection.send(int(line.split()[1]) * 1024 / 1e9)
