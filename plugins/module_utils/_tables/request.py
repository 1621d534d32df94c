# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wanted lookup table: the options of one table, checked and put in the tables' own words."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._tables import secrets as tables_secrets
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import (
    CLIENT_TYPES,
    FILE_TYPES,
    REQUIRED_PARAMETERS,
    SUFFIXES,
    Entry,
    Style,
    entries_from,
    merge,
    parse,
    render,
)

NOT_SHOWN = "[not shown]"  # Of a secret table.


@dataclasses.dataclass(frozen=True)
class Table:
    """A wanted table: `text` is the whole source, or `entries` are set in the present one; with neither,
    the source is left as it is.
    """

    path: str
    type: str
    style: Style
    text: str | None = None
    entries: list[Entry] | None = None
    present: bool = True
    secret: bool = False
    attributes: files.Attributes = dataclasses.field(default_factory=files.Attributes)
    # Its values are names of files, and the compiled form holds what stands in these (postmap -F).
    file_contents: bool = False

    @property
    def name(self) -> str:
        return f"{self.type}:{self.path}" if self.type else self.path

    def wanted(self, before: str | None) -> str:
        """Return the text of the source, made from its present text. Raises `BadInput`."""
        if self.text is not None:
            return self.text
        if self.entries is not None:
            return merge(before or "", self.entries, self.style)
        if before is None:
            raise BadInput(f"There is no {self.path} to compile; create it, or give its entries, content or src.")
        return before

    def files_named_in(self, text: str) -> list[str]:
        """Return the files with contents that the compiled form of the source *text* holds."""
        if not self.file_contents:
            return []
        return [word for entry in parse(text, self.style) for word in re.split(r"[,\s]+", entry.value or "") if word]

    def check_parameters(self, text: str) -> None:
        """Refuse a client configuration that cannot answer a single lookup."""
        names = {entry.key for entry in parse(text, "parameters")}
        for wanted in REQUIRED_PARAMETERS.get(self.type, ()):
            if not names & set(wanted.split("|")):
                told = wanted.replace("|", "' or '")
                raise BadInput(f"{self.name} has no parameter '{told}', without which lookups fail or go astray; add it to 'parameters'.")


class Host(t.Protocol):
    """The questions of the requests to the host."""

    def default_type(self) -> str: ...

    def owner_for(self, owner: str) -> str | None: ...

    def group_for(self, group: str) -> str | None: ...


def requests_from(given: list[dict[str, t.Any]], host: Host) -> list[Table]:
    """Return a `Table` for each table's options; no two may have one path. Raises `BadInput`."""
    tables = [table_from(options, host) for options in given]
    paths = [table.path for table in tables]
    for path in paths:
        if paths.count(path) > 1:
            raise BadInput(f"The table {path} is given twice; join the two.")
    return tables


def table_from(options: dict[str, t.Any], host: Host, read_text: t.Callable[[str], str | None] = files.read_text) -> Table:
    """Return a `Table` for one table's options; the host is only asked for options that they leave open. Raises `BadInput`."""
    path = _checked_path(options["path"])
    present = options["state"] == "present"
    given = [name for name in ("entries", "content", "src", "parameters") if options[name] is not None]
    if len(given) > 1:
        raise BadInput(f"The table {path} has {' and '.join(given)}; give only one of them.")
    kind = options["type"] or (host.default_type() if present and "parameters" not in given else "")
    style = _style(path, kind, options["format"], given) if present else "table"
    if not options["exclusive"] and given and given[0] in ("content", "src"):
        raise BadInput(f"The table {path} has {given[0]}, which is always the whole table; only entries can be merged (exclusive: false).")
    odd = tables_secrets.problems(options) if present else []
    if odd:
        raise BadInput(" ".join(odd))
    file_contents = bool(options.get("file_contents"))
    if file_contents and present and (kind not in SUFFIXES or style != "table"):
        raise BadInput(
            f"The table {path} has file_contents, which only a table without aliases has that is compiled ({', '.join(SUFFIXES)});"
            " Postfix reads the files of another one by itself."
        )
    secret = bool(options["secret"] if options["secret"] is not None else kind in CLIENT_TYPES or file_contents)
    text, entries = _content(path, options, style, read_text) if present else (None, None)
    return Table(
        path=path,
        type=kind,
        style=style,
        text=text,
        entries=entries,
        present=present,
        secret=secret,
        attributes=_attributes(options, kind, secret, host),
        file_contents=file_contents,
    )


def judge(option: str, value: t.Any, table: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """Return one table's options as they may be shown, and the secrets: all of a secret table, and passwords in a client configuration."""
    if table["secret"]:
        return NOT_SHOWN, _secrets_of(option, value)
    return secrets.in_dictionary(value, tables_secrets.SECRET_PARAMETERS) if option == "parameters" else (value, set())


def _secrets_of(option: str, value: t.Any) -> set[str]:
    if option == "content":
        lines = [line.strip() for line in value.splitlines()]
        found = {value, *lines, *(line.partition(" ")[2].strip() for line in lines)}
    elif isinstance(value, list):
        found = secrets.texts([item.get("value") if isinstance(item, dict) else item for item in value])
    else:
        found = secrets.texts(value) if isinstance(value, dict) else set()
    # "user:password", as in smtp_sasl_password_maps: the second half alone is as secret as the whole.
    return (found | {text.partition(":")[2] for text in found}) - {""}


def _checked_path(path: str) -> str:
    if not path.startswith("/") or path.endswith("/"):
        raise BadInput(f"The path of a table must be absolute and name a file, as /etc/postfix/virtual does; '{path}' does not.")
    if re.search(r"[\s,:{}$]", path):
        raise BadInput(f"The path '{path}' has a character that main.cf cannot have in the name of a table (white space , : {{ }} $).")
    base, suffix = os.path.splitext(path)
    if suffix in {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}:
        raise BadInput(f"'{path}' is the name of a compiled table; give the path of its source, {base}.")
    return os.path.normpath(path)


def _style(path: str, kind: str, table_format: str, given: list[str]) -> Style:
    if given == ["parameters"] and kind not in CLIENT_TYPES:
        raise BadInput(f"The table {path} has parameters, so its type must be one of {', '.join(CLIENT_TYPES)}.")
    if kind not in FILE_TYPES:
        raise BadInput(
            f"The type '{kind}' of {path} is not one that has a source file ({', '.join(FILE_TYPES)});"
            " a table of another type is named in main.cf alone."
        )
    if kind in CLIENT_TYPES and given == ["entries"]:
        raise BadInput(f"The table {kind}:{path} is asked of a server: it has 'parameters', not 'entries'.")
    if table_format == "aliases":
        if kind not in SUFFIXES:
            raise BadInput(
                f"Aliases are compiled by postalias, which cannot make type '{kind}' for {path}; use one of {', '.join(SUFFIXES)}."
            )
        return "aliases"
    if kind in CLIENT_TYPES:
        return "parameters"
    return "cidr" if kind == "cidr" else "regexp" if kind in ("regexp", "pcre") else "table"


def _content(
    path: str, options: dict[str, t.Any], style: Style, read_text: t.Callable[[str], str | None]
) -> tuple[str | None, list[Entry] | None]:
    """Return the whole text, or the entries to merge, or neither."""
    content, src = options["content"], options["src"]
    given = options["parameters"] if options["parameters"] is not None else options["entries"]
    if given is not None:
        try:
            entries = entries_from(given, style)
        except BadInput as e:
            raise type(e)(f"{path}: {e}") from None
        return (render(entries, style), None) if options["exclusive"] else (None, entries)
    if content is not None:
        return (f"{content}\n" if content and not content.endswith("\n") else content), None
    if src is None or os.path.realpath(src) == os.path.realpath(path):
        return None, None
    text = read_text(src)
    if text is None:
        raise BadInput(f"There is no file {src} on the host to make the table {path} of.")
    return text, None


def _attributes(options: dict[str, t.Any], kind: str, secret: bool, host: Host) -> files.Attributes:
    """Return owner, group and mode as given; a secret table is root's own, and Postfix can read one for proxymap."""
    mode = files.mode_from(options["mode"], options["path"])
    owner, group = options["owner"], options["group"]
    if secret:
        client = kind in CLIENT_TYPES
        owner = owner or "root"
        group = group or ("postfix" if client else "root")
        mode = (0o640 if client else 0o600) if mode is None else mode
    return files.Attributes(owner and host.owner_for(owner), group and host.group_for(group), mode)
