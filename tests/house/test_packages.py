# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of module_utils: each says in a sentence what it is about, and none imports one that imports it."""

from __future__ import annotations

import ast
import graphlib

import pytest
from _house import ROOT

UTILS = ROOT / "plugins/module_utils"
HERE = "ansible_collections.postroom.mail.plugins.module_utils"
PACKAGES = sorted(path.parent.name for path in UTILS.glob("*/__init__.py"))


def imported(package: str) -> set[str]:
    """The other packages that a package imports, wherever in its files."""
    names = set()
    for path in (UTILS / package).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{HERE}."):
                names.add(node.module.removeprefix(f"{HERE}.").partition(".")[0])
    return names - {package}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_it_is_about(package):
    said = ast.get_docstring(ast.parse((UTILS / package / "__init__.py").read_text()))
    assert said
    assert said.endswith("\n\nPrivate to the collection, and free to change at any time.")
    assert len(said.splitlines()) == 3


def test_no_packages_import_each_other():
    graph = {package: imported(package) for package in PACKAGES}
    assert set().union(*graph.values()) <= set(PACKAGES)
    assert next(iter(graphlib.TopologicalSorter(graph).static_order())) == "_core"


def test_what_every_package_needs_needs_none():
    assert imported("_core") == set()
