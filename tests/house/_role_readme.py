# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's README, made from its contract in meta/argument_specs.yml."""

from __future__ import annotations

import json
import re
import typing as t

from _house import ROOT, load

FOOT = (
    "This page is made from [meta/argument_specs.yml](meta/argument_specs.yml);\n`ansible-doc -t role postroom.mail.{role}` shows the same."
)


def render(role: str) -> str:
    entry_points = load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]
    blocks = [f"# {role}"]
    for name, entry in sorted(entry_points.items(), key=lambda item: (item[0] != "main", item[0])):
        if name != "main":
            blocks.append(f"## Entry point `{name}`")
        blocks.append(f"{prose(entry['short_description'])}.")
        blocks += map(prose, paragraphs(entry.get("description", [])))
        if entry.get("options"):
            blocks += ["## Variables"] if name == "main" else []
            # A default that is a template for something else than text cannot stand in the contract, so it comes from here.
            defaults = load(ROOT / "roles" / role / "defaults/main.yml") if name == "main" else {}
            blocks.append(variables(entry["options"], defaults or {}))
    return "\n\n".join([*blocks, FOOT.format(role=role)]) + "\n"


def variables(options: dict[str, dict[str, t.Any]], defaults: dict[str, t.Any], indent: str = "") -> str:
    """Give one line a variable, those inside a variable indented below it."""
    lines = []
    for name, option in options.items():
        kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
        traits = ["required"] if option.get("required") else []
        if "choices" in option:
            traits.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
        default = option.get("default", defaults.get(name))
        if default is not None:
            traits.append(f"default `{shown(default)}`")
        text = " ".join(map(prose, paragraphs(option["description"])))
        lines.append(f"{indent}- `{name}` ({'; '.join([kind, *traits])}): {text}")
        if option.get("options"):
            lines.append(variables(option["options"], {}, indent + "  "))
    return "\n".join(lines)


def shown(value: t.Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def paragraphs(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def prose(text: str) -> str:
    """Give Ansible's markup as Markdown."""
    text = re.sub(r"\bM\(([^)#]+)(#\w+)?\)", r"`\1`", text)
    return re.sub(r"\b(?:[OCVE]|RV)\(((?:[^()\\]|\\.)*)\)", lambda m: f"`{m[1]}`".replace("\\", ""), " ".join(text.split()))
