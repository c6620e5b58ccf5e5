"""How Sphinx builds the documentation: `make docs`, into build/docs.

The source folder is the checkout, so that links between pages, and to README and CHANGELOG, are the
same here and in a browser of the repository. Nothing is loaded from the network.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import reference

import runner

project = "runner"
author = "The runner authors"
project_copyright = author
version = release = runner.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "results/README.md", "benchmarks/NOTES.md"]
exclude_patterns = [".*", "build", "tests", "runner", "findings", "requirements"]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

default_role = "code"  # docstrings put names in single backticks
nitpicky = True
autodoc_typehints = "none"  # the docstrings have them
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
warnings.filterwarnings("ignore", "Unknown section Columns")  # see `refer_to_columns`

html_theme = "furo"
html_title = f"runner {release}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["site"]
html_css_files = ["site.css"]


def setup(app: object) -> None:
    """Have marked places of pages filled from the code, and tables' columns kept to one page."""
    app.connect("source-read", lambda _, __, source: reference.fill(source))
    app.connect("autodoc-process-docstring", reference.refer_to_columns, priority=400)
