"""Sphinx's configuration: `make docs` writes docs/_build/html."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]
# TensorFlow, which autodoc imports, has nothing to say here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from srvp_tf import __version__  # noqa: E402

project = "srvp-tf"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docstrings",
    "mathml",
    "settings_table",
    "source_links",
]
exclude_patterns = ["_build", "extensions"]

# Where the sources can be read, as in https://HOST/OWNER/srvp-tf/blob/main: links that leave docs/
# lead there. Without it they are the bare names of files.
sources_url = os.environ.get("SRVP_TF_SOURCES_URL", "")

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # for links to sections, as GitHub makes them
smartquotes = False  # flags have two hyphens
highlight_language = "none"  # blocks of commands; those of Python say so

default_role = "name"
autodoc_inherit_docstrings = False  # a layer's `call` is described by its class, not by Keras
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autoclass_content = "both"  # some describe their arguments at `__init__`
napoleon_use_rtype = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"srvp-tf {__version__}"
html_show_sourcelink = False
html_show_copyright = False
html_static_path = ["extensions/static"]
html_css_files = ["looks.css"]
