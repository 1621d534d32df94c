# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of a dovecot.conf that somebody else wrote: comments, order and everything that is not asked for stay."""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.conf import Block, Line, Node
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import FIRST


def edit(text: str, wanted: t.Iterable[Node]) -> str:
    """Bring the wanted settings into *text*."""
    root = conf.parse(text)
    unclosed = _unclosed(root)
    if unclosed:
        raise conf.BadSetting(f"the block '{unclosed}' is opened but never closed; close it first, nothing can be edited safely behind it.")
    _apply([root], wanted, 0)
    return conf.render(root)


def _unclosed(nodes: list[Node]) -> str:
    """The head of the block that the file ends in, or nothing."""
    last = next((node for node in reversed(nodes) if isinstance(node, Block)), None)
    if last is None:
        return ""
    return f"{last.head.key} {last.head.value}".strip() if last.tail is None else ""


def _apply(scopes: list[list[Node]], wanted: t.Iterable[Node], depth: int) -> None:
    """Work on the bodies of all blocks with one head: Dovecot merges them, and the last one wins."""
    for listed, items in itertools.groupby(wanted, _listed_key):
        if listed:
            _apply_list(scopes, listed, [item for item in items if isinstance(item, Block)], depth)
            continue
        for item in items:
            if isinstance(item, Block):
                _apply_block(scopes, item, depth)
            elif item.kind == "include":
                if not any(
                    isinstance(node, Line) and (node.key, node.value) == (item.key, item.value) for scope in scopes for node in scope
                ):
                    _insert(scopes[-1], _new([item]), len(scopes[-1]))
            elif item.kind == "removal":
                for scope in scopes:
                    scope[:] = [node for node in scope if _identity(node) != _identity(item)]
            else:
                _set(scopes, item, depth)


def _listed_key(item: Node) -> str:
    """Return the type of a block that is one of a list, and nothing for other nodes."""
    return item.head.key if isinstance(item, Block) and item.listed else ""


def _new(items: t.Iterable[Node]) -> list[Node]:
    """Copy wanted nodes for a file, in which there is nothing to remove."""
    return [
        dataclasses.replace(item, body=_new(item.body)) if isinstance(item, Block) else dataclasses.replace(item)
        for item in items
        if not conf.is_removal(item)
    ]


def _apply_block(scopes: list[list[Node]], item: Block, depth: int) -> None:
    same = _blocks(scopes, item.head.key, item.head.value)
    if same:
        _apply([block.body for block in same], item.body, depth + 1)
    else:
        _insert(scopes[-1], _new([item]), len(scopes[-1]))


def _blocks(scopes: list[list[Node]], key: str, name: str) -> list[Block]:
    return [node for scope in scopes for node in scope if isinstance(node, Block) and (node.head.key, node.head.value) == (key, name)]


def _set(scopes: list[list[Node]], item: Line, depth: int) -> None:
    present = [node for scope in scopes for node in scope if isinstance(node, Line) and _identity(node) == (item.key, "")]
    if not present:
        scope = scopes[-1]
        _insert(scope, _new([item]), _place(scope, item.key, depth))
    elif conf.meaning(present[-1].value) != conf.meaning(item.value):
        _replace_value(present[-1], item.value)


def _replace_value(line: Line, value: str) -> None:
    """Write another value into a line; indentation, the spacing around ``=`` and a comment behind it stay."""
    first = line.raw.split("\n", 1)[0]
    start = re.match(r"[ \t]*[^ \t=]+[ \t]*=[ \t]*", first)
    prefix = start.group(0) if start else f"{line.key} = "
    if prefix.endswith(" =") and not line.value:
        prefix += " "
    physical = re.findall(r"[^\n]*\n|[^\n]+", line.raw)[-1]
    content = conf.chomp(physical)
    end = physical[len(content) :]
    comment = conf.split_comment(content)[1].rstrip()
    line.raw = (prefix + value).rstrip(" \t") + comment + end
    line.value = value


def _place(scope: list[Node], key: str, depth: int) -> int:
    """Return the place of a new setting: below its own commented-out example, otherwise the end."""
    if not depth and key in FIRST:
        return _first_place(scope, key)
    example = re.compile(rf"[ \t]*#{re.escape(key)}[ \t]*=")
    for i, node in reversed(list(enumerate(scope))):
        if isinstance(node, Line) and node.kind == "blank" and example.match(node.raw) and node.raw.endswith("\n"):
            return i + 1
    return len(scope)


def _first_place(scope: list[Node], key: str) -> int:
    for i, node in enumerate(scope):
        if isinstance(node, Line) and node.kind == "setting" and node.key == FIRST[0] != key:
            return i + 1
    return next((i for i, node in enumerate(scope) if isinstance(node, Block) or node.kind != "blank"), len(scope))


def _insert(scope: list[Node], new: list[Node], at: int) -> None:
    if at:
        before = conf.render([scope[at - 1]])
        # The last line of a file may lack its line end, or promise a continuation that never comes.
        missing = "\n" if not before.endswith("\n") else ""
        missing += "\n" if conf.continues(before) else ""
        if missing:
            scope.insert(at, Line(missing, "blank"))
            at += 1
    scope[at:at] = new


def _apply_list(scopes: list[list[Node]], key: str, wanted: list[Block], depth: int) -> None:
    """Make the nameless blocks of one type exactly the wanted ones, in their order."""
    present = _blocks(scopes, key, "")
    for block, item in zip(present, wanted):
        if conf.flatten(block.body) != conf.flatten(item.body):
            keep = {_identity(part) for part in item.body}
            block.body[:] = [node for node in block.body if _identity(node) in keep or _identity(node) is None]
            _apply([block.body], item.body, depth + 1)
    surplus = [id(block) for block in present[len(wanted) :]]
    for scope in scopes:
        scope[:] = [node for node in scope if id(node) not in surplus]
    missing = _new(wanted[len(present) :])
    if missing:
        home = (
            next((scope for scope in reversed(scopes) if any(node is present[-1] for node in scope)), scopes[-1]) if present else scopes[-1]
        )
        at = next((i + 1 for i, node in enumerate(home) if present and node is present[-1]), len(home))
        _insert(home, missing if depth else conf.spaced(missing), at)


def _identity(node: Node) -> tuple[str, str] | None:
    """Return the key and the name that a node sets or removes; None for comments, includes and lines that are not understood."""
    if isinstance(node, Block):
        return node.head.key, node.head.value
    if node.kind == "removal":
        return node.key, node.value
    return (node.key, "") if node.kind == "setting" else None
