"""A stand-in for TensorFlow Serving: for tests and for trying things out, never for production.

It loads SavedModels with the loader and session that TensorFlow Serving uses, watches their folder,
and answers `Predict` and `GetModelMetadata` over gRPC and the predict, metadata and status routes
over REST, with the status codes of TensorFlow Serving. It has no batching, encryption, monitoring,
classify or regress; it limits the size of a request, and checks shapes more strictly.
"""

from export.local_server.server import LocalServer
from export.local_server.version_policy import VersionPolicy

__all__ = ["LocalServer", "VersionPolicy"]
