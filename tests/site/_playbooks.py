# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a playbook: its first comment, its plays with their steps, and the variables that it reads.

A playbook has no documentation format, so that all of this comes from the playbook itself, and the meaning of each variable from
where it is described already: a role's contract, or a table in docs/.
"""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t

from _house import ROOT, load, roles
from _pages import NoPage, relink

VARIABLE = re.compile(r"(?:lookup|query)\('ansible\.builtin\.vars', ('\w+'(?:, '\w+')*)")
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| (.*) \| (.*) \|$", re.MULTILINE)
STEPS = ("pre_tasks", "roles", "tasks", "post_tasks")


def playbook(source: pathlib.Path, page: str) -> str:
    """Give the page of a playbook in Markdown."""
    text = (ROOT / source).read_text()
    plays = load(ROOT / source)
    name = f"postroom.mail.{source.stem}"
    return (
        "\n\n".join(
            [
                f"# {name} playbook",
                f"{plays[-1]['name']}.",
                words(comment(text)),
                f"```console\n$ ansible-playbook -i inventory.yml {name}\n```",
                "## Plays",
                *(part for play in plays for part in steps(play)),
                *variables(text, plays, source, page),
            ]
        )
        + "\n"
    )


def comment(text: str) -> str:
    """Give the comment with which a file begins."""
    lines = text.removeprefix("---\n").splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ") for line in lines[:end])


def words(prose: str) -> str:
    """Mark up what Markdown would take for prose: files, and names with a line below."""
    return re.sub(r"docs/\w+\.md|postroom\.mail\.\w+|\b\w+_\w+\b", lambda match: f"`{match[0]}`", prose)


def steps(play: dict[str, t.Any]) -> t.Iterator[str]:
    """Give the name of a play, its hosts and its steps."""
    yield f"### {play['name']}"
    pattern = re.search(r"\('ansible\.builtin\.vars', '(\w+)', default='(\w+)'\)", play["hosts"])
    hosts = f"the hosts of the group `{pattern[2]}`, or of the pattern in `{pattern[1]}`" if pattern else f"`{play['hosts']}`"
    yield f"On {hosts}:"
    yield "\n".join(
        f"1. {step['name']}" if "role" not in step else f"1. role `{step['role']}`" for key in STEPS for step in play.get(key, [])
    )


def variables(text: str, plays: list[dict[str, t.Any]], source: pathlib.Path, page: str) -> t.Iterator[str]:
    """Give the questions of a playbook, and the variables that it reads, each from where it is described."""
    asked = [prompt for play in plays for prompt in play.get("vars_prompt", [])]
    contract = contracts()
    hosts = {name for play in plays for name in read(str(play["hosts"]))}
    others = [name for name in read(text) if name not in contract and name not in hosts]
    of_roles = [contract[name] for name in sorted(set(re.findall(r"\w+", text)) & set(contract))]
    rows = [described(name, source, page) for name in others]
    yield "## Variables"
    if not (asked or rows or of_roles):
        yield "Those of its roles, whose pages list them."
    if asked:
        yield "The playbook asks for these at the terminal, if they are not given as extra variables:"
        yield table(f"| `{prompt['name']}` | {prompt['prompt']} | {shown(prompt.get('default'))} |" for prompt in asked)
    if rows:
        yield "It reads these:"
        yield table(dict.fromkeys(rows))
    if of_roles:
        yield "It also reads variables of the roles: " + ", ".join(f"{{ansopt}}`{option}`" for option in of_roles) + "."


def table(rows: t.Iterable[str]) -> str:
    return "\n".join(["| variable | meaning | default |", "|---|---|---|", *rows])


def shown(default: str | None) -> str:
    return "required" if default is None else f"`{default}`"


def read(text: str) -> list[str]:
    """Give the variables that templates look up, each once, in their order."""
    return list(dict.fromkeys(name for names in VARIABLE.findall(text) for name in re.findall(r"\w+", names)))


@functools.cache
def contracts() -> dict[str, str]:
    """Give the variables of all roles, each as antsibull-docs writes a link to it."""
    return {
        name: f"postroom.mail.{role}#role:main:{name}"
        for role in roles()
        for name in load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    }


def described(name: str, playbook_file: pathlib.Path, page: str) -> str:
    """Give the row for a variable from the table in docs/ that has it, or else a row that leads to the page that mentions it."""
    mentions = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        text, source = path.read_text(), path.relative_to(ROOT)
        for row in ROW.finditer(text):
            if f"`{name}`" in row[1]:
                return relink(row[0], source, page)
        if re.search(rf"\b{name}\b", text):
            mentions.append(f"`{source}`")
    if not mentions:
        raise NoPage(f"{playbook_file} reads the variable {name}, and no page of docs/ describes it: add it to a table there.")
    return f"| `{name}` | see {', '.join(mentions)} | |"
