"""Which versions of a model are served, and what they are called."""

import os
from collections.abc import Collection
from typing import NamedTuple

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from srvp_tf.config.corpora import local_path
from srvp_tf.errors import UserError


class VersionPolicy(NamedTuple):
    """The policy of a model: the newest `latest`, or exactly `specific`, or (0, ()) all of them.

    labels: label -> version; the version need not be there (yet).
    """

    latest: int = 1
    specific: tuple[int, ...] = ()
    labels: dict[str, int] = {}

    def choose(self, found: Collection[int]) -> list[int]:
        """Those of the versions found that are to be served, the newest first."""
        newest_first = sorted(found, reverse=True)
        if self.specific:
            return [version for version in newest_first if version in self.specific]
        return newest_first[: self.latest] if self.latest else newest_first


def read_policy(path: str | os.PathLike, model_name: str) -> VersionPolicy:
    """The policy of `model_name` in a model configuration file of TensorFlow Serving.

    Raises:
        UserError: the file cannot be read, is no such configuration, or lacks the model.
    """
    try:
        text = local_path(path).read_text(encoding="utf-8")
        config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except OSError as error:
        raise UserError(f"--model_config_file={path}: {error.strerror}") from None
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise UserError(f"--model_config_file={path}: {error}") from None
    models = {model.name: model for model in config.model_config_list.config}
    if model_name not in models:
        raise UserError(
            f"--model_config_file={path} knows {', '.join(models) or 'no models'}: "
            f"set --model_name to one of them, not to {model_name}"
        )
    model = models[model_name]
    policy, labels = model.model_version_policy, dict(model.version_labels)
    chosen = policy.WhichOneof("policy_choice")
    if chosen == "all":
        return VersionPolicy(0, labels=labels)
    if chosen == "specific":
        return VersionPolicy(0, tuple(policy.specific.versions), labels)
    return VersionPolicy(policy.latest.num_versions or 1, labels=labels)
