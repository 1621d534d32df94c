# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: policy_page
short_description: Show the mail that a host accepts, and from which clients, as a page of text
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Turns RV(postroom.mail.mail_info#module:policy) into lines that a person reads at a glance.
  - The page shows the ports with their answers, the final and the forwarded domains, the clients that can relay, the routes of leaving
    mail, findings that an administrator must know, and the order in which Postfix asks its tables on this host.
options:
  _input:
    description: The policy.
    type: dict
    required: true
  width:
    description: The columns of the page. Names that are longer are never cut.
    type: int
    default: 96
seealso:
  - plugin: postroom.mail.mail_info
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Gather the policy of the host
  postroom.mail.mail_info:
    gather: [policy]
  register: host

- name: Show the policy
  ansible.builtin.debug:
    msg: "{{ host.policy | postroom.mail.policy_page }}"
"""

RETURN = r"""
_value:
  description: The lines of the page.
  type: list
  elements: str
  sample:
    - "The mail policy of mail.example.org (Postfix 3.10.13)"
    - ""
    - "PORTS  TLS      AUTH   mail for this host from     mail for others from"
    - "   25  offered  never  strangers mynetworks        mynetworks"
"""

import textwrap
import typing as t

from ansible.errors import AnsibleFilterError

Data = t.Mapping[str, t.Any]
_LABEL = 18
# Of these the page has said before what they hold.
_SHOWN = [f"{name}_recipient_maps" for name in ("local", "relay")] + ["virtual_mailbox_maps"]
_SHOWN += ["mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"]
_KINDS = {"strangers": "strangers", "networks": "mynetworks", "authenticated": "logins"}
_CLASS = {"local": "local", "virtual_alias": "virtual aliases", "virtual_mailbox": "virtual mailboxes"}
_PLACES = {"local": "local domains", "virtual_mailbox": "virtual mailboxes", "remote": "other domains"}


def policy_page(policy: Data, width: int = 96) -> list[str]:
    """Return the lines of the page."""
    try:
        return [line.replace('"', "'") for line in _Page(width).lines(policy)]
    except (TypeError, KeyError, AttributeError) as e:
        raise AnsibleFilterError(
            f"postroom.mail.policy_page takes what postroom.mail.mail_info returns as policy, asked for with gather=policy ({e!r})."
        ) from e


class _Page:
    def __init__(self, width: int) -> None:
        self.width = width

    def lines(self, policy: Data) -> list[str]:
        if not policy["installed"]:
            return ["This host accepts no mail: Postfix is not installed."]
        if policy["config_error"]:
            return [f"The policy of this host is not known: {policy['config_error']}"]
        sections = [
            [f"The mail policy of {policy['hostname']} (Postfix {policy['version']})"],
            _ports(policy["listeners"]),
            ["FINAL: mail for these domains ends here, from every client that a port accepts", *self._final(policy["final"])],
            ["FORWARDED: the routes of other mail", *self._forwarded(policy["forwarded"], policy["smarthost"])],
            ["RELAYING: these clients can send to other domains", *self._clients(policy["clients"])],
            ["FINDINGS", *self._findings(policy["findings"])],
            ["ORDER: the questions of Postfix about an incoming recipient, from top to bottom", *self._order(policy["order"])],
        ]
        return [line for section in sections for line in ([""] if section is not sections[0] else []) + section]

    def _entry(self, label: str, text: str, indent: int = 2) -> list[str]:
        """Return a label and a text beside it, folded where it is too long."""
        space = " " * (indent + _LABEL)
        first = f"{' ' * indent}{label:<{_LABEL}}"
        if len(label) >= _LABEL:
            first = f"{' ' * indent}{label} "
        return textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=space, break_long_words=False, break_on_hyphens=False
        ) or [first.rstrip()]

    def _final(self, final: Data) -> t.Iterator[str]:
        for name, label in _CLASS.items():
            answer = final[name]
            if not answer["domains"] and not answer["tables"]:
                yield from self._entry(label, "none")
                continue
            yield from self._entry(label, _domains(answer))
            if answer.get("addresses"):
                yield from self._entry("", "and user@ the addresses " + " ".join(answer["addresses"]))
            yield from self._entry("", _unknown(answer))
            if answer["transport"]:
                yield from self._entry("", f"delivered by {answer['transport']}")
            for route in answer["routes"]:
                yield from self._entry("", f"but {route['domain']} is handed on to {route['next_hop']} ({route['by']})")

    def _forwarded(self, forwarded: Data, smarthost: Data | None) -> t.Iterator[str]:
        relay = forwarded["relay"]
        if not relay["domains"] and not relay["tables"]:
            yield from self._entry("relay domains", "none")
        else:
            below = " and everything below them" if relay["subdomains"] else ""
            yield from self._entry("relay domains", f"{_domains(relay)}{below}, for everybody")
            yield from self._entry("", _unknown(relay))
            for route in relay["routes"]:
                yield from self._entry("", f"{route['domain']} goes to {route['next_hop']} ({route['by']})")
        for number, route in enumerate(forwarded["routes"]):
            yield from self._entry("" if number else "routes", f"{route['destination']} goes to {route['next_hop']}")
        if forwarded["more_routes"]:
            yield from self._entry("", f"and {forwarded['more_routes']} more")
        if forwarded["tables"]:
            yield from self._entry("", f"and what {' '.join(forwarded['tables'])} says")
        yield from self._entry("smarthost", _smarthost(smarthost))
        yield from self._entry("all other mail", f"{_hop(forwarded['default']['next_hop'])} ({forwarded['default']['by']})")

    def _clients(self, clients: Data) -> t.Iterator[str]:
        networks = f"{' '.join(clients['networks']) or 'nobody'} ({clients['networks_by']}) on {_list(clients['network_ports'])}"
        yield from self._entry("without login", networks if clients["network_ports"] else "nobody")
        ports = clients["authenticated_ports"]
        yield from self._entry("after login", f"everybody who can log in, on {_list(ports)}" if ports else "nobody")
        if clients["stranger_ports"]:
            yield from self._entry("STRANGERS", f"everybody, on {_list(clients['stranger_ports'])}")
        for condition in clients["conditions"]:
            yield from self._entry("some clients", condition)

    def _findings(self, findings: t.Sequence[Data]) -> t.Iterator[str]:
        if not findings:
            yield "  none"
        for finding in findings:
            yield from self._entry(finding["level"].upper() if finding["level"] == "danger" else finding["level"], finding["say"])

    def _order(self, steps: t.Sequence[Data]) -> t.Iterator[str]:
        place = "always"
        for number, step in enumerate(steps, 1):
            if step["when"] != place:
                place = step["when"]
                yield f"     {_PLACES[place]}:"
            asked = "; ".join(_asked(name, value) for name, value in step["parameters"].items())
            hidden = f" (never asked: {', '.join(step['hidden'])})" if step["hidden"] else ""
            yield from self._entry(f"{number:>2} {step['program']}", f"{step['about']}: {asked}{hidden}")


def _asked(name: str, value: str) -> str:
    if name in _SHOWN:
        return name
    return f"{name.removeprefix('smtpd_').removesuffix('_restrictions')} = {value}"


def _ports(listeners: t.Sequence[Data]) -> list[str]:
    rows = [("PORTS", "TLS", "AUTH", "takes mail for this host from", "relays for")]
    for row in listeners:
        place = f"{row['host'] + ':' if row['host'] else ''}{row['port'] or row['service']}"
        rows.append((place, row["tls"], row["auth"], _welcome(row, "own"), _welcome(row, "elsewhere")))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths)).rstrip() for row in rows] + (
        [] if listeners else ["no smtpd listens"]
    )


def _welcome(row: Data, destination: str) -> str:
    """Return the kinds of clients with accepted mail, and those that are refused for now."""
    if row["strangers"][destination] == "accepted":
        return "everybody"
    answers = {word: (row[kind] or {}).get(destination) for kind, word in _KINDS.items()}
    texts = [word for word, answer in answers.items() if answer == "accepted"]
    texts += [f"({word}: not now)" for word, answer in answers.items() if answer == "deferred"]
    return ", ".join(texts) or "nobody"


def _domains(answer: Data) -> str:
    texts = [*answer["domains"]]
    if answer["more_domains"]:
        texts.append(f"and {answer['more_domains']} more")
    if answer["tables"]:
        texts.append(f"and what {' '.join(answer['tables'])} says" if texts else f"what {' '.join(answer['tables'])} says")
    return " ".join(texts)


def _unknown(answer: Data) -> str:
    catch_all = set(answer["domains"]) <= set(answer["catch_all"])
    verdict = {"refused": "refused", "deferred": "refused for now", "accepted": "ACCEPTED"}[answer["unknown_recipients"]]
    if catch_all and not answer["tables"]:
        return "every recipient exists (a catch-all)"
    text = f"unknown recipients are {verdict}; known are those in {' '.join(answer['recipients']) or 'no table'}"
    return f"{text}; all of {' '.join(answer['catch_all'])}" if answer["catch_all"] else text


def _smarthost(smarthost: Data | None) -> str:
    if smarthost is None:
        return "none"
    parts = [smarthost["next_hop"]] if not smarthost["next_hop"].endswith(":MX") else []
    parts += [f"by sender: {' '.join(smarthost['per_sender'])}"] if smarthost["per_sender"] else []
    parts.append("with login" if smarthost["auth"] else "without login")
    parts.append(f"TLS {smarthost['tls']}{', ' + ' '.join(smarthost['tls_policies']) if smarthost['tls_policies'] else ''}")
    return ", ".join(parts)


def _hop(next_hop: str) -> str:
    return "goes to the MX of its domain" if next_hop.endswith(":MX") else f"goes to {next_hop}"


def _list(ports: t.Sequence[int]) -> str:
    return ", ".join(map(str, ports)) or "no port"


class FilterModule:
    """Make the filter known to Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"policy_page": policy_page}
