# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The next run applies files that were written and never applied, whoever wrote them, and says so."""

from __future__ import annotations

import pytest
from harness import call, play
from mail_hosts import BOB, address

DOORS = {25: "smtp", 465: "", 587: "smtp", 993: "", 995: "", 143: "imap", 110: "pop3"}


# Postfix asks a table for the certificate of a name, and it holds the contents of the files.
PAIR = ["/etc/ssl/private/postroom-mail.key", "/etc/ssl/certs/postroom-mail.pem"]
BY_NAME = {
    "postfix_tables": [{"path": "/etc/postfix/sni", "type": "hash", "entries": {"mail.mail12.example": PAIR, "mail.mail13.example": PAIR}}],
    "postfix_parameters": {"tls_server_sni_maps": "hash:/etc/postfix/sni"},
}


def served(host, outside):
    """The fingerprint of the certificate on each door of *host*, for a client that asks for its name and for one that does not."""
    asked = "openssl s_client -connect {}:{} {} {} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    return {
        (port, name): outside.out(asked.format(host.fqdn, port, protocol and f"-starttls {protocol}", name)).partition("=")[2]
        for port, protocol in DOORS.items()
        for name in ("-noservername", f"-servername {host.fqdn}")
    }


def logs_in(host, outside):
    return outside.ask("imap", host=address(host), login=BOB)["login"]


def test_what_nobody_applied_is_told_and_applied(mails, outside):
    """Whoever wrote it: here the administrator, who sets what the inventory wants anyway, and then goes to lunch."""
    assert play("site", limit="mail").rc == 0
    wanted = {"postfix_submission": False, "postfix_inet_interfaces": ["loopback-only"]}
    for mail in mails:
        mail.out(
            "postconf -e inet_interfaces=loopback-only && postconf -MX submission/inet submissions/inet && touch /etc/dovecot/dovecot.conf"
        )
    for arguments in (["--check"], []):
        run = play("site", *arguments, limit="mail", variables=wanted)
        assert run.rc == 0, run.output
        for said in ("Postfix has not read", "/etc/postfix/master.cf", "would listen on that of 127.0.0.1", "Dovecot has not read"):
            assert run.output.count(said) >= len(mails), (said, run.output)
    for mail in mails:
        assert outside.ask("reachable", host=mail.fqdn, ports=[25, 465]) == {"25": False, "465": False}
    assert play("site", limit="mail").rc == 0


@pytest.fixture
def by_name(mails):
    assert play("site", limit="mail", variables=BY_NAME).rc == 0
    yield mails
    for mail in mails:
        mail.out("postconf -X tls_server_sni_maps && rm /etc/postfix/sni /etc/postfix/sni.db && postfix reload")


def test_a_renewed_certificate_is_served_on_every_port(by_name, outside):
    for mail in by_name:
        assert logs_in(mail, outside)
        assert mail.out("stat -c %a /etc/postfix/sni.db") == "600", "it holds the key"
        found = call(mail.name, "mail_certificate", check=True, warn_days=30)
        names = found["subject_alt_names"]
        renewal = {"self_signed": True, "common_name": names[0], "subject_alt_names": names, "days": 9000, "warn_days": 8000}
        assert call(mail.name, "mail_certificate", **renewal)["action"] == "renewed"
        assert set(served(mail, outside).values()) == {found["fingerprint"]}, "the daemons have noticed by themselves"
    run = play("site", limit="mail", variables=BY_NAME)
    assert run.rc == 0, run.output
    for mail in by_name:
        assert run.changed(mail.name) > 0
        assert set(served(mail, outside).values()) == {call(mail.name, "mail_certificate", check=True, warn_days=30)["fingerprint"]}
    again = play("site", limit="mail", variables=BY_NAME)
    assert [again.changed(mail.name) for mail in by_name] == [0, 0], again.output
