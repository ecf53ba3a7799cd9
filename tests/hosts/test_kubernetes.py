"""The Job of the documentation gives every pod a cluster that fits the others' and the Service."""

from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from srvp_tf.cli.command import resolve_flagfile
from srvp_tf.training.worker_group import place_in_cluster

MANIFEST = Path(__file__).parents[2] / "docs" / "kubernetes" / "job.yaml"


@pytest.fixture
def manifest():
    return {d["kind"]: d for d in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))}


def test_every_pod_finds_itself_among_the_workers(manifest, monkeypatch):
    job, service = manifest["Job"], manifest["Service"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    names = [variable["name"] for variable in container["env"]]
    assert names == ["INDEX", "TF_CONFIG"]  # a variable may name those before it
    count = job["spec"]["completions"]
    assert job["spec"]["parallelism"] == count == 2
    port = service["spec"]["ports"][0]["port"]
    for index in range(count):
        text = container["env"][1]["value"].replace("$(INDEX)", str(index))
        monkeypatch.setenv("TF_CONFIG", text)
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        # Pods of an indexed Job are called by the Job and their index.
        host = f"{job['metadata']['name']}-{index}.{pod['subdomain']}"
        assert place_in_cluster(resolver) == (index, count)
        assert resolver.cluster_spec().as_dict()["worker"][index] == f"{host}:{port}"


def test_the_names_fit_together(manifest):
    job, service, policy = manifest["Job"], manifest["Service"], manifest["NetworkPolicy"]
    label = {"job-name": job["metadata"]["name"]}
    assert service["spec"]["selector"] == policy["spec"]["podSelector"]["matchLabels"] == label
    pod = job["spec"]["template"]["spec"]
    assert pod["subdomain"] == service["metadata"]["name"]
    (container,) = pod["containers"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert volumes == {mount["name"] for mount in container["volumeMounts"]}
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert rules[1]["onExitCodes"]["containerName"] == container["name"]
    (flagfile,) = (a for a in container["command"] if a.startswith("--flagfile="))
    assert Path(resolve_flagfile(flagfile.partition("=")[2])).is_file()
