# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of the site: which file of the checkout is which page, and where the links between the files lead on the site."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import re
import typing as t

import yaml
from _house import ROOT, load

# In code a link is none.
CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"`[^`]*`|(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
# With the lines that continue it. To parse all of the documentation takes seconds.
SHORT = re.compile(r"^( *)(short_description: .*(?:\n\1 +.*)*)", re.MULTILINE)


class NoPage(Exception):
    """The checkout has something of which no page can be made."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """Things of the collection that have a page each, and the page that lists them."""

    name: str
    folder: str
    files: str
    title: str

    @property
    def listing(self) -> str:
        return f"{self.name}s"

    @functools.cached_property
    def things(self) -> dict[str, pathlib.Path]:
        """Give the things of this kind in the checkout by their names."""
        found = sorted((ROOT / self.folder).glob(self.files))
        return {path.relative_to(ROOT / self.folder).parts[0].removesuffix(path.suffix): path.relative_to(ROOT) for path in found}

    def page(self, thing: str) -> str:
        return f"collection/{thing}_{self.name}"


KINDS = (
    Kind("playbook", "playbooks", "*.yml", "Playbooks"),
    Kind("role", "roles", "*/meta/argument_specs.yml", "Roles"),
    Kind("module", "plugins/modules", "*.py", "Modules"),
    Kind("filter", "plugins/filter", "*.py", "Filters"),
    Kind("lookup", "plugins/lookup", "*.py", "Lookups"),
)


def pages() -> dict[str, pathlib.Path]:
    """Give the pages of the site, by name, with the files of the checkout that they are made from."""
    documents = {path.stem: path.relative_to(ROOT) for folder in (ROOT, ROOT / "docs") for path in sorted(folder.glob("*.md"))}
    listings = {kind.listing: pathlib.Path(kind.folder) for kind in KINDS}
    return documents | listings | {kind.page(thing): path for kind in KINDS for thing, path in kind.things.items()}


def page_of(path: pathlib.Path) -> str | None:
    """Give the page that stands for a file or a folder of the checkout, which need not be there; None if the site has none."""
    if path.suffix == ".md" and path.parent in (pathlib.Path(), pathlib.Path("docs")):
        return path.stem
    for kind in KINDS:
        if path == pathlib.Path(kind.folder):
            return kind.listing
        if path.is_relative_to(kind.folder):
            thing = path.relative_to(kind.folder).parts[0].removesuffix(path.suffix)
            return kind.page(thing) if thing in kind.things else None
    return "index" if path == pathlib.Path("docs") else None


def page_named(text: str) -> str | None:
    """Give the page of something that is only named, such as postroom.mail.postmap or docs/sasl.md."""
    if re.fullmatch(r"docs/\w+\.md", text):
        return page_of(pathlib.Path(text))
    match = re.fullmatch(r"postroom\.mail\.(\w+)", text)
    return next((kind.page(match[1]) for kind in KINDS if match[1] in kind.things), None) if match else None


def path_at(address: str, repository: str) -> str | None:
    """Give the file of the checkout to which the address of the repository on a forge leads."""
    match = re.fullmatch(rf"{re.escape(repository)}/(?:blob|tree)/main/([^#]+)(?:#.*)?", address)
    return match[1] if match else None


def is_made_by_antsibull(page: str) -> bool:
    return page.startswith("collection/") and not page.endswith("_playbook")


def file_of(page: str) -> str:
    """Give the file of a page among the sources that Sphinx reads."""
    return page + (".rst" if is_made_by_antsibull(page) else ".md")


def relink(text: str, source: pathlib.Path, page: str) -> str:
    """Turn the links in the Markdown of a file into those of its page; a link to a file without a page becomes its text."""

    def link(match: re.Match[str]) -> str:
        target, _hash, anchor = (match["target"] or "").partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        other = page_of(pathlib.Path(os.path.normpath(source.parent / target)))
        if other is None:
            return match["text"]
        # The headings of a page that antsibull-docs makes are not those of the file.
        place = f"#{anchor}" if anchor and not is_made_by_antsibull(other) else ""
        return f"[{match['text']}]({os.path.relpath(file_of(other), os.path.dirname(page) or '.')}{place})"

    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in CODE.split(text))


def contents(index: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give the table of contents by the links in docs/index.md: under each heading the pages, each with the text of its link."""
    prose = "".join(CODE.split(index)[::2])
    seen = {"index"}
    groups = []
    for heading, body in zip(HEADING.findall(prose), HEADING.split(prose)[2::2]):
        group = []
        for match in LINK.finditer(body):
            page = page_of(pathlib.Path(os.path.normpath(pathlib.Path("docs", (match["target"] or "").partition("#")[0]))))
            if match["target"] and page and page not in seen:
                seen.add(page)
                group.append((match["text"], page))
        groups.append((heading, group))
    return groups


def tree(caption: str, entries: t.Iterable[tuple[str, str]]) -> str:
    """Give a table of contents for the side of the pages."""
    listed = "\n".join(f"{title} </{page}>" for title, page in entries)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def document(page: str, source: pathlib.Path) -> str:
    """Give the page of a Markdown file."""
    text = (ROOT / source).read_text()
    trees = [tree(heading, group) for heading, group in contents(text) if group] if page == "index" else []
    return relink(text, source, page) + "".join(trees)


def listing(kind: Kind) -> str:
    """Give the page that lists the things of a kind."""
    rows = [f"| [`{thing}`]({file_of(kind.page(thing))}) | {about(kind, path)} |" for thing, path in kind.things.items()]
    entries = [(thing, kind.page(thing)) for thing in kind.things]
    return "\n".join([f"# {kind.title}", "", f"| {kind.name} | |", "|---|---|", *rows, ""]) + tree(kind.title, entries)


def about(kind: Kind, path: pathlib.Path) -> str:
    """Give the sentence by which a thing describes itself."""
    if kind.name == "playbook":
        return str(load(ROOT / path)[-1]["name"])
    said = SHORT.search((ROOT / path).read_text())
    if said is None:
        raise NoPage(f"{path} has no short_description, by which the site would list it: write one.")
    sentence: str = yaml.safe_load(said[2])["short_description"]
    return sentence
