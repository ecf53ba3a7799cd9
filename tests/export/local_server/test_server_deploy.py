"""The deploy files: each is read by the parser of what it is for, and they agree with each other.

No TensorFlow Serving runs here. The package of its API has no messages for batching and monitoring:
those two are described here, field by field, from TensorFlow Serving's documentation.
"""

import re
from pathlib import Path

import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from export.local_server.version_policy import read_policy
from srvp_tf.errors import UserError

DEPLOY = Path(__file__).parents[3] / "export" / "deploy"
FIELD = descriptor_pb2.FieldDescriptorProto


def message_class(name, fields, nested=()):
    """A protobuf message from (field, type) in order of their numbers; a type may be a message."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{name}.proto",
        package="described",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for message, its_fields in [*nested, (name, fields)]:
        described = file.message_type.add(name=message)
        for number, (field, type_) in enumerate(its_fields, start=1):
            repeated = type_.startswith("repeated ")
            added = described.field.add(
                name=field,
                number=number,
                label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL,
            )
            type_ = type_.removeprefix("repeated ")
            if type_.startswith("."):
                added.type, added.type_name = FIELD.TYPE_MESSAGE, type_
            else:
                added.type = getattr(FIELD, f"TYPE_{type_.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"described.{name}"))


INT64 = ".google.protobuf.Int64Value"
BatchingParameters = message_class(
    "BatchingParameters",
    [
        ("max_batch_size", INT64),
        ("batch_timeout_micros", INT64),
        ("max_enqueued_batches", INT64),
        ("num_batch_threads", INT64),
        ("thread_pool_name", ".google.protobuf.StringValue"),
        ("allowed_batch_sizes", "repeated int64"),
        ("pad_variable_length_inputs", "bool"),
    ],
)
MonitoringConfig = message_class(
    "MonitoringConfig",
    [("prometheus_config", ".described.PrometheusConfig")],
    nested=[("PrometheusConfig", [("enable", "bool"), ("path", "string")])],
)


def parse(name, message):
    return text_format.Parse((DEPLOY / name).read_text(encoding="utf-8"), message)


@pytest.fixture(scope="module")
def service():
    with open(DEPLOY / "docker-compose.yml", encoding="utf-8") as file:
        (service,) = yaml.safe_load(file)["services"].values()
    return service


def test_model_config():
    policy = read_policy(DEPLOY / "model.config", "srvp")
    assert policy.latest == 2
    assert policy.labels == {"stable": 1, "canary": 2}


def test_batching_keeps_to_what_the_batcher_asks():
    batching = parse("batching.config", BatchingParameters())
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 1  # a single request is not padded
    assert sizes[-1] == batching.max_batch_size.value
    # Padded frames would be taken for the last ones of a video.
    assert not batching.pad_variable_length_inputs


def test_monitoring():
    prometheus = parse("monitoring.config", MonitoringConfig()).prometheus_config
    assert prometheus.enable
    assert prometheus.path.startswith("/")


def test_compose_mounts_what_its_flags_name(service):
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in service["command"])
    mounts = {}
    for volume in service["volumes"]:
        source, target = re.fullmatch(r"(.+):(/[^:]+):ro", volume).groups()
        mounts[target] = source
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        assert (DEPLOY / mounts[flags[flag]]).is_file()
    from tensorflow_serving.config import model_server_config_pb2

    config = parse("model.config", model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert Path(model.base_path).parent.as_posix() in mounts
    assert flags["enable_batching"] == "true"
    # Else a server that has version 1 alone refuses to start for the label of version 2.
    assert flags["allow_version_labels_for_unavailable_models"] == "true"
    published = {port.rsplit(":", 1)[1] for port in service["ports"]}
    assert published == {flags["port"], flags["rest_api_port"]}


def test_compose_limits_memory_and_processors(service):
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
