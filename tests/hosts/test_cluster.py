import json

import pytest

from srvp_tf.errors import UserError
from srvp_tf.training.hosts import Cluster, cluster_from_environment

WORKERS = ["host0:2222", "host1:2222", "[::1]:2223"]


def read(tree):
    return cluster_from_environment({"TF_CONFIG": tree if type(tree) is str else json.dumps(tree)})


def tree(cluster=None, **task):
    cluster = {"worker": WORKERS} if cluster is None else cluster
    return {"cluster": cluster, "task": {"type": "worker", "index": 1} | task}


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}])
def test_no_tf_config_is_no_cluster(environment):
    assert cluster_from_environment(environment) is None


def test_workers_are_numbered_from_the_chief_on():
    assert read(tree()) == Cluster(tuple(WORKERS), 1)
    with_chief = {"worker": WORKERS[1:], "chief": WORKERS[:1]}
    assert read(tree(with_chief)) == Cluster(tuple(WORKERS), 2, chiefs=1)
    assert read(tree(with_chief, type="chief", index=0)) == Cluster(tuple(WORKERS), 0, chiefs=1)
    assert read(tree()).names([2, 0]) == "worker 0 (host0:2222), worker 2 ([::1]:2223)"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", 'lacks "cluster", an object'),
        ("{}", 'lacks "cluster", an object'),
        ({"cluster": {"worker": WORKERS}}, 'lacks "task", an object'),
        (tree(cluster={}), "names no job"),
        (tree(cluster={"worker": []}), "names no worker"),
        (tree(cluster={"worker": "host0:2222"}), 'lacks "worker", a list'),
        (tree(cluster={"worker": WORKERS, "ps": ["a:1"]}), "has the jobs ps"),
        (tree(cluster={"worker": WORKERS, "chief": ["a:1", "b:1"]}), "has 2 chiefs"),
        (tree(cluster={"worker": ["host0"]}), "'host0', which is not host:port"),
        (tree(cluster={"worker": ["host0:port"]}), "'host0:port', which is not host:port"),
        (tree(cluster={"worker": ["host0:70000"]}), "which is not host:port"),
        (tree(cluster={"worker": [2222]}), "2222, which is not host:port"),
        (tree(cluster={"worker": 2 * ["host0:2222"]}), "has an address twice"),
        (tree(type="evaluator"), "the task 'evaluator', the cluster has worker"),
        (tree(type="chief"), "the task 'chief'"),
        (tree(index=3), "index 3 of 3 workers"),
        (tree(index=-1), "index -1 of 3 workers"),
        (tree(index="1"), 'lacks "index", a whole number'),
        (tree(index=True), 'lacks "index", a whole number'),
    ],
)
def test_a_malformed_tf_config_is_one_line_with_an_example(config, words):
    with pytest.raises(UserError) as caught:
        read(config)
    line = str(caught.value)
    assert line.startswith("TF_CONFIG ") and words in line and "\n" not in line
    assert '"task": {"type": "worker", "index": 0}' in line
