"""A public name means one thing: functions, classes and constants of two modules differ in name."""

import ast
import collections

from tests.project.test_imports import ROOT, find_sources

# What one name may mean in two modules, since it is the same thing there.
SAME = {
    # `config.corpora` hands on what it names, with the errors of srvp_tf.
    "fit_frames iterate_frames local_path open_corpus read_header remarks",
    # What a command is run by, with and without a configuration.
    "run",
    # A corpus as it is read and as TFDS builds it, which goes by the class's name.
    "Bair Human36m Kth VideoFolder",
    # The authors' motion, digit by digit and as TensorFlow operations.
    "bounce",
    # TensorFlow Serving's word, at the client, which does without TensorFlow.
    "DEFAULT_SIGNATURE",
    # What every command has.
    "main define_flags",
}


def public_names(tree):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_no_public_name_means_two_things():
    places = collections.defaultdict(list)
    for path in find_sources().values():
        for name in set(public_names(ast.parse(path.read_text(encoding="utf-8")))):
            if not name.startswith("_"):
                places[name].append(str(path.relative_to(ROOT)))
    several = {name: where for name, where in places.items() if len(where) > 1}
    for name in " ".join(SAME).split():
        assert several.pop(name, None), f"{name} stands in one place now"
    assert not several
