# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for every file, and the limits of each layer's knowledge (CONTRIBUTING.md gives the reasons)."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
from _house import ROOT, files

TEXT = [name for name in files() if name.name != "LICENSE" and b"\0" not in (ROOT / name).read_bytes()[:8192]]
PYTHON = [name for name in TEXT if name.suffix == ".py" or (ROOT / name).read_text(errors="replace").startswith("#!/usr/bin/env python")]
SHELL = [name for name in TEXT if name.suffix == ".sh" or (ROOT / name).read_text(errors="replace").startswith("#!/usr/bin/env bash")]
MODULES = [name for name in PYTHON if name.parent == pathlib.Path("plugins/modules")]
UTILS = [name for name in PYTHON if name.parts[:2] == ("plugins", "module_utils")]
GENERATED = {"CHANGELOG.md", "changelogs/changelog.yaml", "docs/ownership.md"}

HEAD = (
    "# Copyright (c) 2026, The postroom.mail contributors\n"
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "# SPDX-License-Identifier: GPL-3.0-or-later\n"
)

# What runs on the managed host has the standard library and nothing else; basic.py is for the one file by which every module is served.
# Ansible's validator of options is pure, and what tells beforehand what a module would refuse has to speak as that will.
SERVES_MODULES = pathlib.Path("plugins/module_utils/_core/door.py")
NOT_FOR_UTILS = re.compile(r"ansible\.module_utils\.basic|^(import|from) (yaml|jinja2|ansible\.(?!module_utils\.common\.arg_spec import ))")

# Ways to leave something unfinished or to look away. Every line here stands to forbid a word: it looks for it in all other files and
# uses none itself. A word has to be written down to be looked for, so this file alone is left out of the search below.
UNFINISHED = re.compile(
    r"\bTODO\b|\bFIXME\b|\bXXX\b"  # forbids work that was put off; looked for here, not done here
    r"|ignore_errors:\s*(true|yes)|failed_when:\s*(false|no)\b"  # forbids a task whose failure nobody sees
    r"|pytest\.(mark\.)?(skip|xfail)"  # forbids a test that does not have to pass
    r"|# noqa(?!: ?[A-Z]+\d+ {1,2}#)"  # forbids to quiet a linter, unless the rule and a reason stand behind it
)


# Variables that are Ansible's own and no facts.
MAGIC = re.compile(
    r"ansible_(facts|check_mode|diff_mode|host|connection|port|user|become\w*|python_interpreter|play_\w+|role_name|version|failed_\w+)"
)


# All of a module that is not documentation: its work is where other modules can import it on the host, and serve() tells its secrets apart.
SERVED = """
from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.{} import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
"""


def text(name: pathlib.Path) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", PYTHON + SHELL, ids=str)
def test_says_whose_it_is_and_under_which_licence(name):
    body = re.sub(r"\A#!.*\n", "", text(name))
    assert body.removeprefix("# -*- coding: utf-8 -*-\n").lstrip("\n").startswith(HEAD)


@pytest.mark.parametrize("name", [name for name in TEXT if str(name) not in GENERATED], ids=str)
def test_is_short_enough_to_read(name):
    # The documentation of a module has to stand in the module's file, however much there is to say.
    code = re.sub(r'^(DOCUMENTATION|EXAMPLES|RETURN) = r""".*?^"""$', "", text(name), flags=re.DOTALL | re.MULTILINE)
    assert len(code.splitlines()) < 400


@pytest.mark.parametrize("name", [name for name in TEXT if name.name != "test_files.py"], ids=str)
def test_leaves_nothing_unfinished(name):
    assert [line for line in text(name).splitlines() if UNFINISHED.search(line)] == []


@pytest.mark.parametrize("name", TEXT, ids=str)
def test_names_no_path_of_the_machine_it_was_written_on(name):
    mine = [str(ROOT), *([str(ROOT.parent)] if len(ROOT.parent.parts) > 1 else [])]
    assert [path for path in mine if re.search(re.escape(path) + r"(?![\w-])", text(name))] == []
    assert re.search(r"/(home|Users)/[a-z]\w*/", text(name).replace("/home/alice/", "").replace("/home/bob/", "")) is None


@pytest.mark.parametrize("name", UTILS, ids=str)
def test_module_utils_are_private_and_know_nothing_of_ansible(name):
    package = name.parent
    assert package.parent == pathlib.Path("plugins/module_utils")
    assert package.name.startswith("_")
    assert "Private to the collection" in text(package / "__init__.py")
    tree = ast.parse(text(name))
    typing_only = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    allowed = {id(inner) for node in typing_only for inner in ast.walk(node)}
    imported = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)) and id(n) not in allowed]
    known = [line for line in imported if NOT_FOR_UTILS.search(line)]
    assert not known or name == SERVES_MODULES


@pytest.mark.parametrize("name", [name for name in PYTHON if name.parent == pathlib.Path("plugins/filter")], ids=str)
def test_filters_import_their_core_when_they_are_called(name):
    """Ansible loads all filters of a collection, and compiles what they import, anew for each task that uses one of them."""
    assert not re.search(r"^(from|import) ansible_collections", text(name), re.MULTILINE)


@pytest.mark.parametrize("name", MODULES, ids=str)
def test_modules_are_documentation_and_a_door(name):
    assert text(name).startswith("#!/usr/bin/python\n")
    assert text(name).endswith(SERVED.format(name.stem))
    documentation = ast.parse(text(name).removesuffix(SERVED.format(name.stem))).body
    assert [ast.unparse(node).partition(" = ")[0] for node in documentation] == [
        "from __future__ import annotations",
        "DOCUMENTATION",
        "EXAMPLES",
        "RETURN",
    ]


def test_every_door_is_a_modules():
    # mail_change has a second part, which it loads only when something is carried out.
    assert {name.stem for name in UTILS if name.parent.name == "_modules"} - {"__init__", "carry_out"} == {name.stem for name in MODULES}


@pytest.mark.parametrize("name", [name for name in TEXT if name.parts[0] in ("roles", "playbooks") and name.suffix == ".yml"], ids=str)
def test_uses_no_injected_facts(name):
    assert [word for word in re.findall(r"\bansible_\w+", text(name)) if not MAGIC.fullmatch(word)] == []
