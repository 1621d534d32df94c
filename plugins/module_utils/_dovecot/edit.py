# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of a dovecot.conf that somebody else wrote: comments, order and everything that is not asked for stay."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.conf import Block, Line, Node, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import FIRST


def edit(text: str, wanted: t.Iterable[Wanted]) -> str:
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


def _apply(scopes: list[list[Node]], wanted: t.Iterable[Wanted], depth: int) -> None:
    """Work on the bodies of all blocks with one head: Dovecot merges them, and the last one wins."""
    for item in wanted:
        if item.bodies is not None:
            _apply_sequence(scopes, item, item.bodies, depth)
        elif item.body is not None:
            same = [node for scope in scopes for node in scope if _is_block(node, item)]
            if same:
                _apply([block.body for block in same if isinstance(block, Block)], item.body, depth + 1)
            else:
                _insert(scopes[-1], conf.parse(conf.render_wanted([item], depth)), len(scopes[-1]))
        elif item.key == conf.INCLUDE:
            if not any(isinstance(node, Line) and (node.key, node.value) == (item.key, item.value) for scope in scopes for node in scope):
                _insert(scopes[-1], conf.parse(conf.render_wanted([item], depth)), len(scopes[-1]))
        elif item.is_removal:
            for scope in scopes:
                scope[:] = [node for node in scope if not (_is_block(node, item) or _is_setting(node, item))]
        else:
            _set(scopes, item, depth)


def _is_block(node: Node, item: Wanted) -> bool:
    return isinstance(node, Block) and (node.head.key, node.head.value) == (item.key, item.name)


def _is_setting(node: Node, item: Wanted) -> bool:
    return isinstance(node, Line) and node.kind == "setting" and node.key == item.key and not item.name


def _set(scopes: list[list[Node]], item: Wanted, depth: int) -> None:
    present = [node for scope in scopes for node in scope if isinstance(node, Line) and _is_setting(node, item)]
    value = conf.written(item.value or "")
    if not present:
        scope = scopes[-1]
        _insert(scope, conf.parse(conf.render_wanted([item], depth)), _place(scope, item, depth))
    elif conf.meaning(present[-1].value) != conf.meaning(value):
        _replace_value(present[-1], value)


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


def _place(scope: list[Node], item: Wanted, depth: int) -> int:
    """Where a new setting goes: below its own commented-out example, otherwise to the end."""
    if not depth and item.key in FIRST:
        return _first_place(scope, item.key)
    example = re.compile(rf"[ \t]*#{re.escape(item.key)}[ \t]*=")
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


def _apply_sequence(scopes: list[list[Node]], item: Wanted, bodies: tuple[tuple[Wanted, ...], ...], depth: int) -> None:
    """Make the nameless blocks of one type exactly the wanted ones, in their order."""
    present = [node for scope in scopes for node in scope if isinstance(node, Block) and _is_block(node, item)]
    for block, body in zip(present, bodies):
        wanted_text = conf.render_wanted(body, depth + 1)
        if conf.flatten(block.body) != conf.flatten(conf.parse(wanted_text)):
            keep = {(part.key, part.name) for part in body}
            block.body[:] = [node for node in block.body if _identity(node) in keep or _identity(node) is None]
            _apply([block.body], body, depth + 1)
    surplus = [id(block) for block in present[len(bodies) :]]
    for scope in scopes:
        scope[:] = [node for node in scope if id(node) not in surplus]
    missing = bodies[len(present) :]
    if missing:
        new = conf.parse(conf.render_wanted([Wanted(item.key, bodies=missing)], depth))
        home = (
            next((scope for scope in reversed(scopes) if any(node is present[-1] for node in scope)), scopes[-1]) if present else scopes[-1]
        )
        at = next((i + 1 for i, node in enumerate(home) if present and node is present[-1]), len(home))
        _insert(home, new, at)


def _identity(node: Node) -> tuple[str, str] | None:
    """What a node sets; None for comments and what we do not understand."""
    if isinstance(node, Block):
        return node.head.key, node.head.value
    return (node.key, "") if node.kind == "setting" else None
