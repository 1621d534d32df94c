# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of address and of lookup table, by mail that arrives: in a mailbox over IMAP, or at the MX of other domains."""

from __future__ import annotations

import re
import time

import pytest
from harness import FILES, play
from mail_hosts import ALICE, BOB

FOREIGN = "panda@elsewhere.example"
LOGINS = {"alice": ALICE, "bob": BOB}


def own(**addresses):
    """A table whose keys are addresses in each mail host's own domain; Ansible leaves the keys of a dictionary as they are."""
    pairs = ", ".join(f"'{name}@' ~ mail_domain: {value!r}" for name, value in addresses.items())
    return "{{ {" + pairs + "} }}"


ADDRESSES = {
    "mail_aliases": {
        "postmaster": "root",
        "root": "alice",
        "me": "alice",
        "wizards": ["root", "bob"],
        "methere": FOREIGN,
        "members": ":include:/etc/postfix/members",
        "archive": "|/usr/bin/tee -a /var/spool/kept/command",
        "file": "/var/spool/kept/file",
        "bob": ["bob", FOREIGN],
    },
    "postfix_allow_mail_to_commands": ["alias", "forward"],
    "postfix_allow_mail_to_files": ["alias", "forward"],
    "mail_virtual_domains": ["virt.example", "whole.example"],
    "mail_virtual_aliases": "{{ {'@whole.example': '@' ~ mail_domain, '@virt.example': 'bob', 'one@virt.example': 'alice',"
    " 'several@virt.example': ['alice', 'bob'], 'far@virt.example': 'panda@elsewhere.example',"
    " 'many@virt.example': 'alice', 'more@virt.example': 'alice'} }}",
    "postfix_relocated": own(moved="new@elsewhere.example"),
    "postfix_canonical": own(robot="Robot.Smith@public.example"),
    "postfix_sender_canonical": {"old@y.example": "new@y.example"},
    "postfix_recipient_canonical": own(alcie="alice"),
    "postfix_generic": own(alice="alice@public.example"),
    "postfix_sender_access": {"spammer@y.example": "REJECT Not from you", "friend@y.example": "OK"},
    "postfix_recipient_access": {"closed@virt.example": "550 5.7.1 Closed until spring", FOREIGN: "OK"},
    "postfix_tables": [
        {
            "path": "/etc/postfix/rewrite.pcre",
            "type": "pcre",
            "entries": [{"pattern": r"/^(\w+)-pcre@(?=mail1\d\.example$)(.*)/", "value": "${1}@${2}"}],
        },
        {
            "path": "/etc/postfix/rewrite.regexp",
            "type": "regexp",
            "entries": [{"pattern": r"/^([a-z]+)-regexp@(mail1[23]\.example)$/", "value": "$1@$2"}],
        },
        {"path": "/etc/postfix/clients.cidr", "type": "cidr", "entries": [{"key": "127.0.0.2/32", "value": "REJECT Not by this address"}]},
        {"path": "/etc/postfix/senders.txt", "type": "texthash", "entries": {"texthash.example": "REJECT Not from there"}},
    ],
    "postfix_parameters": {
        "recipient_canonical_maps": [
            "$default_database_type:/etc/postfix/recipient_canonical",
            "pcre:/etc/postfix/rewrite.pcre",
            "proxy:regexp:/etc/postfix/rewrite.regexp",
        ],
        "smtpd_client_restrictions": [
            "check_client_access $default_database_type:/etc/postfix/client_access",
            "check_client_access cidr:/etc/postfix/clients.cidr",
        ],
        "smtpd_sender_restrictions": [
            "check_sender_access $default_database_type:/etc/postfix/sender_access",
            "check_sender_access texthash:/etc/postfix/senders.txt",
        ],
    },
}
BY_HAND = ["recipient_canonical_maps", "smtpd_client_restrictions", "smtpd_sender_restrictions"]
TABLES = "relocated canonical sender_canonical recipient_canonical generic client_access sender_access recipient_access".split()


def addresses_of(peer):
    return peer.out("hostname -I").split()


@pytest.fixture(scope="module", autouse=True)
def addresses(mails, outside):
    """Both mail hosts with every kind of address; at the end they are as the inventory says, and no table of ours is left."""
    for mail in mails:
        mail.out("mkdir -pm 1777 /var/spool/kept && rm -f /var/spool/kept/*")
        mail.out(f"printf 'bob\\n{FOREIGN}\\n' > /etc/postfix/members")
    clients = {
        **dict.fromkeys(addresses_of(outside), "OK"),
        **{address: "REJECT Not from this host" for mail in mails for address in addresses_of(mail)},
    }
    variables = {**ADDRESSES, "postfix_client_access": clients}
    run = play("site", "--tags", "postfix", limit="mail", variables=variables)
    assert run.rc == 0, run.output[-3000:]
    again = play("site", "--tags", "postfix", limit="mail", variables=variables)
    assert [again.changed(mail.name) for mail in mails] == [0, 0], again.output[-3000:]
    yield
    # Null takes a parameter back that was set by hand; the tables go by themselves.
    run = play("site", "--tags", "postfix", limit="mail", variables={"postfix_parameters": dict.fromkeys(BY_HAND)})
    assert run.rc == 0, run.output[-3000:]
    for mail in mails:
        mail.out("rm -rf /var/spool/kept /etc/postfix/members")
    again = play("site", "--tags", "postfix", limit="mail")
    assert [again.changed(mail.name) for mail in mails] == [0, 0], again.output[-3000:]


def send(peer, mail, recipient, subject, sender="x@y.example", **more):
    return peer.ask("submit", host=mail.fqdn, subject=subject, sender=sender, recipient=recipient, **more)


def in_mailbox(outside, mail, name, subject, wait=20):
    seen = outside.ask("imap", host=mail.fqdn, login=LOGINS[name], subject=subject, wait=wait)
    return seen.get("message", "") if seen["count"] else None


def at_sink(outside, subject, wait=20):
    """The message with *subject* that the MX of the other domains has got, or None."""
    deadline = time.monotonic() + wait
    while True:
        found = outside.run(f"grep -rls '^Subject: {subject}$' /var/spool/sink").stdout.split()
        if found:
            return outside.out(f"cat {found[0]}")
        if time.monotonic() > deadline:
            return None
        time.sleep(0.5)


def kept(mail, name, subject, wait=20):
    deadline = time.monotonic() + wait
    while mail.run(f"grep -qs '^Subject: {subject}$' /var/spool/kept/{name}").returncode:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


@pytest.mark.parametrize(
    ("recipient", "names"),
    [
        pytest.param("me@{domain}", ["alice"], id="alias to a user"),
        pytest.param("ME@{domain}", ["alice"], id="in capitals"),
        pytest.param("me+tag@{domain}", ["alice"], id="with a tag"),
        pytest.param("wizards@{domain}", ["alice", "bob"], id="alias to several"),
        pytest.param("methere@{domain}", ["sink"], id="alias to a remote address"),
        pytest.param("members@{domain}", ["bob", "sink"], id="include"),
        pytest.param("bob@{domain}", ["bob", "sink"], id="alias to oneself and another"),
        pytest.param("root@{domain}", ["alice"], id="root"),
        pytest.param("postmaster@{domain}", ["alice"], id="postmaster"),
        pytest.param("me@whole.example", ["alice"], id="domain to domain"),
        pytest.param("alice+tag@whole.example", ["alice"], id="domain to domain, with a tag"),
        pytest.param("postmaster@whole.example", ["alice"], id="postmaster of a domain"),
        pytest.param("one@virt.example", ["alice"], id="virtual address to a user"),
        pytest.param("several@virt.example", ["alice", "bob"], id="virtual address to several"),
        pytest.param("far@virt.example", ["sink"], id="virtual address to a remote one"),
        pytest.param("many@virt.example", ["alice"], id="many to one"),
        pytest.param("more@virt.example", ["alice"], id="many to one, the other"),
        pytest.param("whoever@virt.example", ["bob"], id="everybody else of a virtual domain"),
        pytest.param("alcie@{domain}", ["alice"], id="recipient canonical"),
        pytest.param("alice-pcre@{domain}", ["alice"], id="pcre"),
        pytest.param("alice-regexp@{domain}", ["alice"], id="regexp, through proxymap"),
    ],
)
def test_mail_arrives(mail, outside, subject, recipient, names):
    assert send(outside, mail, recipient.format(domain=mail.domain), subject) == {"accepted": True}
    for name in names:
        found = at_sink(outside, subject) if name == "sink" else in_mailbox(outside, mail, name, subject)
        assert found is not None, name
    for name in {"alice", "bob"} - set(names):
        assert in_mailbox(outside, mail, name, subject, wait=0) is None


def test_a_domain_that_is_an_alias_knows_whom_its_target_knows(mail, outside, subject):
    """Whoever else is accepted there is mail that comes back to a sender who may be forged."""
    mail.out("useradd -m dora")
    try:
        names = ["dora", "Dora+tag", "no.such.person", "games"]
        recipients = [f"{name}@whole.example" for name in names]
        seen = outside.ask("smtp", host=mail.fqdn, commands=["MAIL FROM:<x@y.example>", *(f"RCPT TO:<{one}>" for one in recipients)])
        assert [code for code, _text in seen["replies"][1:]] == [250, 250, 550, 550]
    finally:
        mail.out("userdel -r dora 2>&1")


@pytest.mark.parametrize("name", ["command", "file"])
def test_commands_and_files_that_are_allowed(mail, outside, subject, name):
    alias = {"command": "archive", "file": "file"}[name]
    assert send(outside, mail, f"{alias}@{mail.domain}", subject) == {"accepted": True}
    assert kept(mail, name, subject)


def test_a_users_own_forward_file_is_his(mail, outside, subject):
    """Whatever the lists of aliases may do: a user who may run programs on the host can have incoming mail run them."""
    mail.out("postconf -e allow_mail_to_commands=forward && postfix reload")
    home = mail.out("getent passwd bob | cut -d: -f6")
    mail.out(f"echo '\\\\bob, \"|/usr/bin/tee -a /var/spool/kept/forward\"' > {home}/.forward && chown bob: {home}/.forward")
    try:
        assert send(outside, mail, f"bob+forward@{mail.domain}", subject) == {"accepted": True}
        assert kept(mail, "forward", subject)
        assert in_mailbox(outside, mail, "bob", subject) is not None
    finally:
        mail.out(f"rm {home}/.forward; postconf -e 'allow_mail_to_commands=alias, forward' && postfix reload")


def test_a_relocated_address_says_where_to(mail, outside, subject):
    sent = send(outside, mail, f"moved@{mail.domain}", subject)
    assert (sent["accepted"], sent["code"]) == (False, 550)
    assert sent["text"].startswith("5.1.6")
    assert "new@elsewhere.example" in sent["text"]


def test_sender_canonical_rewrites_the_envelope_of_mail_from_elsewhere(mail, outside, subject):
    assert send(outside, mail, f"alice@{mail.domain}", subject, sender="old@y.example") == {"accepted": True}
    message = in_mailbox(outside, mail, "alice", subject)
    assert "Return-Path: <new@y.example>" in message
    # The header is the one that its author has written, since the author is not of this host.
    assert "From: <old@y.example>" in message


def test_canonical_rewrites_envelope_and_header_of_mail_from_here(mail, outside, subject):
    address = f"robot@{mail.domain}"
    mail.out(f"printf 'From: {address}\\nTo: {FOREIGN}\\nSubject: {subject}\\n\\nx\\n' | sendmail -f {address} {FOREIGN}")
    message = at_sink(outside, subject)
    assert "Return-Path: <Robot.Smith@public.example>" in message
    assert "From: Robot.Smith@public.example" in message


def test_generic_rewrites_what_leaves(mail, outside, subject):
    alice = f"alice@{mail.domain}"
    assert send(outside, mail, FOREIGN, subject, sender=alice, port=465, tls="implicit", login=ALICE) == {"accepted": True}
    message = at_sink(outside, subject)
    assert "Return-Path: <alice@public.example>" in message
    assert "From: <alice@public.example>" in message


def test_generic_leaves_alone_what_stays(mail, outside, subject):
    sender = f"alice@{mail.domain}"
    assert send(outside, mail, f"bob@{mail.domain}", subject, sender=sender, port=465, tls="implicit", login=ALICE) == {"accepted": True}
    assert f"Return-Path: <{sender}>" in in_mailbox(outside, mail, "bob", subject)


@pytest.mark.parametrize(
    ("sender", "recipient", "text"),
    [
        pytest.param("spammer@y.example", "alice@{domain}", "Not from you", id="sender"),
        pytest.param("x@texthash.example", "alice@{domain}", "Not from there", id="sender, texthash"),
        pytest.param("x@y.example", "closed@virt.example", "Closed until spring", id="recipient"),
    ],
)
def test_access_tables_turn_away(mail, outside, subject, sender, recipient, text):
    sent = send(outside, mail, recipient.format(domain=mail.domain), subject, sender=sender)
    assert not sent["accepted"]
    assert 550 <= sent["code"] <= 554
    assert text in sent["text"]


def test_client_access_turns_away(mail, mails, subject):
    other = next(peer for peer in mails if peer != mail)
    sent = send(other, mail, f"alice@{mail.domain}", subject)
    assert (sent["code"], "Not from this host" in sent["text"]) == (554, True)


def test_cidr_client_access_turns_away(mail):
    """From an address of the mail host itself, which is trusted to relay: the client's restrictions come first."""
    code = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1', source_address=('127.0.0.2', 0)); s.ehlo('client.example.net');"
        " s.docmd('MAIL FROM:<x@y.example>'); print(s.docmd('RCPT TO:<alice>'))"
    )
    assert "Not by this address" in mail.out(f'python3 -c "{code}"')


@pytest.mark.parametrize("sender", ["x@y.example", "friend@y.example"])
def test_ok_in_an_access_table_makes_no_open_relay(mail, outside, subject, sender):
    """The client has an OK, the recipient has one, and one of the senders too: what is relayed is decided apart from them."""
    sent = send(outside, mail, FOREIGN, subject, sender=sender)
    assert (sent["accepted"], sent["code"]) == (False, 554)
    assert "Relay access denied" in sent["text"]
    assert at_sink(outside, subject, wait=2) is None


def test_access_tables_are_for_port_25_alone(mail, mails, subject):
    other = next(peer for peer in mails if peer != mail)
    sender = f"bob@{mail.domain}"
    assert send(other, mail, f"alice@{mail.domain}", subject, sender=sender, port=465, tls="implicit", login=BOB) == {"accepted": True}


def test_who_is_allowed_nothing_gets_nothing(mail, outside, subject):
    """Without the variable the daemon itself refuses what stands in a table: for whoever writes one by hand."""
    mail.out("postconf -e allow_mail_to_commands=forward allow_mail_to_files=forward && postfix reload")
    try:
        for number, alias in enumerate(("archive", "file")):
            assert send(outside, mail, f"{alias}@{mail.domain}", f"{subject}-{number}") == {"accepted": True}
        time.sleep(5)
        assert not kept(mail, "command", f"{subject}-0", wait=0)
        assert not kept(mail, "file", f"{subject}-1", wait=0)
    finally:
        mail.out("postconf -e 'allow_mail_to_commands=alias, forward' 'allow_mail_to_files=alias, forward' && postfix reload")


def test_a_table_without_entries_goes_and_main_cf_stops_naming_it_first(mails, outside, subject):
    variables = {**ADDRESSES, **{f"postfix_{name}": {} for name in TABLES}, "postfix_parameters": dict.fromkeys(BY_HAND)}
    for mail in mails:
        mail.out("echo 'old@x.example new@x.example' > /etc/postfix/canonical.mine")
    check = play("site", "--tags", "postfix", "--check", limit="mail", variables=variables)
    run = play("site", "--tags", "postfix", limit="mail", variables=variables)
    assert run.rc == 0, run.output[-3000:]
    for mail in mails:
        assert (check.changed(mail.name) > 0, run.changed(mail.name) > 0) == (True, True)
        values = mail.out("postconf -n")
        for name in ("relocated_maps", "canonical_maps", "sender_canonical_maps", "smtp_generic_maps", "smtpd_recipient_restrictions"):
            assert not re.search(rf"^{name} =", values, re.MULTILINE)
        listed = mail.out("ls /etc/postfix").split()
        gone = ["relocated", "canonical", "sender_canonical", "generic", "recipient_access"]
        assert [name for name in listed if name.removesuffix(".db") in gone] == []
        assert "canonical.mine" in listed
        mail.out("rm /etc/postfix/canonical.mine")
        assert send(outside, mail, f"alice@{mail.domain}", f"{subject}-{mail.name}") == {"accepted": True}
        assert in_mailbox(outside, mail, "alice", f"{subject}-{mail.name}") is not None
    before = [mail.out(FILES) for mail in mails]
    again = play("site", "--tags", "postfix", limit="mail", variables=variables)
    assert [again.changed(mail.name) for mail in mails] == [0, 0], again.output[-3000:]
    assert [mail.out(FILES) for mail in mails] == before
