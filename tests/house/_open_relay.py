# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables in docs/open_relay.md, made from the forms that the probe tries."""

from __future__ import annotations

from _house import ROOT
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import EXAMPLE, PUBLIC, Form, forms

DOCUMENT = ROOT / "docs/open_relay.md"
HEAD = "## The forms\n"
TABLE = "| form | envelope | what it tries | right answer |\n|---|---|---|---|\n"


def document(old: str) -> str:
    """Give docs/open_relay.md as it should be: the prose of *old*, and the forms as they are now."""
    battery = forms(EXAMPLE)
    public = sum(form.origin == PUBLIC for form in battery)
    blocks = [
        f"They are {len(battery)} for the host of the examples: {public} that public tests have tried since the nineties (●), and"
        f" {len(battery) - public}\nof our own. The host is `{EXAMPLE.hostname}` for `{EXAMPLE.domain}` and, as a backup, for"
        f" `{EXAMPLE.other_domain}`; it has the addresses\n`{'` and `'.join(EXAMPLE.addresses)}`."
    ]
    for family in dict.fromkeys(form.family for form in battery):
        rows = [row(form) for form in battery if form.family == family]
        blocks += [f"### {family.capitalize()}", TABLE + "\n".join(rows)]
    return old.partition(HEAD)[0] + HEAD + "\n" + "\n\n".join(blocks) + "\n"


def row(form: Form) -> str:
    name = f"{form.name} ●" if form.origin == PUBLIC else form.name
    return f"| {name} | {envelope(form)} | {form.tries} | {answer(form)} |"


def envelope(form: Form) -> str:
    """Give what is special about the form's envelope."""
    if form.helo:
        return f"`EHLO {form.helo}`"
    if form.before:
        return f"to `{form.before}`, then to `{form.recipient}`"
    return f"from `{form.sender}`" if form.family == "sender" else f"to `{form.recipient}`"


def answer(form: Form) -> str:
    return "5xx, or the catch-all keeps it" if EXAMPLE.owns(form.recipient) else "5xx"
