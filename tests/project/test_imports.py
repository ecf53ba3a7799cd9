"""The import rule: who may know whom. Imports inside functions count."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("srvp_tf", "data_pipelines", "export")
# A package of srvp_tf imports only what stands before it; the commands stand last.
ORDER = (
    "errors config models runs video metrics forecasting training evaluation experiments authors "
    "gallery_page cli commands"
).split()
# The one place that knows the other package.
CROSSING = {"srvp_tf.config.corpora"}


def room(module):
    """The package of `ORDER` that a module of srvp_tf lies in."""
    name = (*module.split("."), "")[1]
    return {"_version": "errors"}.get(name, name if name in ORDER else "commands")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_sources():
    """Module name -> path, for every module of the three packages."""
    return {
        module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    }


def imported_modules(name, path, text, modules, for_types=True):
    """Those of `modules` that the source `text` of module `name` imports, anywhere in it.

    `for_types`: also those that only annotations name.
    """
    found, tree = set(), ast.parse(text)
    if not for_types:
        tree.body = [node for node in tree.body if "TYPE_CHECKING" not in ast.unparse(node)[:20]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
                kept = package[: len(package) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            # `from package import name` is the submodule of that name, if there is one.
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                found.add(submodule if submodule in modules else base)
    return found & set(modules)


def import_graph(sources, for_types=True):
    texts = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
    return {
        name: imported_modules(name, path, texts[name], sources, for_types) - {name}
        for name, path in sources.items()
    }


def trespasses(graph):
    """Imports that break the rule, as `importer -> imported`."""

    def package(module):
        return module.partition(".")[0]

    broken = []
    for importer, imported in graph.items():
        for module in imported - {"srvp_tf"}:
            pair = (package(importer), package(module))
            is_wrong = set(pair) == {"srvp_tf", "data_pipelines"} and importer not in CROSSING
            is_wrong |= pair[1] == "export" != pair[0]
            if pair == ("srvp_tf", "srvp_tf") and importer != "srvp_tf":
                is_wrong |= ORDER.index(room(module)) > ORDER.index(room(importer))
            if is_wrong:
                broken.append(f"{importer} -> {module}")
    return broken


def test_every_package_imports_what_stands_before_it():
    assert trespasses(import_graph(find_sources())) == []


def test_no_circle():
    # prepare raises CycleError, which names the circle.
    graphlib.TopologicalSorter(import_graph(find_sources(), for_types=False)).prepare()


def test_every_folder_of_sources_is_a_package_that_gets_installed():
    folders = {path.parent for path in find_sources().values()}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.b", "import a.c.d", {"a.c.d"}),
        ("a.b", "from a import c", {"a.c"}),
        ("a.b", "from a import other", {"a"}),
        ("a.b", "from . import c", {"a.c"}),
        ("a.b", "from .c import d", {"a.c.d"}),
        ("a.c.d", "from .. import b", {"a.b"}),
        ("a.c.d", "from ..b import x", {"a.b"}),
        ("a.b", "def f():\n    from a.c import x", {"a.c"}),
        ("a.b", "import numpy", set()),
        ("a.b", "if TYPE_CHECKING:\n    import a.c", {"a.c"}),
    ],
)
def test_the_reader_of_imports(name, text, expected):
    modules = {"a", "a.b", "a.c", "a.c.d"}
    assert imported_modules(name, Path(f"{name}.py"), text, modules) == expected


def test_a_command_is_flags_and_a_main():
    def is_command(text):
        return "def define_flags(" in text and "__name__ ==" in text

    lengths = {
        name: text.count("\n")
        for name, path in find_sources().items()
        if is_command(text := path.read_text(encoding="utf-8"))
    }
    assert len(lengths) >= 15
    assert {name: length for name, length in lengths.items() if length > 80} == {}


def test_the_rule_finds_trespassers():
    graph = {
        "srvp_tf.train": {"data_pipelines.clips", "srvp_tf.cli.command"},
        "srvp_tf.config.corpora": {"data_pipelines.clips"},
        "srvp_tf.models.losses": {"srvp_tf.config", "srvp_tf.runs.run_lock"},
        "data_pipelines.clips": {"srvp_tf.models.rng"},
        "export.writer": {"srvp_tf.models.rng", "export.parity"},
        "srvp_tf.evaluate": {"export.writer"},
        "srvp_tf.cli.command": {"srvp_tf.train"},
    }
    assert trespasses(graph) == [
        "srvp_tf.train -> data_pipelines.clips",
        "srvp_tf.models.losses -> srvp_tf.runs.run_lock",
        "data_pipelines.clips -> srvp_tf.models.rng",
        "srvp_tf.evaluate -> export.writer",
        "srvp_tf.cli.command -> srvp_tf.train",
    ]


def test_config_flags_and_command_do_not_load_tensorflow():
    code = (
        "import sys, srvp_tf, srvp_tf.config, srvp_tf.config.flags, srvp_tf.cli.command\n"
        "heavy = {'tensorflow', 'keras', 'tensorflow_probability', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
