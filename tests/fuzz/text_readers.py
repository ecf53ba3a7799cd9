"""Readers of texts: configurations, flagfiles, results."""

import contextlib
import functools
import io
import json
import operator
from pathlib import Path

from absl import flags

from tests.fuzz.reader import Reader

_CONFIG = "config.json"


def _configs():
    from srvp_tf.config import Config

    return {"config": Config().to_json().encode()}


def _read_config(folder):
    from srvp_tf.config import Config
    from srvp_tf.runs.run_folder import save_config

    config = Config.load(folder / _CONFIG)
    save_config(config, folder.parent / "out" / _CONFIG)
    assert Config.load(folder.parent / "out" / _CONFIG) == config, "saved and loaded: another one"
    return repr(config)


def _official():
    return {"config": Path("tests/data/golden/official_dcgan_gray/config.json").read_bytes()}


def _read_official(folder):
    from srvp_tf.authors.settings import read_config
    from srvp_tf.runs.run_folder import save_config

    config = read_config(folder / _CONFIG)
    save_config(config, folder.parent / "out" / _CONFIG)
    return repr(config)


def _hostile_jsons(text, *path):
    """Name -> text; `text` can be read, other values are put at a path of keys into it."""
    tree = json.loads(text)
    texts = {
        "nested": "[" * 100_000,
        "nested_objects": '{"a":' * 100_000,
        "long": " " * (64 << 20) + json.dumps(tree),
        "many_lists": "[" + "[]," * 8_000_000 + "[]]",
        "not_utf8": "\xff\xfe",
        "marked": "\ufeff" + json.dumps(tree),
        "twice": json.dumps(tree)[:-1] + "," + json.dumps(tree)[1:],
        "empty": "",
    }
    values = {
        "infinite": "1e400",
        "nan": "NaN",
        "digits": "9" * 5000,
        "many_digits": "9" * 4000,
        "2^63": str(2**63),
        "negative": "-1",
        "float": "1.0",
        "true": "true",
        "text": '"12"',
        "lines": '"a\\nb\\u001b[31m"',
        "surrogate": '"\\ud800"',
        "nul": '"\\u0000"',
        **{f"nested_{depth}": "[" * depth + "]" * depth for depth in (300, 900, 960, 980, 990)},
    }
    functools.reduce(operator.getitem, path[:-1], tree)[path[-1]] = "HERE"
    texts |= {n: json.dumps(tree).replace('"HERE"', value) for n, value in values.items()}
    return {
        name: text.encode("latin-1" if name == "not_utf8" else "utf-8")
        for name, text in texts.items()
    }


def _hostile_configs():
    text = _configs()["config"]
    values = _hostile_jsons(text, "data", "data_dir")
    return _hostile_jsons(text, "model", "nf") | {
        f"data_dir_{name}": values[name] for name in ("surrogate", "nul", "lines")
    }


def _hostile_twice(seeds, first, second):
    """Hostile values of two keys; the name tells only of the second."""
    (text,) = seeds().values()
    others = _hostile_jsons(text, second)
    return _hostile_jsons(text, first) | {f"{second}_{k}": v for k, v in others.items()}


# --- flagfiles ----------------------------------------------------------------------------------


def _flagfiles():
    return {name: Path("configs", name).read_bytes() for name in ("kth.cfg", "smmnist.cfg")}


def _read_flags(folder):
    """As `train` reads them, to the end of the command."""
    from srvp_tf import train
    from srvp_tf.cli import command
    from srvp_tf.config.flags import config_from_flags

    values, found = flags.FlagValues(), []
    train.define_flags(values)
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            command.run(
                lambda given: found.append(repr(config_from_flags(given))),
                ["train", f"--flagfile={folder / 'a.cfg'}"],
                values,
            )
        except SystemExit as end:
            assert end.code in (None, 0, 1, 2), f"exit status {end.code}"
    line = errors.getvalue()
    if not found:
        assert line.count("\n") == 1 and "Traceback" not in line, f"not one line: {line[:300]!r}"
        raise OSError(line)
    return found


def _hostile_flagfiles():
    made = {
        "itself": b"--flagfile=a.cfg\n",
        "random": b"--flagfile=/dev/urandom\n",
        "folder": b"--flagfile=/\n",
        "digits": b"--nf=" + b"9" * 5000,
        "2^63": b"--nf=9223372036854775808",
        "many_digits": b"--nf=" + b"9" * 4000,
        "infinite": b"--learning_rate=1e400",
        "nan": b"--learning_rate=nan",
        "not_utf8": b"--data_dir=\xff\xfe\n",
        "surrogate": "--data_dir=\ud800\n".encode("utf-8", "surrogatepass"),
        "nul": b"--data_dir=a\0b\n",
        "binary": bytes(range(256)) * 100,
        "many_lines": b"--nf=3\n" * 200_000,
        "undefined": b"--undefok=evil,nf\n--evil=1\n",
        "positional": b"rm -rf /\n",
        "help": b"--help\n",
        "unicode_digits": "--nf=\u0663\u0662\n".encode(),
        "empty": b"",
    }
    for kind in ("zero", "tty"):
        other = f"--flagfile=/dev/{kind}\n".encode()
        made[f"by_way_of_another_{kind}"] = {"a.cfg": b"--flagfile=b.cfg\n", "b.cfg": other}
    return made


# --- results of an evaluation, told in the metadata of an export --------------------------------


def _results():
    results = {"step": 12, "checkpoint": "last", "metrics": {"psnr": {"mean": 20.5}}}
    return {"results": json.dumps(results).encode()}


def _read_results(folder):
    from export.writers import source_run
    from srvp_tf.config import Config

    run = source_run.SourceRun(folder, Config(), Path("last-00000012.npz"))
    found = source_run.evaluation(run, 12)
    if found is None:
        raise OSError("passed over")
    return json.loads(json.dumps(found))


READERS = (
    Reader("config", _CONFIG, _read_config, _configs, _hostile_configs),
    Reader(
        "official_config",
        _CONFIG,
        _read_official,
        _official,
        functools.partial(_hostile_twice, _official, "nhx", "dataset"),
    ),
    Reader("flagfile", "a.cfg", _read_flags, _flagfiles, _hostile_flagfiles, damaged="a.cfg"),
    Reader(
        "results",
        "evaluation/results.json",
        _read_results,
        _results,
        functools.partial(_hostile_twice, _results, "metrics", "step"),
    ),
)
