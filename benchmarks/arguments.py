"""Arguments that the scripts share. Loads nothing: TensorFlow is started after they are read."""


def add_list(parser, name, known, help):
    """Add `--name=A,B`, a list out of `known`, by default all of it."""

    def listed(text):
        given = text.split(",")
        if unknown := set(given) - set(known):
            parser.error(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    parser.add_argument(f"--{name}", type=listed, default=",".join(known), help=help)
