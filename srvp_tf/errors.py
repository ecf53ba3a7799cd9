"""The one exception that stands for a mistake of the user, not of the program."""


class UserError(ValueError):
    """A mistake that the user can repair: one line that names the file or flag and the way out.

    Commands print it without a traceback and exit non-zero (`srvp_tf.cli.command.run`).
    """
