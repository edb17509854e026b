"""How Sphinx builds the documentation; `building.py` lays out what it reads."""

import aim_jupyter

project = "aim_jupyter"
author = "the developers of aim_jupyter"
release = aim_jupyter.__version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_js_files = ["catalogue.js"]
html_show_sourcelink = False
html_theme_options = {"navbar_center": [], "show_prev_next": False}
# All pages under their captions, on each page: there are few.
html_sidebars = {"**": ["globaltoc.html"]}
# Code is shown as it is typed: a magic is no Python that a lexer knows.
highlight_language = "none"
html_context = {"default_mode": "auto"}
# A browser lets no page that is a file read another one: results are shown by title.
html_show_search_summary = False
# An option keeps its dashes, a name its quotes.
smartquotes = False
