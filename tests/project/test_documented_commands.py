"""Every command in the documents: each is understood, and run as printed or in a short form.

In the long tests the wheel alone runs what is installed.

The documents are read afresh. A command that none of `RULES` knows fails: say there how it is run.
"""

import argparse
import fnmatch
import glob
import importlib
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from absl import flags

import srvp_tf
from data_pipelines.moving_mnist.digits import load_digits
from srvp_tf.cli import command
from tests.config.test_paths import COMMANDS
from tests.project.test_imports import PACKAGES, ROOT

DOCUMENTS = [  # in the order in which a reader follows them
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "pretrained/README.md", "BUILD.md", "docs/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
OFFICIAL = ROOT / "tests" / "data" / "golden" / "official_dcgan_gray"
PLACEHOLDERS = {
    "HOST:PORT": "localhost:8500",
    "FILE.npz ...": "tests/data/golden/metrics.npz",
    "--seed=N": "--seed=0",
    # What makes a run folder takes a new one.
    "--xp_dir=X --run_dir=runs/x": "--xp_dir=their_experiment --run_dir=runs/imported",
    "configs/X.cfg --run_dir=runs/x": "configs/quickstart.cfg --run_dir=runs/y",
}
TRAIN_LITTLE = (
    "--lr_burnin=1 --lr_decay=1 --nf=4 "
    "--batch_size=2 --val_batches=1 --val_batch_size=2 --val_samples=2"
)
JUDGE_LITTLE = "--num_videos=8 --num_samples=3 --eval_batch_size=2"


class Rule(NamedTuple):
    """How commands of a pattern are run: `QUICK` (and again in `LONG`), `LONG`, or not (`PARSED`).

    why: of the last, or of `more`, flags that are put behind to shorten it.
    """

    pattern: str
    how: str
    more: str = ""
    why: str = ""


QUICK, LONG, PARSED = "in the quick tests", "in the long tests", "nowhere"
RULES = [  # the first that fits
    Rule("*--plugins=my_*", PARSED, why="tests/project/test_docs.py"),
    Rule("make quickstart", PARSED, why="trains for minutes; srvp_tf.quickstart is run below"),
    Rule("*make test*", PARSED, why="it is what runs this"),
    Rule("make benchmarks", PARSED, why="half an hour"),
    Rule(
        "make simulated-bair",
        PARSED,
        why="25 minutes; tests/data_pipelines/corpora/test_corpora_end_to_end.py",
    ),
    Rule("make docs", PARSED, why="tests/project/test_docs.py"),
    Rule("make serve-local", PARSED, why="its command is run below"),
    Rule("python -m srvp_tf.release", PARSED, why="named in a sentence, without its flags"),
    Rule("python -m * --dataset=bair *", PARSED, why="the corpus; tests/runs/test_actions_run.py"),
    Rule("python -m * --flagfile=configs/bair.cfg --action_size=4 *", PARSED, why="likewise"),
    Rule("python -m * --run_dir=runs/bair*", PARSED, why="likewise"),
    Rule("python -m tests.corpora.bair *", PARSED, why="tests/corpora/test_makers.py"),
    Rule("python -m examples.push_to_goal*", PARSED, why="an hour, with its training"),
    Rule("python -m srvp_tf.generate --run_dir=runs/mine *", LONG),
    Rule("python -m srvp_tf.generate *", QUICK),
    Rule("python -m srvp_tf.release *", QUICK),
    Rule("python -m srvp_tf.torch_import *", QUICK),
    Rule("python -m data_pipelines.* --dataset=video_folder *", QUICK),
    Rule("python -m data_pipelines.* --dataset=kth *", LONG),
    Rule("python -m http.server *", PARSED, why="of Python; serves until it is stopped"),
    Rule("python -m export.client * --actions=*", PARSED, why="tests/export/test_actions.py"),
    Rule("python -m export.client *", LONG),
    Rule("python -m export.*", LONG),
    Rule(
        "python -m srvp_tf.evaluate *lpips*", LONG, JUDGE_LITTLE + " --metrics=psnr,ssim", "weights"
    ),
    Rule("python -m srvp_tf.evaluate *", LONG, JUDGE_LITTLE, "100 samples of every test video"),
    Rule("python -m srvp_tf.gallery *", LONG, "--num_videos=2", "minutes"),
    Rule("python -m srvp_tf.experiment *", LONG, "--num_videos=2", "minutes"),
    Rule("python -m srvp_tf.train *--run_dir=/shared/*", PARSED, why="several hosts; tests/hosts"),
    Rule("python -m srvp_tf.train *", LONG, TRAIN_LITTLE, "days"),
    Rule(
        "python -m srvp_tf.quickstart *",
        LONG,
        TRAIN_LITTLE + " --num_videos=2 --run_dir=runs/z",
        "minutes",
    ),
    Rule("python -m srvp_tf.fetch *", PARSED, why="downloads; tests/metrics/test_fetch.py"),
    Rule("python -m tests.golden.check *", LONG),
    Rule("python -m tests.fuzz.run *", LONG, "--reader=idx --cases=2", "many minutes"),
    Rule(
        "python -m tests.export.local_server.server_load *",
        PARSED,
        why="tests/export/local_server/test_server_load.py",
    ),
    Rule("python -m pytest *", PARSED, why="these tests themselves"),
    Rule("python -m benchmarks.hosts", LONG, "--steps=10 --rounds=1", "minutes"),
    Rule("python -m benchmarks.moving_mnist", LONG, "--rounds=1 --seconds=0.1", "minutes"),
    Rule("python -m benchmarks.determinism", LONG, "--rounds=1 --settings=quickstart", "minutes"),
    Rule("python -m benchmarks.readers", LONG, "--only=LiteRT", "installs an older TensorFlow"),
    Rule("python -m benchmarks.*", PARSED, why="measures, alone on a machine, for minutes"),
]


class Printed(NamedTuple):
    """A command as a document has it, and the name of the document."""

    line: str
    document: str

    @property
    def rule(self):
        return next(rule for rule in RULES if fnmatch.fnmatchcase(self.line, rule.pattern))


def commands(text):
    """The commands of a Markdown text: of its blocks of code, then of its `code` in lines."""
    in_blocks = re.findall(r"^ {4,}(\S.*)$", text, re.M)
    for fenced in re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S):
        in_blocks += fenced.splitlines()
    text = re.sub(r"^```[\s\S]*?^```|^ {4,}.*$", "", text, flags=re.M)
    found = in_blocks + re.findall(r"`([^`]+)`", text)
    lines = [re.sub(r"\s+#.*", "", " ".join(line.split())).removeprefix("$ ") for line in found]
    is_command = re.compile(r"(\w+=\S+ )*(python3? -m|make) [\w.-]")
    return [line for line in lines if is_command.match(line)]


def printed():
    """All of the documents, each command once."""
    found = {}
    for document in DOCUMENTS:
        for line in commands((ROOT / document).read_text(encoding="utf-8")):
            found.setdefault(line, Printed(line, document))
    return list(found.values())


def chosen(*how):
    """Commands that are run in these ways, in the order of the documents."""
    known = [one for one in printed() if any(fnmatch.fnmatchcase(one.line, r[0]) for r in RULES)]
    return [pytest.param(one, id=one.line) for one in known if one.rule.how in how]


def arguments(line):
    """(module or None, arguments) of a command, with examples in the place of placeholders."""
    for placeholder, example in PLACEHOLDERS.items():
        line = line.replace(placeholder, example)
    words = shlex.split(line.removesuffix("&"))
    start = next(i for i, word in enumerate(words) if word in ("python", "python3", "make"))
    return (
        (None, words[start + 1 :])
        if words[start] == "make"
        else (words[start + 2], words[start + 3 :])
    )


# --- understood ----------------------------------------------------------------------------------


def test_the_reader_of_documents():
    text = (
        "Do `make test`, `make` or\n`python -m a.b\n--c`:\n\n    python -m x.y --z=1    # why\n\n"
        "| `python -m d.e &` | `--f` |\n```bash\n$ A=1 make g\nls\n```\n    print(1)\n"
    )
    expected = ["A=1 make g", "make test", "python -m a.b --c", "python -m d.e &"]
    assert sorted(commands(text)) == [*expected, "python -m x.y --z=1"]
    assert len(printed()) > 40 and set(DOCUMENTS) >= {"README.md", "docs/experiments.md"}


@pytest.mark.parametrize("one", [pytest.param(one, id=one.line) for one in printed()])
def test_each_is_understood(one, monkeypatch):
    assert any(fnmatch.fnmatchcase(one.line, rule.pattern) for rule in RULES), (
        f"{one.document} has a command that no rule here knows: {one.line}"
    )
    module, given = arguments(one.line)
    monkeypatch.chdir(ROOT)
    if "--plugins=my_" in " ".join(given):
        assert one.document == "docs/extending.md"  # tests/project/test_docs.py runs them all
    elif module is None:
        names = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
        assert {word for word in given if "=" not in word} <= names
    elif module == "http.server":
        assert given == ["--directory=demo"]
    elif module == "pytest":
        assert all(Path(word).exists() for word in given if "/" in word)
    else:
        given += one.rule.more.split()
        module = f"{module}.__main__" if module == "export.client" else module
        parse(importlib.import_module(module), given, monkeypatch)


class _Understood(Exception):
    pass


def parse(module, given, monkeypatch):
    """Fails unless a command takes these arguments."""
    values = flags.FlagValues()
    if hasattr(module, "define_flags"):
        module.define_flags(values)
        given = given[1:] if module.__name__ == "export.client.__main__" else given
        command._parse([module.__name__, *given], values)
    elif "parse_args" in Path(module.__file__).read_text():
        parse_args = argparse.ArgumentParser.parse_args

        def only_parse(parser, *args):
            raise _Understood(parse_args(parser, *args))

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
        monkeypatch.setattr(sys, "argv", [module.__file__, *given])
        with pytest.raises(_Understood):
            module.main()
    else:
        assert not [word for word in given if word.startswith("-")]


# --- run -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A working directory with all that the documents name."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "tests").symlink_to(ROOT / "tests")
    shutil.copytree(ROOT / "pretrained", folder / "pretrained")
    shutil.copytree(ROOT / "pretrained" / "smmnist", folder / "runs" / "quickstart")
    shutil.copytree(ROOT / "pretrained" / "smmnist", folder / "runs" / "x")
    shutil.copytree(OFFICIAL, folder / "their_experiment")
    videos = np.random.default_rng(0).integers(0, 256, (4, 70, 64, 64, 3), np.uint8)
    (folder / "VIDEOS").mkdir()
    for name, video in zip(("clip", "VIDEOS/a", "VIDEOS/b", "VIDEOS/c"), videos, strict=True):
        srvp_tf.write_video(folder / f"{name}.mp4", video)
    (folder / "mnist").mkdir()
    digits = load_digits("embedded")
    for name, images in (("train", digits.train), ("t10k", digits.test)):
        header = struct.pack(">IIII", 2051, len(images), 28, 28)
        path = folder / "mnist" / f"{name}-images-idx3-ubyte"
        path.write_bytes(header + np.ascontiguousarray(images, np.uint8).tobytes())
    return folder


@pytest.mark.parametrize("one", chosen(QUICK))
def test_it_runs_as_printed(one, desk, monkeypatch, capsys):
    module, given = arguments(one.line)
    module, values = importlib.import_module(module), flags.FlagValues()
    module.define_flags(values)
    monkeypatch.chdir(desk)
    with pytest.raises(SystemExit) as caught:
        command.run(module.main, [module.__name__, *given], values)
    assert not caught.value.code, capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize("one", chosen(QUICK, LONG))
def test_it_runs_as_printed_or_in_short(one, desk, servers, installed_python):
    module, given = arguments(one.line)
    # What is installed runs from the wheel alone, the rest from the checkout.
    is_installed = module.split(".")[0] in PACKAGES
    python = installed_python if is_installed else sys.executable
    environment = os.environ | {"PYTHONPATH": "" if is_installed else str(ROOT)}
    if "--source_dir=KTH" in given:
        from tests.corpora.kth import make_kth

        make_kth(desk / "KTH", persons=(1, 2, 21))
    given = [name for word in given for name in sorted(glob.glob(word, root_dir=desk)) or [word]]
    line = [python, "-m", module, *given, *one.rule.more.split()]
    options = {"cwd": desk, "env": environment, "text": True}
    if one.line.endswith("&"):
        servers.append(subprocess.Popen(line, stdout=subprocess.PIPE, **options))
        assert servers[-1].stdout.readline().startswith("serving ")
        return
    done = subprocess.run(line, capture_output=True, check=False, timeout=1200, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_every_command_is_run():
    ran = {arguments(one.line)[0] for one in printed() if one.rule.how != PARSED}
    need_downloads = {"srvp_tf.fetch", "data_pipelines.moving_mnist.make_embedded_digits"}
    assert {name.removesuffix(".__main__") for name in COMMANDS} - need_downloads <= ran


@pytest.fixture(scope="module")
def servers():
    """Processes that were started with `&`."""
    started = []
    yield started
    for process in started:
        process.terminate()
        process.wait()
