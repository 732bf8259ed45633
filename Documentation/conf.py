# SPDX-License-Identifier: GPL-2.0
"""Sphinx's settings, for `make doc`."""

project = "kalloc"
author = "The kalloc authors"
master_doc = "index"
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "200px", "description": "Memory allocation, typed"}
html_show_copyright = False
highlight_language = "none"
