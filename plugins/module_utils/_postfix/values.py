# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Values of Postfix parameters: from YAML to Postfix's text, and whether Postfix can use the text."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import port_in_brackets
from ansible_collections.postroom.mail.plugins.module_utils._core.yaml_kind import yaml_kind
from ansible_collections.postroom.mail.plugins.module_utils._postfix.kinds import Kind, is_tls_protocols
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import WHITESPACE, words

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# Parameters that Postfix stores in 64 bits; all other numbers must fit into 32.
_LONG = ("message_size_limit", "mailbox_size_limit", "virtual_mailbox_limit", "queue_minfree", "lmdb_map_size")
# Parameters that hold networks; a word that is none makes smtpd answer 451 to everyone.
_NETWORKS = ("mynetworks", "smtpd_sasl_exceptions_networks", "permit_mx_backup_networks")
# Parameters that hold next hops, perhaps behind a transport.
_NEXT_HOP = re.compile(r"relayhost|content_filter|\w+_(transport|fallback_relay)")
_TLS_PROTOCOL = re.compile(r"(!|>=|<=)?(SSLv2|SSLv3|TLSv1(\.[123])?|0x[0-9a-f]+)", re.IGNORECASE)


class BadParameterName(BadInput):
    """A name cannot be that of a Postfix parameter."""


class BadValue(BadInput):
    """Postfix cannot use a value for this parameter."""


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadParameterName(
            f"'{name}' cannot be the name of a Postfix parameter: a name is made of letters, digits, underscores, hyphens and dots."
        )


def nearest(name: str, names: t.Iterable[str]) -> str:
    """Return the known names nearest to *name*, as a clause for an error message; empty when none is near."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.75)
    return f"; did you mean {' or '.join(close)}?" if close else "."


def render(name: str, value: object, *, separator: str = ", ") -> str:
    """Turn a YAML *value* into the text that Postfix takes: yes and no for booleans, lists joined. Raises `BadValue`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise BadValue(
            f"The value of {name} is a decimal number ({value}), of which YAML drops trailing zeros (3.10 becomes 3.1); write it in quotes."
        )
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (list, tuple, dict)) or item is None for item in value):
            raise BadValue(f"The list given for {name} must hold plain strings and numbers only.")
        return separator.join(text for text in (render(name, item) for item in value) if text)
    if not isinstance(value, str):
        raise BadValue(f"The value of {name} is {yaml_kind(value)}; Postfix takes a string, a number, yes or no, or a list of strings.")
    if "\n" in value:
        raise BadValue(
            f"The value of {name} contains a line break, which would end it there; write it on one line, or give a list"
            " (YAML's '>-' makes one line only of lines that are indented alike, with no empty one between them)."
        )
    control = re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value)
    if control:
        raise BadValue(f"The value of {name} contains the control character {control[0]!r}.")
    return value.strip(WHITESPACE)


def same(kind: Kind, present: str, wanted: str) -> bool:
    """Return whether Postfix reads both texts as the same value: lists word by word, all else to the letter."""
    if present == wanted:
        return True
    if kind.is_list:
        return words(present) == words(wanted)
    if kind.name == "boolean":
        return present.lower() == wanted.lower()
    return False


def check_shape(name: str, value: object, kind: Kind) -> None:
    """Check the YAML type of *value* against the kind of the parameter; *value* may contain ``$name``. Raises `BadValue`."""
    takes = _TAKES[kind.name]
    if isinstance(value, (list, tuple)) and not kind.is_list:
        raise BadValue(f"{name} takes {takes}, not a list.")
    if isinstance(value, bool) and kind.name not in ("boolean", "text", "word") and not {"yes", "no"} & set(kind.choices):
        raise BadValue(f"{name} takes {takes}, not {'yes' if value else 'no'}{_one_of(kind)}.")
    if isinstance(value, int) and not isinstance(value, bool) and kind.name == "boolean":
        raise BadValue(f"{name} takes yes or no, not {value}.")


def check(name: str, value: str, kind: Kind, standing: t.Collection[str] = ()) -> None:
    """Check *value*, in which every ``$name`` has been replaced, against the kind of the parameter. Raises `BadValue`.

    Postfix looks up names of clients, and takes a misspelt network for one: words that are *standing* there already stay.
    """
    _check_kind(name, value, kind)
    right = port_in_brackets(value) if _NEXT_HOP.fullmatch(name) else None
    if right:
        raise BadValue(f"{name} cannot be '{value}': the port must stand behind the brackets, as in {right}.")
    if name in _NETWORKS:
        for word in words(value):
            if word not in standing:
                _check_network(name, word)
    if is_tls_protocols(name):
        for word in re.split(r"[,:\s]+", value):
            if word and not _TLS_PROTOCOL.fullmatch(word):
                raise BadValue(f"{name} cannot contain '{word}'; it takes TLS versions such as '>=TLSv1.2' or '!TLSv1.1'.")


def _check_kind(name: str, value: str, kind: Kind) -> None:
    if kind.name == "boolean" and value.lower() not in ("yes", "no"):
        raise BadValue(f"{name} takes yes or no, not '{value}'.")
    if kind.name == "number":
        _check_number(name, value)
    if kind.name == "time" and not re.fullmatch(r"\d+[smhdwSMHDW]?", value):
        raise BadValue(f"{name} takes a time such as 30s, 5m, 1h or 3d, not '{value}'.")
    if kind.name == "word" and len(value.split()) > 1:
        raise BadValue(f"{name} takes one word, not '{value}'.")
    if kind.name == "choice" and value and value.lower() not in kind.choices:
        raise BadValue(f"{name} cannot be '{value}'{_one_of(kind)}.")
    if kind.name == "choices":
        for word in words(value):
            if word.lower() not in kind.choices:
                raise BadValue(f"{name} cannot contain '{word}'{_one_of(kind)}.")


def _check_number(name: str, value: str) -> None:
    if not re.fullmatch(r"[+-]?\d+", value):
        raise BadValue(f"{name} takes a whole number, not '{value}'.")
    number = int(value)
    if number < 0 and not name.endswith("_threshold"):
        raise BadValue(f"{name} cannot be negative ({value}).")
    bits = 63 if name in _LONG else 31
    if number >= 2**bits:
        raise BadValue(f"{name} cannot be {value}: Postfix counts it in {bits + 1} bits.")


def _check_network(name: str, word: str) -> None:
    """Check that *word* is an address, a network, a file, or a lookup table."""
    pattern = word[1:] if word.startswith("!") else word
    if pattern.startswith("/") or re.match(r"[a-z]+:[/$\w{]", pattern):
        return
    ipv6 = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](/\d+)?", pattern)
    # Imported here, as few runs need it.
    import ipaddress

    try:
        network = ipaddress.ip_network(f"{ipv6[1]}{ipv6[2] or ''}" if ipv6 else pattern, strict=False)
        host = ipaddress.ip_interface(f"{ipv6[1]}{ipv6[2] or ''}" if ipv6 else pattern).ip
    except ValueError:
        raise BadValue(
            f"{name} cannot contain '{word}'; it takes addresses and networks such as 192.0.2.0/24 or [2001:db8::]/32, files, and"
            " lookup tables."
        ) from None
    if (network.version == 6) != bool(ipv6):
        raise BadValue(f"{name} cannot contain '{word}'; Postfix wants IPv6 addresses in brackets, such as [2001:db8::]/32.")
    if host != network.network_address:
        right = f"[{network.network_address}]/{network.prefixlen}" if ipv6 else str(network)
        raise BadValue(f"{name} cannot contain '{word}', which is an address within a network; did you mean {right}?")


_TAKES = {
    "boolean": "yes or no",
    "number": "a whole number",
    "time": "a time",
    "word": "one word",
    "list": "a list of words",
    "choice": "one word",
    "choices": "a list of words",
    "text": "a text",
}


def _one_of(kind: Kind) -> str:
    return f"; it takes {', '.join(kind.choices)}" if kind.choices else ""
