# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which Postfix asks its tables about an incoming recipient, on this host. Pure.

From ADDRESS_REWRITING_README, postconf(5) and local(8).
"""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._policy.access import Access
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words


class Step(t.NamedTuple):
    """One question: the program that asks, its subject, and the parameters with the answers; the first parameter that answers wins."""

    program: str
    about: str
    parameters: tuple[str, ...]


_RECIPIENTS = ("local_recipient_maps", "virtual_alias_maps", "virtual_mailbox_maps", "relay_recipient_maps")
_DOMAINS = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")

_AT_THE_DOOR = (Step("smtpd", "does the recipient exist", _RECIPIENTS),)
_ON_THE_WAY = (
    Step("cleanup", "another spelling of the address", ("recipient_canonical_maps", "canonical_maps")),
    Step("cleanup", "hide host names in the recipient", ("masquerade_domains",)),
    Step("cleanup", "copies for somebody else", ("always_bcc", "recipient_bcc_maps")),
    Step("cleanup", "virtual aliases, again for every result", ("virtual_alias_maps",)),
    # The README names it behind the routes; measured, it wins over them.
    Step("qmgr", "who has moved", ("relocated_maps",)),
    Step("qmgr", "the route of an address or a domain", ("transport_maps",)),
    Step("qmgr", "the class of the domain", _DOMAINS),
)
_LOCAL = (
    Step("local", "local aliases, again for every result", ("alias_maps",)),
    Step("local", "what users say themselves", ("forward_path",)),
)
# The precedence that postconf(5) gives under mailbox_transport. What is set for everybody hides all that follows.
_MAILBOX = tuple("mailbox_transport_maps mailbox_transport mailbox_command_maps mailbox_command home_mailbox mail_spool_directory".split())
_NOBODY = ("fallback_transport_maps", "fallback_transport", "luser_relay")
_REMOTE = (
    Step("qmgr", "the way out", ("sender_dependent_default_transport_maps", "default_transport")),
    Step("qmgr", "the smarthost", ("sender_dependent_relayhost_maps", "relayhost")),
    Step("smtp", "another spelling for the outside", ("smtp_generic_maps",)),
)


def order(parameters: t.Mapping[str, str], doors: t.Sequence[tuple[int | None, str, t.Mapping[str, str]]]) -> list[dict[str, t.Any]]:
    """Return the questions that this host really asks, one after the other.

    Each has the program, the subject, the condition, and the parameters with their values. The parameters in ``hidden`` are
    set too, but Postfix never asks them.
    """
    ports: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for port, service, effective in doors:
        lists = tuple((f"smtpd_{name}_restrictions", value) for name, value in Access(effective).lists())
        ports.setdefault(lists, []).append(str(port or service))
    rows = [_row("smtpd", f"may this client send there, on {', '.join(names)}", "always", dict(lists)) for lists, names in ports.items()]
    rows += [_step(step, "always", parameters) for step in (*_AT_THE_DOOR, *_ON_THE_WAY)]
    if "envelope_recipient" not in words(parameters.get("masquerade_classes", "")):
        rows = [row for row in rows if "masquerade_domains" not in row["parameters"]]
    if parameters.get("local_transport", "local").split(":")[0] == "local":
        rows += [_step(step, "local", parameters) for step in _LOCAL]
        rows.append(_first_wins("the mailbox", _MAILBOX, parameters))
        if not parameters.get("mailbox_transport"):
            rows.append(_first_wins("recipients without an account", _NOBODY, parameters))
    if parameters.get("virtual_mailbox_domains") and parameters.get("virtual_transport", "virtual").split(":")[0] == "virtual":
        rows.append(_step(Step("virtual", "the mailbox", ("virtual_mailbox_maps",)), "virtual_mailbox", parameters))
    rows += [_step(step, "remote", parameters) for step in _REMOTE]
    return [row for row in rows if row["parameters"]]


def _row(
    program: str, about: str, when: str, parameters: t.Mapping[str, str], hidden: t.Mapping[str, str] | None = None
) -> dict[str, t.Any]:
    return {"program": program, "about": about, "when": when, "parameters": dict(parameters), "hidden": dict(hidden or {})}


def _step(step: Step, when: str, parameters: t.Mapping[str, str]) -> dict[str, t.Any]:
    return _row(step.program, step.about, when, {name: parameters[name] for name in step.parameters if parameters.get(name)})


def _first_wins(about: str, names: t.Sequence[str], parameters: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return the parameters up to the first that answers for every recipient; the tables before it answer for some."""
    asked: dict[str, str] = {}
    hidden: dict[str, str] = {}
    decided = False
    for name in names:
        if not parameters.get(name):
            continue
        (hidden if decided else asked)[name] = parameters[name]
        decided = decided or not name.endswith("_maps")
    hidden.pop("mail_spool_directory", None)  # It always has a value.
    return _row("local", about, "local", asked, hidden)
