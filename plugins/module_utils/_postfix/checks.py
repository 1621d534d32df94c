# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Check wanted values against this host's Postfix; values of main.cf and overrides in master.cf are treated alike."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._postfix import restrictions
from ansible_collections.postroom.mail.plugins.module_utils._postfix import values as postfix_values
from ansible_collections.postroom.mail.plugins.module_utils._postfix.daemon import Postfix, package_of
from ansible_collections.postroom.mail.plugins.module_utils._postfix.kinds import Kind, is_proposed_name, is_restriction_list, kind_of
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import expand, references
from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import too_wide

# Every lookup table type that Postfix has or had, see DATABASE_README: enough to tell one from a transport or a host.
_TABLE_TYPES = frozenset(
    "btree cdb cidr dbm environ fail hash inline internal ldap lmdb memcache mongodb mysql netinfo nis nisplus pcre pgsql pipemap"
    " proxy randmap regexp sdbm socketmap sqlite static tcp texthash unionmap unix".split()
)
# Parameters in which a word with a colon is always a lookup table.
_ONLY_TABLES = re.compile(r"\w+(_maps?|_checks|_cache_database)|alias_database|relay_clientcerts")
# Where a word with a colon is something else: next hops, milters, programs, addresses.
_NO_TABLES = re.compile(
    r"\w+(_transports?|_milters|_relay|_destinations|_command|_banner|_macros)|relayhost|content_filter|smtpd_sasl_path"
)

# The parameters with clients that can relay, or can pose as one that can.
_TRUSTED = ("mynetworks", "permit_mx_backup_networks", "smtpd_authorized_xclient_hosts")
# The parameters by which smtpd decides whether it is an open relay.
RELAY_PARAMETERS = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions", "smtpd_restriction_classes")
# Parameters that hold a service of master.cf, with or without a next hop.
_TRANSPORT = re.compile(r"(?!defer_transports)\w*_transport|content_filter")
# The old name of a parameter, as its default still refers to it: $virtual_maps, ${old?{$old}:{value}}.
_OLD_NAME = re.compile(r"\$(?P<plain>\w+)|\$\{(?P<tested>\w+)\?\{\$(?P=tested)\}:\{.*\}\}", re.ASCII)
# Without these nothing of Postfix starts.
_DIRECTORIES = ("queue_directory", "daemon_directory", "command_directory", "data_directory")
# The endings of parameters that exist once for every transport in master.cf.
_PER_TRANSPORT = (
    "_concurrency_limit _concurrency_failed_cohort_limit _concurrency_negative_feedback _concurrency_positive_feedback"
    " _rate_delay _recipient_limit _delivery_slot_cost _delivery_slot_discount _delivery_slot_loan _minimum_delivery_slots"
    " _extra_recipient_limit _recipient_refill_delay _recipient_refill_limit _initial_destination_concurrency _time_limit"
).split()


class MissingTableType(BadInput):
    """This Postfix has no lookup table type of that name."""


class BadTableName(BadInput):
    """The name of a lookup table lacks its type or its file."""


class SizesContradict(BadInput):
    """A mailbox is too small for a single message of the permitted size: the delivery agents refuse to run."""


class UnknownParameter(BadInput):
    """This Postfix has no parameter of that name."""


class UnknownTransport(BadInput):
    """master.cf has no service for a transport: mail for it stays in the queue."""


class Checker:
    """The data for checking a value: the host's *defaults*, the *values* of main.cf, and smtpd's own vocabulary."""

    def __init__(self, defaults: t.Mapping[str, str], values: t.Mapping[str, str], is_known_restriction: t.Callable[[str], bool]) -> None:
        self.defaults = defaults
        self.values = values
        self._is_known_restriction = is_known_restriction
        self.classes = frozenset(words(self.expanded("smtpd_restriction_classes") or ""))

    def kind(self, name: str) -> Kind:
        kind = kind_of(name, self.defaults)
        if name in self.classes or (name not in self.defaults and kind.name == "text"):
            return Kind("list")
        # The administrator's own parameter: its name says nothing about its value.
        return Kind("list") if self.defaults and name not in self.defaults and kind.name == "word" else kind

    def expanded(self, name: str, overrides: t.Mapping[str, str] | None = None) -> str | None:
        """Return the effective value of parameter *name*; None when it cannot be determined."""
        values = {**self.values, **(overrides or {})}
        return expand(values.get(name, self.defaults.get(name, "")), values, self.defaults)

    def is_known(self, name: str) -> bool:
        """Return whether *name* is Postfix's own, or one that the administrator has evidently defined."""
        return name in self.defaults or name in self.classes or is_proposed_name(name)

    def check(self, name: str, given: object, text: str, overrides: t.Mapping[str, str] | None = None, before: str | None = None) -> None:
        """Raise a `BadInput` when *name* cannot hold the value *given*, rendered as *text*.

        *before* is the present effective value; in a list of networks only new words are checked.
        """
        if name in references(text):
            raise postfix_values.BadValue(f"The value of {name} refers to ${name}, that is to itself; write out its contents.")
        kind = self.kind(name)
        # Where neither this host nor postconf(5) tells what it takes, as before Postfix is there, any shape may be right.
        if name in self.defaults or kind.name in ("word", "choice", "choices"):
            postfix_values.check_shape(name, given, kind)
        expanded = expand(text, {**self.values, **(overrides or {})}, self.defaults)
        if expanded is not None:
            postfix_values.check(name, expanded, kind, words(before or ""))
        if is_restriction_list(name) or name in self.classes:
            restrictions.check(name, text if expanded is None else expanded, self.classes, self._is_known_restriction)

    def check_relay(self, overrides: t.Mapping[str, str] | None = None) -> None:
        """Raise `OpenRelay` when smtpd would refuse to start with these restrictions."""
        relay, recipient = (self.expanded(f"smtpd_{which}_restrictions", overrides) for which in ("relay", "recipient"))
        if relay is not None and recipient is not None:
            restrictions.check_relay(relay, recipient, lambda name: self.expanded(name, overrides), self.classes)

    def check_sizes(self) -> None:
        """Raise `SizesContradict` when a mailbox is smaller than a permitted message."""
        message = self.expanded("message_size_limit")
        for name in ("mailbox_size_limit", "virtual_mailbox_limit"):
            mailbox = self.expanded(name)
            if message and mailbox and message.isdigit() and mailbox.isdigit() and 0 < int(mailbox) < (int(message) or int(mailbox) + 1):
                raise SizesContradict(
                    f"{name} ({mailbox}) is smaller than message_size_limit ({message}), and the delivery agent would refuse to run;"
                    f" raise {name}, or set it to 0 for no limit."
                )


def check_trusted(before: t.Callable[[str], str | None], after: t.Callable[[str], str | None]) -> None:
    """Raise `OpenRelay` when the effective values *after* a change trust every machine of the Internet, and those before do not."""
    for name in _TRUSTED:
        standing = words(before(name) or "")
        found = [word for word in too_wide(after(name) or "") if word not in standing]
        if found:
            raise restrictions.OpenRelay(
                f"{name} cannot contain '{found[0]}', which is far larger than the network of one organisation, and would let the whole"
                " world relay through this host: name the networks of your own clients."
            )


def check_tables(name: str, value: str, installed: t.Collection[str]) -> None:
    """Raise for a lookup table in *value* that this Postfix cannot open: its type is missing, or it lacks one."""
    for table_type, rest in tables(name, value):
        if table_type == "proxy" and not re.match(r"[$\w{}()]+:[^\s:]", rest):
            raise BadTableName(
                f"{name} has '{table_type}:{rest}', which names no table for proxymap(8) to open: write a type and a name, as in"
                " proxy:mysql:/etc/postfix/users.cf."
            )
        if table_type in installed:
            continue
        package = package_of(table_type)
        if package:
            raise MissingTableType(
                f"{name} uses a lookup table of type '{table_type}', which is not installed; install the package {package}."
            )
        raise MissingTableType(
            f"{name} uses a lookup table of type '{table_type}', which this Postfix does not have"
            f"{postfix_values.nearest(table_type, installed)} It has {', '.join(sorted(installed))}."
        )


def tables(name: str, value: str) -> list[tuple[str, str]]:
    """Return the lookup tables in *value*, also within other tables (``proxy:``, ``unionmap:``, ``pipemap:``): type and name."""
    if _NO_TABLES.fullmatch(name):
        return []
    sure = bool(_ONLY_TABLES.fullmatch(name))
    found: list[tuple[str, str]] = []
    listed = words(value)
    for before, word in zip(["", *listed], listed):
        if before == "check_policy_service":
            continue
        match = re.match(r"!?([A-Za-z][A-Za-z0-9_]*):(.*)", word, re.DOTALL)
        if not match or not (sure or match[1] in _TABLE_TYPES or re.fullmatch(r"check_\w+_access", before)):
            continue
        table_type, rest = match[1], match[2]
        found.append((table_type, rest))
        if table_type == "proxy":
            found.extend(tables("proxied_maps", rest))
        elif table_type in ("unionmap", "pipemap") and rest.startswith("{"):
            found.extend(tables("combined_maps", rest.strip("{} ")))
    return found


def missing_transport(name: str, value: str, services: t.Collection[str]) -> str | None:
    """Return the transport in *value*, without any ``$name``, if it is none of the unix *services* of master.cf."""
    transport = value.partition(":")[0].strip() if _TRANSPORT.fullmatch(name) else ""
    return transport if transport and transport not in services else None


def check_transport(name: str, value: str, services: t.Collection[str], master_cf: str) -> None:
    """Raise `UnknownTransport` when *master_cf*, which has the unix *services*, has none for the transport in *value*."""
    transport = missing_transport(name, value, services)
    if transport:
        raise UnknownTransport(
            f"{name} names the transport '{transport}', and {master_cf} has no service '{transport}' of type unix, so that mail for it"
            f" would stay in the queue: add the service first, with postroom.mail.postfix_service"
            f"{postfix_values.nearest(transport, services)}"
        )


def new_name(name: str, defaults: t.Mapping[str, str]) -> str | None:
    """Return the new name of the parameter once called *name*: its default still refers to it."""
    for parameter, default in defaults.items():
        old = _OLD_NAME.fullmatch(default)
        if old and name in old.groups() and name not in defaults:
            return parameter
    return None


def checker_for(postfix: Postfix, defaults: t.Mapping[str, str], values: t.Mapping[str, str]) -> Checker:
    """Return a `Checker` that asks this host's smtpd about restrictions that are newer than our table."""

    def is_known_restriction(name: str) -> bool:
        if not defaults:
            return True
        directory = expand(values.get("daemon_directory", defaults.get("daemon_directory", "")), values, defaults)
        return directory is not None and postfix.knows_restriction(name, directory)

    return Checker(defaults, values, is_known_restriction)


def check_on_host(postfix: Postfix, changed: t.Mapping[str, str]) -> None:
    """Raise when a *changed* value names a lookup table type or a SASL implementation that this host does not have."""
    used = {name: text for name, text in changed.items() if tables(name, text)}
    if used:
        installed = postfix.table_types()
        for name, text in used.items():
            check_tables(name, text, installed)
    for name, text in changed.items():
        if name.endswith("_sasl_type") and text and "$" not in text:
            types = postfix.sasl_types(client=not name.startswith("smtpd_"))
            if text not in types:
                raise postfix_values.BadValue(f"{name} cannot be '{text}'; this Postfix is built with {', '.join(types) or 'none'}.")
        if name in _DIRECTORIES and "$" not in text and not os.path.isdir(text):
            raise postfix_values.BadValue(f"{name} cannot be '{text}': there is no such directory.")
        if name == "default_database_type" and "$" not in text:
            check_tables("default_maps", f"{text}:", postfix.table_types())


def stranger(postfix: Postfix, defaults: t.Mapping[str, str], name: str) -> str:
    """Return the message about a name that Postfix does not know, or no longer."""
    renamed = new_name(name, defaults)
    if renamed:
        return f"'{name}' is the old name of {renamed}, which Postfix looks at only as long as that is not set; set {renamed} instead."
    hint = postfix_values.nearest(name, defaults)
    for suffix in _PER_TRANSPORT:
        transport = name[: -len(suffix)].removesuffix("_destination").removesuffix("_transport")
        if name.endswith(suffix) and transport:
            return (
                f"Postfix knows '{name}' only when {postfix.master_cf} has a service '{transport}', and it has none: add the"
                f" service first, with postroom.mail.postfix_service{hint}"
            )
    return (
        f"Postfix {defaults.get('mail_version', '')} knows no parameter '{name}', and nothing in"
        f" {postfix.config_directory} refers to it{hint}"
    )
