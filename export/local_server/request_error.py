"""A request that is refused: the status that TensorFlow Serving would give, and a sentence."""


class RequestError(Exception):
    """Refuses a request; `code` is the name of a gRPC status code."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def invalid(message: str) -> RequestError:
    """What most refusals are: the request itself is wrong."""
    return RequestError("INVALID_ARGUMENT", message)
