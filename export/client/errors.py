"""What can go wrong between a client and a server: each error is one line with the way out."""

from collections.abc import Iterable

from srvp_tf.errors import UserError

_ADVICE = {  # name of an input -> what the server takes for valid
    "frames": "frames in [0, 1]",
    "frame": "a frame in [0, 1]",
    "num_frames": "num_frames that the model was exported for",
    "image_bytes": "whole PNG or JPEG images of 16 megapixels or less",
    "frame_index": "a frame_index of 1 or more",
}
_ELSE = "finite values that do not lead to infinite ones"


class ServerError(UserError):
    """The server refused a request, or could not be asked.

    Attributes:
        code: name of the gRPC status code ("INVALID_ARGUMENT"); of a REST answer, the one that its
            HTTP status stands for.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class NotListeningError(ServerError):
    """Nothing listens at the address, or not yet."""

    def __init__(self, message: str):
        super().__init__("UNAVAILABLE", message)


class InvalidExampleError(UserError):
    """The server flagged examples of a batch; the answers to the others are right.

    Attributes:
        examples: indices of the flagged examples in the batch.
        outputs: what the server answered, name -> array, for the sake of the other examples.
    """

    def __init__(self, examples: list[int], outputs: dict, inputs: Iterable[str]):
        advice = [_ADVICE[name] for name in _ADVICE if name in inputs]
        which = ", ".join(map(str, examples))
        super().__init__(
            f"example{'s' * (len(examples) > 1)} {which} of the batch (counted from 0) "
            f"{'are' if len(examples) > 1 else 'is'} invalid: give {', '.join([*advice, _ELSE])}"
        )
        self.examples, self.outputs = examples, outputs
