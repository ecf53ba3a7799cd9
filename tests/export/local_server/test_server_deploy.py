"""The deploy files: each is read as what it is for, and they agree with each other.

No TensorFlow Serving runs here. The package of its API has no messages for batching and monitoring:
their fields are listed here, from TensorFlow Serving's documentation.
"""

import re
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from export.local_server.version_policy import read_policy
from srvp_tf.errors import UserError

DEPLOY = Path(__file__).parents[3] / "export" / "deploy"
INT64 = r" \{ value: (\d+) \}"
BATCHING = {  # field of BatchingParameters -> how it is written
    "max_batch_size": INT64,
    "batch_timeout_micros": INT64,
    "max_enqueued_batches": INT64,
    "num_batch_threads": INT64,
    "allowed_batch_sizes": r": (\d+)",
}
MONITORING = r'prometheus_config \{\s+enable: true\s+path: "/[^"]+"\s+\}\s*'


def text_of(name):
    """What a file says, without its comments."""
    return re.sub("^ *#.*\n", "", (DEPLOY / name).read_text(encoding="utf-8"), flags=re.M)


def test_model_config():
    policy = read_policy(DEPLOY / "model.config", "srvp")
    assert policy.latest == 2
    assert policy.labels == {"stable": 1, "canary": 2}


def test_batching_keeps_to_what_the_batcher_asks():
    found = {name: [] for name in BATCHING}
    for line in text_of("batching.config").splitlines():
        name = re.match(r"\w+", line)[0]
        # Not pad_variable_length_inputs: padded frames would be taken for the last of a video.
        assert name in BATCHING
        found[name].append(int(re.fullmatch(name + BATCHING[name], line)[1]))
    sizes = found.pop("allowed_batch_sizes")
    assert all(len(values) == 1 and values[0] > 0 for values in found.values())
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 1  # a single request is not padded
    assert sizes[-1] == found["max_batch_size"][0]


def test_monitoring():
    assert re.fullmatch(MONITORING, text_of("monitoring.config"))


def test_compose_mounts_what_its_flags_name():
    (service,) = yaml.safe_load(text_of("docker-compose.yml"))["services"].values()
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in service["command"])
    mounts = {}
    for volume in service["volumes"]:
        source, target = re.fullmatch(r"(.+):(/[^:]+):ro", volume).groups()
        mounts[target] = source
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        assert (DEPLOY / mounts[flags[flag]]).is_file()
    message = model_server_config_pb2.ModelServerConfig()
    config = text_format.Parse(text_of("model.config"), message)
    (model,) = config.model_config_list.config
    assert Path(model.base_path).parent.as_posix() in mounts
    assert flags["enable_batching"] == "true"
    # Else a server that has version 1 alone refuses to start for the label of version 2.
    assert flags["allow_version_labels_for_unavailable_models"] == "true"
    published = {port.rsplit(":", 1)[1] for port in service["ports"]}
    assert published == {flags["port"], flags["rest_api_port"]}
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", (1, ())),
        ("model_version_policy { all {} }", (0, ())),
        ("model_version_policy { latest { num_versions: 3 } }", (3, ())),
        ("model_version_policy { specific { versions: 4 versions: 2 } }", (0, (4, 2))),
    ],
)
def test_policies_are_read(tmp_path, text, policy):
    path = tmp_path / "model.config"
    path.write_text(f'model_config_list {{ config {{ name: "m" {text} }} }}')
    assert read_policy(path, "m")[:2] == policy


def test_policies_choose():
    found = [1, 3, 10, 2]
    policy = read_policy(DEPLOY / "model.config", "srvp")
    assert policy.choose(found) == [10, 3]
    assert policy._replace(latest=0).choose(found) == [10, 3, 2, 1]
    assert policy._replace(latest=0, specific=(2, 7)).choose(found) == [2]
    assert policy.choose([]) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model_config_list {", "model.config: "),
        ("nonsense: 1", "nonsense"),
        ("", "knows no models"),
        ('model_config_list { config { name: "other" } }', "knows other: set --model_name"),
    ],
)
def test_a_configuration_that_cannot_be_used(tmp_path, text, sentence):
    path = tmp_path / "model.config"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_policy(path, "srvp")
