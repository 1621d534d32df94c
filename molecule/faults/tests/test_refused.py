# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of one role is refused, by the tools of its daemon as late as can be: the parts of all others are not carried out either."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

import pytest
from harness import play
from saved_changes import LATTER, on_each
from state_of_host import files, is_a_sentence, left, said

ACCOUNT = {"poll": "mail.elsewhere.example", "user": "x", "password": "password-there", "is": "bob"}
CERTIFICATES = (
    "mkdir -p /root/pairs && cd /root/pairs && for name in one other; do"
    " openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x.example -keyout $name.key -out $name.pem 2>/dev/null; done"
)


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A wish that is refused beside the right ones of all roles, the words of the refusal, and the commands on the host around it."""

    variables: dict[str, t.Any]
    words: list[str]
    before: str = "true"
    after: str = "true"


REFUSALS = {
    "host": Refusal(
        {"mail_tls_certificate": "/root/pairs/one.pem", "mail_tls_private_key": "/root/pairs/other.key"},
        ["/root/pairs/other.key", "does not belong to the certificate /root/pairs/one.pem"],
        before=CERTIFICATES,
        after="rm -r /root/pairs",
    ),
    # Only postmap reads expressions.
    "postfix": Refusal(
        {"postfix_tables": [{"path": "/etc/postfix/bodies", "type": "regexp", "entries": {"/(unclosed/": "REJECT"}}]},
        ["postmap finds fault with regexp:/etc/postfix/bodies", "Unmatched ("],
    ),
    "relay_policy": Refusal({"relay_policy_networks": ["0.0.0.0/0"]}, ["0.0.0.0/0"]),
    # Only libsasl2 opens the database.
    "sasl": Refusal(
        {},
        ["libsasl2 cannot look up", "/etc/sasldb2"],
        before="cp -a /etc/sasldb2 /root/sasldb2 && seq 2000 >/etc/sasldb2",
        after="cp -a /root/sasldb2 /etc/sasldb2 && rm /root/sasldb2",
    ),
    "dovecot": Refusal(
        {"dovecot_settings": {"mail_max_userip_connections": "many"}},
        ["would refuse /etc/dovecot/dovecot.conf", "Invalid number many"],
    ),
    "fetchmail": Refusal(
        {"fetchmail_accounts": [{**ACCOUNT, "service": "no-such-service"}]},
        ["fetchmail does not take what /etc/fetchmailrc would hold", "no-such-service"],
    ),
    "filtering": Refusal(
        {"filtering_users": [{"name": "bob", "script": 'require "no-such-thing";\nkeep;\n'}]},
        ["does not take line 2", "of the Sieve script of bob", "no-such-thing"],
    ),
}


@contextlib.contextmanager
def prepared(mails, refusal):
    on_each(mails, lambda mail: mail.out(refusal.before))
    try:
        yield
    finally:
        on_each(mails, lambda mail: mail.out(refusal.after))


@pytest.mark.parametrize("role", REFUSALS)
def test_what_one_role_is_refused_no_other_gets(mails, mail_goes_on, role):
    refusal = REFUSALS[role]
    with prepared(mails, refusal):
        before = on_each(mails, files)
        run = play("site", limit="mail", variables={**LATTER, **refusal.variables})
        after = on_each(mails, files)
        leftovers = on_each(mails, left)
    assert run.rc != 0, run.output
    for mail in mails:
        sentence = said(run.output, mail.name)
        assert is_a_sentence(sentence), sentence
        assert [word for word in refusal.words if word not in sentence] == [], sentence
    assert after == before
    assert leftovers == ["", ""]
    assert all(mail_goes_on[mail.name].goes_on() for mail in mails)
