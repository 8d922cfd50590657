"""Sphinx: Markdown by MyST, theme Furo, no network; any warning fails the build."""

project = "oscar_nd8"
author = "The oscar_nd8 developers"
project_copyright = author
release = version = "0.1.0"

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = "oscar_nd8"
html_show_sphinx = False
html_copy_source = False
