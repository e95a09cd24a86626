# SPDX-License-Identifier: GPL-2.0
# For Sphinx; 'make docs' writes the HTML to build/docs/html/.

import pathlib

project = "KVM_MAP_MEMORY"
author = "KVM_MAP_MEMORY maintainers"
project_copyright = author
version = release = pathlib.Path(__file__).parents[1].joinpath("VERSION").read_text().strip()

extensions = ["myst_parser"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
highlight_language = "none"
html_theme = "alabaster"
html_copy_source = False
html_show_sourcelink = False
# Of a day of its own each build would differ.
html_last_updated_fmt = None
