"""Sphinx configuration: `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "chokepoint"
author = copyright = "the chokepoint developers"
release = version = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"][
    "version"
]

extensions = [
    "myst_nb",  # Markdown pages, and notebooks kept as percent scripts
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "reference_pages",  # _ext/: pages made from the schema tables and from each `__all__`
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "jupyter_execute", "conf.py", "_ext"]
# The first suffix is that of the pages that autosummary writes.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".py": "myst-nb"}

html_theme = "pydata_sphinx_theme"
html_title = f"chokepoint {version}"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

myst_enable_extensions = ["amsmath", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

# Notebooks run at build time, on small settings unless CHOKEPOINT_FAST=0 asks for full ones.
os.environ.setdefault("CHOKEPOINT_FAST", "1")
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc sections state types, shapes and units
numpydoc_show_class_members = False
