# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Sphinx for the site; tests/gates/site calls it. Every warning is an error there."""

from __future__ import annotations

from _house import ROOT, load

about = load(ROOT / "galaxy.yml")

project = "postroom.mail"
author = about["authors"][0]
project_copyright = f"2026, {author}"
version = release = about["version"]
repository = about["repository"]

extensions = ["myst_parser", "sphinx_antsibull_ext", "_references"]
nitpicky = True
# Dashes alone: quotes and dots stand for themselves in what a reader types.
smartquotes_action = "D"
# As on a forge: every heading is an anchor.
myst_heading_anchors = 6

html_theme = "furo"
html_title = f"{project} {version}"
antsibull_ext_color_scheme = "default-autodark"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
