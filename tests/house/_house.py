# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The view that the tests of this directory have of the tree."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The gates say where the collection is; whoever writes the documents by hand has it here.
sys.path.append(str(ROOT / ".ansible/collections"))


def files() -> list[pathlib.Path]:
    """Give the files of the checkout, relative to it, with those that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = (pathlib.Path(name) for name in sorted(set(listed.split("\0"))) if name)
    return [name for name in names if (ROOT / name).is_file()]


def roles() -> list[str]:
    return sorted({name.parts[1] for name in files() if name.parts[0] == "roles" and len(name.parts) > 2})


def load(path: pathlib.Path) -> t.Any:
    """Read a YAML file of Ansible's; a tag such as !unsafe or !vault counts as the text it stands before."""
    if not path.exists():
        return None

    # The one in C takes a tenth of the time.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass

    Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))
    return yaml.load(path.read_text(), Loader)


def scalars(node: t.Any, key: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """Give every scalar below *node* with the key that it stands under."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from scalars(value, str(name))
    elif isinstance(node, list):
        for item in node:
            yield from scalars(item, key)
    else:
        yield key, node


def tasks(role: str) -> t.Iterator[dict[str, t.Any]]:
    """Give every task of *role*, also those inside blocks, and its handlers."""
    for folder in ("tasks", "handlers"):
        for path in sorted((ROOT / "roles" / role / folder).glob("**/*.yml")):
            yield from _flat(load(path) or [])


def _flat(listed: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for task in listed:
        inner = [part for key in ("block", "rescue", "always") for part in task.get(key, [])]
        if inner:
            yield from _flat(inner)
        else:
            yield task
