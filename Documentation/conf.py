# SPDX-License-Identifier: MIT
project = "xqaccel"
copyright = "the xqaccel authors"
extensions = []
root_doc = "index"
exclude_patterns = []
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "230px"}
html_static_path = []
highlight_language = "none"
