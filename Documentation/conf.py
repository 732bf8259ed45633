# SPDX-License-Identifier: GPL-2.0
"""Sphinx's settings, for `make doc`."""

import re
import sys
from pathlib import Path

import furo

sys.dont_write_bytecode = True	# nothing beside the sources
sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "kalloc"
author = "The kalloc authors"
extensions = ["sphinx_copybutton", "front", "links", "errors", "steps", "calls", "drops"]
exclude_patterns = ["extensions", "static"]
html_theme = "furo"
html_title = "kalloc"
# Debian's style sheet of furo lacks its dark colours where a browser asks for them by itself: sassc drops nested media
# queries. furo writes those that are given here for that case, too.
dark = re.search(r'body\[data-theme="?dark"?\] *{(.*?)}', (Path(furo.__file__).parent / "theme/furo/static/styles/furo.css").read_text(), re.S)
html_theme_options = {"dark_css_variables": dict(re.findall(r"--([\w-]+): *([^;]+)", dark[1]))}
html_static_path = ["static"]
html_css_files = ["kalloc.css"]
html_js_files = ["errors.js"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
highlight_language = "none"
pygments_style = "default"
pygments_dark_style = "github-dark"
# The prompt of a shell is not copied.
copybutton_prompt_text = "$ "
