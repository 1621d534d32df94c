# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All the files that Dovecot reads, in its order, and a stand-in for them with one file exchanged."""

from __future__ import annotations

import dataclasses
import fnmatch
import glob
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.files import ENCODING, ERRORS, read_text
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf

# Dovecot itself stops at some depth; ours only has to end for files that include each other.
MAX_DEPTH = 20


@dataclasses.dataclass(frozen=True)
class Assignment:
    """One line that sets something, with the file it stands in."""

    path: conf.Path
    meaning: conf.Meaning
    file: str


@dataclasses.dataclass
class Tree:
    """The files that Dovecot reads when it starts from `main`, and their settings."""

    main: str
    files: dict[str, str] = dataclasses.field(default_factory=dict)  # path -> text
    patterns: list[str] = dataclasses.field(default_factory=list)  # what is included, as absolute patterns
    assignments: list[Assignment] = dataclasses.field(default_factory=list)
    blocks: list[conf.Path] = dataclasses.field(default_factory=list)  # paths of all blocks, ending in ""


@dataclasses.dataclass(frozen=True)
class _Texts:
    """The texts to read: the exchanged ones by their real paths, those that are known, and for all others the files."""

    exchanged: dict[str, str]
    known: dict[str, str]

    def of(self, path: str) -> str | None:
        text = self.exchanged.get(os.path.realpath(path))
        if text is None:
            text = self.known.get(path)
        if text is None:
            text = read_text(path)
        if text is not None:
            self.known[path] = text
        return text


def read(main: str, exchanged: t.Mapping[str, str], known: t.Mapping[str, str] | None = None) -> Tree:
    """Read the configuration that starts at *main*; the files in *exchanged* (path to text) as if they said that.

    Each file is opened once, and those in *known* are not opened at all.
    """
    tree = Tree(os.path.normpath(main))
    coming = {**staging.texts(), **exchanged}
    texts = _Texts({os.path.realpath(path): text for path, text in coming.items()}, dict(known or {}))
    _read(tree, tree.main, texts, (), {}, 0)
    return tree


def with_exchanged(tree: Tree, exchanged: t.Mapping[str, str]) -> Tree:
    """Return what Dovecot would read with the files in *exchanged*; only a file that *tree* has not read is opened."""
    return read(tree.main, exchanged, tree.files)


def text_of(tree: Tree, path: str) -> str | None:
    """Return the text of *path*, by *tree* if Dovecot reads the file; None if there is no such file."""
    real = os.path.realpath(path)
    for file, text in tree.files.items():
        if os.path.realpath(file) == real:
            return text
    return read_text(path)


def _read(tree: Tree, path: str, texts: _Texts, prefix: conf.Path, counts: dict[str, int], depth: int) -> None:
    text = texts.of(path)
    if text is None or depth > MAX_DEPTH:
        return
    tree.files[path] = text
    for steps, line in conf.walk(conf.parse(text), prefix, counts):
        if line.kind == "setting":
            tree.assignments.append(Assignment(steps, conf.meaning(line.value), path))
        elif line.kind == "open":
            tree.blocks.append(steps)
        elif line.kind == "include":
            pattern = os.path.normpath(os.path.join(os.path.dirname(path), line.value))
            tree.patterns.append(pattern)
            for included in _matches(pattern, texts.exchanged):
                _read(tree, included, texts, steps[:-1], counts, depth + 1)


def _matches(pattern: str, exchanged: t.Iterable[str]) -> list[str]:
    """The files that an include takes, in its order; among them those that are yet to be written."""
    directory, name = os.path.split(pattern)
    found = set(glob.glob(pattern))
    for path in exchanged:
        if (
            not os.path.exists(path)
            and os.path.dirname(path) == os.path.realpath(directory)
            and fnmatch.fnmatchcase(os.path.basename(path), name)
        ):
            found.add(os.path.join(directory, os.path.basename(path)))
    return sorted(found)


def is_read(tree: Tree, path: str) -> bool:
    """Tell if Dovecot reads the file *path* at all."""
    return os.path.realpath(path) in {os.path.realpath(file) for file in tree.files}


def overridden(tree: Tree, path: str, ours: t.Iterable[conf.Path]) -> list[tuple[conf.Path, str]]:
    """Those of *ours*, set in the file *path*, that another file sets differently later, with that file."""
    winners: dict[conf.Path, Assignment] = {}
    mine: dict[conf.Path, Assignment] = {}
    for assignment in tree.assignments:
        winners[canonical(assignment.path)] = assignment
        if os.path.realpath(assignment.file) == os.path.realpath(path):
            mine[canonical(assignment.path)] = assignment
    result = []
    for setting in ours:
        name = canonical(setting)
        own, winner = mine.get(name), winners.get(name)
        if own and winner and os.path.realpath(winner.file) != os.path.realpath(path) and winner.meaning != own.meaning:
            result.append((setting, winner.file))
    return result


def passdb_drivers(tree: Tree) -> set[str]:
    """The drivers of all password databases that Dovecot would ask."""
    settings = {assignment.path: assignment.meaning for assignment in tree.assignments}
    return {conf.driver(block[0], settings) for block in tree.blocks if len(block) == 2 and conf.database(block) == "passdb"}


def canonical(path: conf.Path) -> conf.Path:
    """One spelling for all the ways in which 2.4 lets a setting be written.

    ``ssl_server { cert_file }`` is ``ssl_server_cert_file``, and inside ``unix_listener x`` both ``mode`` and
    ``unix_listener_mode`` are the same.
    """
    steps: list[str] = []
    pending = ""
    kind = ""
    for step in path[:-1]:
        if " " in step or "[" in step:
            steps.append(pending + step)
            pending, kind = "", re.split(r"[ \[]", step)[0]
        else:
            pending += f"{step}_"
    key = pending + path[-1]
    if kind and key.startswith(f"{kind}_"):
        key = key[len(kind) + 1 :]
    return (*steps, key)


def stage(tree: Tree, exchanged: t.Mapping[str, str], room: str) -> str:
    """Build a stand-in for the configuration below the directory *room*, and return its main file.

    Every live path P appears as ``ROOM/P``. Directories are real, files are symbolic links to the live ones, so no
    secret is copied; only the exchanged files, and those that include by absolute path, are written out.
    """
    # Of what waits for being put in place with it, what Dovecot reads.
    exchanged = {**{path: text for path, text in staging.texts().items() if path in tree.files}, **exchanged}
    real = {os.path.realpath(path): text for path, text in exchanged.items()}
    written = {path: real.get(os.path.realpath(path), text) for path, text in tree.files.items()}
    written = {
        path: _relocate(text, room) for path, text in written.items() if os.path.realpath(path) in real or _relocate(text, room) != text
    }
    directories = {os.path.dirname(path) for path in (*tree.files, *tree.patterns, *exchanged)}
    for directory in sorted(d for d in directories if os.path.isdir(d) or any(os.path.dirname(path) == d for path in exchanged)):
        _mirror(directory, room)
    for path, text in written.items():
        staged = room + path
        if os.path.lexists(staged):
            os.unlink(staged)
        fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding=ENCODING, errors=ERRORS, newline="") as f:
            f.write(text)
    return room + tree.main


def _mirror(directory: str, room: str) -> None:
    """Make ``ROOM/DIRECTORY`` a real directory, whose entries are links to the live ones."""
    live = ""
    for part in directory.strip("/").split("/"):
        live = f"{live}/{part}"
        staged = room + live
        # A link that stands for a whole directory gives way to a directory of links.
        was_link = os.path.islink(staged)
        if was_link:
            os.unlink(staged)
        if not os.path.isdir(staged):
            os.mkdir(staged, 0o700)
        if (was_link or live == directory) and os.path.isdir(live):
            for entry in os.listdir(live):
                if not os.path.lexists(f"{staged}/{entry}"):
                    os.symlink(f"{live}/{entry}", f"{staged}/{entry}")


def _relocate(text: str, room: str) -> str:
    """Let absolute includes point into the stand-in."""
    return re.sub(r"^([ \t]*!include(?:_try)?[ \t]+)/", lambda match: f"{match.group(1)}{room}/", text, flags=re.M)
