"""Links that leave docs/: on GitHub they are paths; here they lead to `sources_url`, if it is set.

Without it a link becomes its text, with the path beside it where the text is another one.
"""

import re
from pathlib import Path

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)]*)\)")


def _rewrite(app, name, content):
    page = Path(app.srcdir, name).parent
    root = Path(app.srcdir).parent

    def replaced(match):
        text, target = match.groups()
        path = (page / target).resolve()
        if path.is_relative_to(app.srcdir):
            return match[0]
        path = path.relative_to(root).as_posix()
        if app.config.sources_url:
            return f"[{text}]({app.config.sources_url}/{path})"
        return f"`{path}`" if path.endswith(text.strip("`")) else f"{text} (`{path}`)"

    content[0] = _LINK.sub(replaced, content[0])


def setup(app):
    """Registers the change of what is read."""
    app.add_config_value("sources_url", "", "env")
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True}
