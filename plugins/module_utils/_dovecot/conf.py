# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of dovecot.conf: text to tree and back, and edits that leave everything else as it was.

``render(parse(text)) == text`` holds for any text, also for one that Dovecot would refuse. The rules are those of
Dovecot's own reader (2.3 and 2.4 agree on all of them):

* a setting is ``key = value``, a block opens with ``type {`` or ``type name {`` and closes with ``}``, one a line;
* a backslash at the end of a line joins it with the next one; an empty line or a comment in between drops both;
* ``#`` starts a comment unless a quote (``"`` or ``'``) is open;
* a value in quotes is literal; unquoted, ``$name`` stands for another setting and a leading ``<`` reads a file.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

INDENT = "  "

# In 2.3 these have no name, and each repetition adds a database; every other repeated block is merged.
REPEATABLE = ("passdb", "userdb")

# As the key of a wanted setting, this includes the file in its place.
INCLUDE = "!include_try"


class BadSetting(BadInput):
    """A setting or block that cannot be written into a dovecot.conf."""


@dataclasses.dataclass
class Line:
    """One logical line with everything that belongs to it: indentation, continuation lines, comment, line end."""

    raw: str
    kind: str  # "blank" (or a comment), "setting", "include", "open", "close", "unknown"; in a wanted tree "removal"
    key: str = ""  # the setting's name, "!include" or "!include_try", the block's type
    value: str = ""  # the value as it is written, the included path, the name without quotes of a block, or of one to remove


@dataclasses.dataclass
class Block:
    head: Line
    body: list[Node] = dataclasses.field(default_factory=list)
    tail: Line | None = None  # None: the file ends before the block does
    listed: bool = False  # in a wanted tree: one of a list of nameless blocks, which is wanted as a whole


Node = t.Union[Line, Block]


# What somebody wants in a file -------------------------------------------------------------------------------------


def wanted_from(settings: t.Mapping[str, t.Any], where: str = "", depth: int = 0) -> list[Node]:
    """Turn the nested dictionary of the module's option into a tree; raises `BadSetting` with the setting's path.

    A setting or block to remove is a line of the kind "removal", which has no text.
    """
    wanted: list[Node] = []
    for written_key, value in settings.items():
        place = f"{where}{written_key}"
        if written_key == INCLUDE:
            wanted += [_include(_included(item, place), depth) for item in (value if isinstance(value, list) else [value])]
            continue
        key, name = _header(str(written_key), place)
        if isinstance(value, t.Mapping):
            body = wanted_from(value, f"{place} / ", depth + 1)
            wanted.append(_block(key, name, body, depth, listed=key in REPEATABLE and not name))
        elif isinstance(value, (list, tuple)) and value and all(isinstance(item, t.Mapping) for item in value):
            if name:
                raise BadSetting(f"{place}: a list of blocks is for blocks without a name; give '{written_key}' one dictionary.")
            bodies = [wanted_from(item, f"{place}[{i}] / ", depth + 1) for i, item in enumerate(value)]
            wanted += [_block(key, "", body, depth, listed=True) for body in bodies]
        elif value is None:
            wanted.append(Line("", "removal", key, name))
        elif name:
            raise BadSetting(f"{place}: '{written_key}' is the head of a block, so its value must be a dictionary (or null to remove it).")
        else:
            wanted.append(_setting(key, written(_text(key, value, place)), depth))
    return wanted


def is_removal(node: Node) -> bool:
    return isinstance(node, Line) and node.kind == "removal"


def _include(path: str, depth: int) -> Line:
    return Line(f"{INDENT * depth}{INCLUDE} {path}\n", "include", INCLUDE, path)


def _setting(key: str, value: str, depth: int) -> Line:
    return Line(f"{INDENT * depth}{key} = {value}".rstrip(" ") + "\n", "setting", key, value)


def _block(key: str, name: str, body: list[Node], depth: int, *, listed: bool) -> Block:
    head = " ".join(filter(None, (key, _written_name(name))))
    opening = Line(f"{INDENT * depth}{head} {{\n", "open", key, name)
    return Block(opening, body, Line(f"{INDENT * depth}}}\n", "close"), listed)


def _written_name(name: str) -> str:
    if re.search(r"[\s\"'\\#={}]", name):
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return name


def _header(written: str, place: str) -> tuple[str, str]:
    key, _space, name = written.strip().partition(" ")
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = _unescape(name[1:-1])
    if not key or re.search(r"[\s={}#\"'\\\x00-\x1f\x7f]", key) or key.startswith("!"):
        raise BadSetting(f"'{place}' cannot be the name of a Dovecot setting: write it as it stands in dovecot.conf, without '=' and '{{'.")
    if re.search(r"[\x00-\x1f\x7f]", name) or name.endswith("{"):
        raise BadSetting(f"'{place}' cannot be the head of a Dovecot block: write it as in dovecot.conf, without '{{'.")
    return key, name


def _included(value: t.Any, place: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^\s#\x00-\x1f\x7f]+", value):
        raise BadSetting(f"{place}: {value!r} is no name or pattern of a file that Dovecot could include.")
    return value


def _text(key: str, value: t.Any, place: str) -> str:
    wrong = secrets.misread(key, value)
    if wrong:
        raise BadSetting(f"{place} {wrong}.")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        if key == "mode" and value:
            raise BadSetting(
                f'{place}: the number {value} is no file mode any more once YAML has read it; write it in quotes, as in "0660".'
            )
        return str(value)
    if isinstance(value, (list, tuple)):
        return " ".join(_text(key, item, place) for item in value)
    if not isinstance(value, str):
        raise BadSetting(f"{place}: {value!r} is neither text, number, boolean, list nor dictionary; put it in quotes.")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise BadSetting(f"{place}: the value contains a line break or another control character, which a Dovecot setting cannot hold.")
    if value.startswith("<") and "#" in value:
        raise BadSetting(f"{place}: Dovecot takes '#' in {value} for the start of a comment; give the file another name.")
    return value


# Values ------------------------------------------------------------------------------------------------------------


def written(value: str) -> str:
    """Return *value* as it is written after the ``=``: in quotes where it would be cut or trimmed otherwise.

    A value that brings its own quotes stays as it is, and so does one that reads a file (``<``): in quotes the
    name itself would be the value.
    """
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value
    if value.startswith("<"):
        return value
    if value != value.strip() or "#" in value or value.endswith("\\"):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def meaning(text: str) -> tuple[str, bool]:
    """Return the meaning of a written value: the literal text, and if ``$name`` and ``<`` in it are still to be resolved."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return _unescape(text[1:-1]), False
    return text, text.startswith("<") or "$" in text


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.S)


# Text to tree and back ---------------------------------------------------------------------------------------------


def parse(text: str) -> list[Node]:
    """Read *text* into a tree; anything that is no dovecot.conf becomes lines of kind ``unknown``."""
    root: list[Node] = []
    open_blocks: list[Block] = []
    for line in _lines(text):
        body = open_blocks[-1].body if open_blocks else root
        if line.kind == "open":
            block = Block(line)
            body.append(block)
            open_blocks.append(block)
        elif line.kind == "close" and open_blocks:
            open_blocks.pop().tail = line
        else:
            body.append(line)
    return root


def render(nodes: t.Iterable[Node]) -> str:
    """The text of a tree."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, Line):
            parts.append(node.raw)
        else:
            parts += (node.head.raw, render(node.body), node.tail.raw if node.tail else "")
    return "".join(parts)


def _lines(text: str) -> t.Iterator[Line]:
    raw = logical = ""
    for physical in re.findall(r"[^\n]*\n|[^\n]+", text):
        raw += physical
        content = split_comment(chomp(physical))[0].strip(" \t")
        if content.endswith("\\"):
            logical += content[:-1].rstrip(" \t") + " "
            continue
        yield _classify(raw, (logical + content).strip(" \t") if content else "")
        raw = logical = ""
    if raw:
        yield Line(raw, "blank")


def continues(raw: str) -> bool:
    """Tell if the last physical line of *raw* asks for another one to be joined to it."""
    last = re.findall(r"[^\n]*\n|[^\n]+", raw)[-1:]
    return bool(last) and split_comment(chomp(last[0]))[0].strip(" \t").endswith("\\")


def chomp(physical: str) -> str:
    """A physical line without its end; Dovecot takes a carriage return at the end of the file for one, too."""
    return re.sub(r"\r?\n?\Z", "", physical, count=1)


def split_comment(physical: str) -> tuple[str, str]:
    """Cut one physical line into what counts and its comment, with the white space before it."""
    quote = ""
    escaped = False
    for i, char in enumerate(physical):
        if quote:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                quote = ""
        elif char in "\"'":
            quote = char
        elif char == "#":
            content = physical[:i].rstrip(" \t")
            return content, physical[len(content) :]
    content = physical.rstrip(" \t")
    return content, physical[len(content) :]


def _classify(raw: str, content: str) -> Line:
    if not content:
        return Line(raw, "blank")
    if content == "}":
        return Line(raw, "close")
    include = re.fullmatch(r"(!include(?:_try)?)[ \t]+(.+)", content)
    if include:
        return Line(raw, "include", include.group(1), include.group(2))
    setting = re.fullmatch(r"([^ \t=]+)[ \t]*=[ \t]*(.*)", content)
    if setting:
        return Line(raw, "setting", setting.group(1), setting.group(2))
    block = re.fullmatch(r'([^ \t="]+)(?:[ \t]+(?:"((?:[^"\\]|\\.)*)"|([^ \t{"=][^ \t]*)))?[ \t]+\{', content)
    if block:
        quoted, plain = block.group(2), block.group(3)
        return Line(raw, "open", block.group(1), plain or _unescape(quoted or ""))
    return Line(raw, "unknown")


# What a file says --------------------------------------------------------------------------------------------------

# The steps to a setting, as in ("service auth", "unix_listener auth-userdb", "mode"); "" last stands for the block itself.
Path = tuple[str, ...]
Meaning = tuple[str, bool]


def flatten(nodes: t.Iterable[Node]) -> dict[Path, Meaning]:
    """Every setting of a tree by its path; the last one wins.

    A block appears itself too, since an empty one may matter, and so do includes.
    """
    flat: dict[Path, Meaning] = {}
    for path, line in walk(nodes, (), {}):
        flat[path] = meaning(line.value) if line.kind == "setting" else ("", False)
    return flat


def walk(nodes: t.Iterable[Node], prefix: Path, counts: dict[str, int]) -> t.Iterator[tuple[Path, Line]]:
    """Settings, includes and heads of blocks with their paths, in the order of the text.

    Nameless databases are counted in *counts*, so that each has a path of its own: ``passdb[0]``, ``passdb[1]``.
    """
    for node in nodes:
        if isinstance(node, Block):
            inner = (*prefix, _step(node.head, counts))
            yield (*inner, ""), node.head
            yield from walk(node.body, inner, counts)
        elif node.kind == "setting":
            yield (*prefix, node.key), node
        elif node.kind == "include":
            yield (*prefix, f"{node.key} {node.value}"), node


def _step(head: Line, counts: dict[str, int]) -> str:
    if head.value:
        return f"{head.key} {head.value}"
    if head.key in REPEATABLE:
        counts[head.key] = counts.get(head.key, -1) + 1
        return f"{head.key}[{counts[head.key]}]"
    return head.key


def database(path: Path) -> str:
    """``passdb`` or ``userdb`` when the path leads into such a block."""
    kind = re.split(r"[ \[]", path[0])[0]
    return kind if kind in REPEATABLE else ""


def driver(block: str, settings: t.Mapping[Path, Meaning]) -> str:
    """The driver of ``passdb[0]`` (2.3) or ``passdb pam`` (2.4, where the name is the default)."""
    for key in ("driver", f"{database((block,))}_driver"):
        if (block, key) in settings:
            return settings[block, key][0]
    return block.partition(" ")[2]


def display(path: Path) -> str:
    """A path as people read it: ``service auth/unix_listener auth-userdb/mode``."""
    return "/".join(path).rstrip("/")


def changes(before: str, after: str) -> list[Path]:
    """The paths that differ in meaning, in the order of the new text; a block only when nothing inside it does."""
    old, new = flatten(parse(before)), flatten(parse(after))
    paths = [path for path in new if old.get(path) != new[path]] + [path for path in old if path not in new]
    settings = [path for path in paths if path[-1]]
    return [path for path in paths if path[-1] or not any(other[: len(path) - 1] == path[:-1] for other in settings)]


# A whole file of our own -------------------------------------------------------------------------------------------


def render_wanted(wanted: t.Iterable[Node]) -> str:
    """Render a wanted tree: blocks stand apart from each other, the settings of one level together."""
    return render(spaced(wanted))


def spaced(nodes: t.Iterable[Node]) -> list[Node]:
    """Return the nodes that have a text, with an empty line on both sides of each block but at the ends."""
    apart: list[Node] = []
    former: Node | None = None
    for node in nodes:
        if is_removal(node):
            continue
        if former is not None and (isinstance(node, Block) or isinstance(former, Block)):
            apart.append(Line("\n", "blank"))
        apart.append(node)
        former = node
    return apart
