# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catch-all in the domain of the host's own accounts takes what is for nobody, and nothing else."""

from __future__ import annotations

import pytest
from harness import play
from mail_hosts import ALICE, BOB

CAROL = ["carol", "carol's word"]
LOGINS = {"alice": ALICE, "bob": BOB, "carol": CAROL}
CATCH_ALL = {
    "mail_aliases": {"root": "alice", "me": "alice"},
    # sales is a name alone, which is meant for this host's domain too.
    "mail_virtual_aliases": "{{ {'@' ~ mail_domain: 'bob', 'info@' ~ mail_domain: 'alice', 'sales': 'alice'} }}",
}


@pytest.fixture(scope="module", autouse=True)
def catch_all(mails):
    """Everything for nobody goes to bob; the inventory does not know carol, nor the system's own alias."""
    for mail in mails:
        # No such account is ever made by the collection.
        mail.out('useradd -m carol && echo "carol:carol\'s word" | chpasswd')
        mail.out("cp -a /etc/aliases /etc/aliases.kept; echo 'house: alice' >> /etc/aliases && newaliases")
    run = play("site", "--tags", "postfix", limit="mail", variables=CATCH_ALL)
    assert run.rc == 0, run.output[-3000:]
    again = play("site", "--tags", "postfix", limit="mail", variables=CATCH_ALL)
    assert [again.changed(mail.name) for mail in mails] == [0, 0], again.output[-3000:]
    yield
    for mail in mails:
        mail.out("userdel -r carol 2>/dev/null; mv /etc/aliases.kept /etc/aliases && newaliases")
    run = play("site", "--tags", "postfix", limit="mail")
    assert run.rc == 0, run.output[-3000:]
    for mail in mails:
        assert mail.run("ls /etc/postfix/catch_all*").returncode != 0
        assert mail.out("postconf -h virtual_alias_maps") == "hash:/etc/postfix/virtual"


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        pytest.param("whoever", "bob", id="nobody"),
        pytest.param("whoever+tag", "bob", id="nobody, with a tag"),
        pytest.param("alice", "alice", id="a user of the inventory"),
        pytest.param("ALICE", "alice", id="in capitals"),
        pytest.param("carol", "carol", id="an account that the inventory does not know"),
        pytest.param("Carol", "carol", id="the same in capitals"),
        pytest.param("carol+tag", "carol", id="the same with a tag"),
        pytest.param("me", "alice", id="an alias"),
        pytest.param("me+tag", "alice", id="an alias, with a tag"),
        pytest.param("house", "alice", id="an alias of the system's own"),
        pytest.param("root", "alice", id="root"),
        pytest.param("info", "alice", id="an entry of its own"),
        pytest.param("info+tag", "alice", id="an entry of its own, with a tag"),
        pytest.param("sales", "alice", id="an entry without a domain"),
    ],
)
def test_everybody_gets_his_mail(mail, outside, subject, recipient, name):
    address = f"{recipient}@{mail.domain}"
    sent = outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=address)
    assert sent == {"accepted": True}
    assert outside.ask("imap", host=mail.fqdn, login=LOGINS[name], subject=subject)["count"] == 1
    for other in LOGINS.keys() - {name}:
        assert outside.ask("imap", host=mail.fqdn, login=LOGINS[other], subject=subject, wait=0)["count"] == 0


def test_a_user_keeps_his_tags(mail, outside, subject):
    """Mail that Postfix hands to Dovecot still has the tag, for the user's filters."""
    address = f"alice+{subject}@{mail.domain}"
    outside.ask("submit", host=mail.fqdn, subject=subject, sender="x@y.example", recipient=address)
    assert outside.ask("imap", host=mail.fqdn, login=ALICE, subject=subject)["count"] == 1
    mail.out(f"journalctl --no-pager | grep -q 'to=<{address}>, relay=.*lmtp.*status=sent'")
