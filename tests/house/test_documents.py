# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documents: their links lead somewhere, and what the README lists exists."""

from __future__ import annotations

import pathlib
import re

import _open_relay
import pytest
from _house import ROOT, files, roles
from _role_readme import render

DOCUMENTS = [name for name in files() if name.suffix == ".md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def prose(name: pathlib.Path) -> str:
    return re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(name: pathlib.Path) -> set[str]:
    headings = re.findall(r"^#+ +(.*?)\s*#*$", prose(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_links_lead_somewhere(name):
    for link in LINK.finditer(prose(name)):
        target, _hash, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = pathlib.Path(name.parent, target) if target else name
        assert (ROOT / path).exists(), f"{link[0]} leads nowhere"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{link[0]}: {path} has no such heading"


@pytest.mark.parametrize("role", roles())
def test_readme_of_role_says_what_its_contract_says(role):
    path = ROOT / "roles" / role / "README.md"
    assert path.exists(), "run tests/house/write_documents"
    assert path.read_text() == render(role), "run tests/house/write_documents"


def test_open_relay_lists_every_form():
    written = _open_relay.DOCUMENT.read_text()
    assert written == _open_relay.document(written), "run tests/house/write_documents"


def test_readme_lists_every_module_and_nothing_else():
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    listed = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text().split("## The modules")[1].split("\n## ")[0], re.MULTILINE))
    assert listed == modules


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_commands_of_make_exist(name):
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z][\w-]*)", (ROOT / name).read_text()):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"`make {target}`: the Makefile has no such target"
