"""What can go wrong between a client and a server: each error is one line with the way out."""

from srvp_tf.errors import UserError


class ServerError(UserError):
    """The server refused a request, or could not be asked.

    Attributes:
        code: name of the gRPC status code ("INVALID_ARGUMENT"); of a REST answer, the one that its
            HTTP status stands for.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class InvalidExampleError(UserError):
    """The server flagged examples of a batch; the answers to the others are right.

    Attributes:
        examples: indices of the flagged examples in the batch.
        outputs: what the server answered, name -> array, for the sake of the other examples.
    """

    def __init__(self, examples: list[int], outputs: dict):
        which = ", ".join(map(str, examples))
        super().__init__(
            f"example{'s' * (len(examples) > 1)} {which} of the batch (counted from 0) "
            f"{'are' if len(examples) > 1 else 'is'} invalid: give finite values in [0, 1]"
        )
        self.examples, self.outputs = examples, outputs
