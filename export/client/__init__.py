"""The client library: a served model, called like a function or frame by frame."""

from export.client.connection import Client
from export.client.errors import InvalidExampleError, ServerError
from export.client.served_signatures import ModelMetadata
from export.client.stream import Stream

__all__ = ["Client", "InvalidExampleError", "ModelMetadata", "ServerError", "Stream"]
