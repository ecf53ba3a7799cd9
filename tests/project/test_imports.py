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


def find_sources():
    """Module name -> path, for every module of the three packages."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(for_types=True):
    """Module name -> names of our modules that it imports, anywhere in it.

    `for_types`: also those that only annotations name.
    """
    sources, graph = find_sources(), {}
    for module, path in sources.items():
        found, tree = set(), ast.parse(path.read_text(encoding="utf-8"))
        if not for_types:
            tree.body = [x for x in tree.body if "TYPE_CHECKING" not in ast.unparse(x)[:20]]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: imports are absolute"
                # `from package import name` is the submodule of that name, if there is one.
                for alias in node.names:
                    submodule = f"{node.module}.{alias.name}"
                    found.add(submodule if submodule in sources else node.module)
        graph[module] = (found & set(sources)) - {module}
    return graph


def place(module):
    """Where the package of a module of srvp_tf stands in `ORDER`."""
    name = module.split(".")[1].replace("_version", "errors")
    return ORDER.index(name if name in ORDER else "commands")


def may_import(importer, module):
    ours, theirs = importer.partition(".")[0], module.partition(".")[0]
    if ours != theirs:
        return ours == "export" or (importer in CROSSING and theirs == "data_pipelines")
    if ours != "srvp_tf" or "srvp_tf" in (importer, module):
        return True
    return place(module) <= place(importer)


def test_every_package_imports_what_stands_before_it():
    pairs = [(importer, x) for importer, found in import_graph().items() for x in found]
    assert len(pairs) > 500
    assert not [f"{importer} -> {x}" for importer, x in pairs if not may_import(importer, x)]


@pytest.mark.parametrize(
    ("importer", "module"),
    [
        ("srvp_tf.train", "data_pipelines.clips"),
        ("srvp_tf.models.losses", "srvp_tf.runs.run_lock"),
        ("srvp_tf.cli.command", "srvp_tf.train"),
        ("srvp_tf.evaluate", "export.writer"),
        ("data_pipelines.clips", "srvp_tf.models.rng"),
    ],
)
def test_the_rule_finds_trespassers(importer, module):
    assert not may_import(importer, module) and may_import("export.writer", module)


def test_no_circle():
    # prepare raises CycleError, which names the circle.
    graphlib.TopologicalSorter(import_graph(for_types=False)).prepare()


def test_every_folder_of_sources_is_a_package_that_gets_installed():
    folders = {path.parent for path in find_sources().values()}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_a_command_is_flags_and_a_main():
    texts = {name: path.read_text(encoding="utf-8") for name, path in find_sources().items()}
    commands = [name for name in texts if "def define_flags(" in texts[name]]
    commands = [name for name in commands if "__name__ ==" in texts[name]]
    assert len(commands) >= 15
    assert [name for name in commands if texts[name].count("\n") > 80] == []


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
