# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole main.cf and the master.cf that an administrator once wrote by hand, set through the modules on real hosts."""

from __future__ import annotations

import contextlib
import difflib

import pytest
from harness import call
from mail_hosts import MAIL_HOSTS

# What the notes set, line by line, and another value for each.
NOTES = {
    "myhostname": ("mail.cngnu.org", "mx.cngnu.org"),
    "mydomain": ("cngnu.org", "cngnu.example"),
    "myorigin": ("$mydomain", "$myhostname"),
    "inet_interfaces": ("all", "loopback-only"),
    "mydestination": (["$mydomain", "$myhostname"], ["$mydomain", "$myhostname", "localhost"]),
    "mynetworks_style": ("host", "subnet"),
    "mynetworks": (["127.0.0.0/8", "192.168.1.0/24"], ["192.168.152.128", "127.0.0.0/8"]),
    "relay_domains": ("gdvcp.net", ["gdvcp.net", "partner.example"]),
    "virtual_alias_domains": (["dzxx.cn", "panda.com"], ["dzxx.cn"]),
    # The notes call it virtual_maps.
    "virtual_alias_maps": (["hash:/etc/postfix/virtual", "mysql:/etc/postfix/virtual.mysql"], "hash:/etc/postfix/virtual"),
    "alias_maps": ("hash:/etc/aliases", ["hash:/etc/aliases", "hash:/etc/postfix/aliases"]),
    "alias_database": ("hash:/etc/aliases", "hash:/etc/postfix/aliases"),
    "home_mailbox": ("Maildir/", "mail/inbox"),
    "mailbox_transport": ("cyrus", "lmtp:unix:private/cyrus"),
    "fallback_transport": ("cyrus", None),
    "smtpd_sasl_auth_enable": (True, False),
    "smtpd_sasl_local_domain": ("", "$myhostname"),
    "smtpd_recipient_restrictions": (
        [
            "permit_mynetworks",
            "permit_sasl_authenticated",
            "check_recipient_access mysql:/etc/postfix/filter.mysql",
            "reject_invalid_hostname",
            "reject_non_fqdn_hostname",
            "reject_unknown_sender_domain",
            "reject_non_fqdn_sender",
            "reject_non_fqdn_recipient",
            "reject_unknown_recipient_domain",
            "reject_unauth_pipelining",
            "reject_unauth_destination",
            "permit",
        ],
        ["permit_mynetworks", "permit_sasl_authenticated", "reject_unauth_destination"],
    ),
    "broken_sasl_auth_clients": (True, False),
    "smtpd_client_restrictions": ("permit_sasl_authenticated", ["permit_sasl_authenticated", "reject_unauth_pipelining"]),
    "smtpd_sasl_security_options": ("noanonymous", ["noanonymous", "noplaintext"]),
}
CYRUS = {
    "name": "cyrus",
    "type": "unix",
    "unprivileged": False,
    "chroot": False,
    "command": "pipe",
    "args": ["flags=DRX", "user=mail", "argv=/bin/false -r ${sender} -m ${extension} ${user}"],
}

pytestmark = pytest.mark.parametrize("mail", MAIL_HOSTS, ids=lambda host: host.name)


@pytest.fixture
def mysql(mail):
    """The notes look addresses up in a database: without the package the value is refused, and the package is named."""
    if "mysql" not in mail.out("postconf -m").split():
        refused = call(mail.name, "postfix_config", parameters={"virtual_alias_maps": "mysql:/etc/postfix/virtual.mysql"})
        assert refused["msg"].endswith("install the package postfix-mysql.")
        mail.out("apt-get install -qq -y --no-install-recommends postfix-mysql >/dev/null 2>&1")


@contextlib.contextmanager
def kept(mail):
    """Whatever happens, the host has its files again."""
    mail.out("mkdir /root/notes && cp -a /etc/postfix/main.cf /etc/postfix/master.cf /root/notes")
    try:
        yield
    finally:
        mail.out("cp -a /root/notes/* /etc/postfix/ && rm -r /root/notes && postfix reload && sleep 1")


def text(value):
    """The value as postconf shows it."""
    if isinstance(value, list):
        return ", ".join(value)
    return {True: "yes", False: "no", None: ""}.get(value, value)


def read_back(mail, names):
    return mail.out(f"postconf -h {' '.join(names)} 2>/dev/null; echo end").splitlines()[:-1]


def set_all(mail, which):
    parameters = {name: values[which] for name, values in NOTES.items()}
    result = call(mail.name, "postfix_config", parameters=parameters)
    assert not result["failed"], result
    assert read_back(mail, NOTES) == [text(value) for value in parameters.values()]
    return result


def test_every_line_is_set_read_back_changed_and_removed(mail, mysql, outside):
    with kept(mail):
        before = mail.out("cat /etc/postfix/main.cf")
        former = dict(line.split(" = ", 1) if " = " in line else (line.rstrip(" ="), "") for line in mail.out("postconf -n").splitlines())
        assert call(mail.name, "postfix_service", services=[CYRUS])["changed"]

        set_all(mail, 0)
        assert call(mail.name, "postfix_config", parameters={name: values[0] for name, values in NOTES.items()})["changed"] is False
        mail.out("postfix reload && sleep 1")
        seen = outside.ask("smtp", host=mail.fqdn, tls="starttls", commands=["MAIL FROM:<x@y.example>"])
        assert seen["banner"].startswith("mail.cngnu.org ESMTP")
        # What broken_sasl_auth_clients is for: the same mechanisms once more, behind "AUTH=".
        assert seen["features"]["auth"].split().count("LOGIN") == 2

        changed = set_all(mail, 1)
        assert set(changed["changed_parameters"]) == set(NOTES)
        assert changed["restart_required"], "inet_interfaces"

        # Back to what was there: the same bytes.
        assert call(mail.name, "postfix_config", parameters={name: former.get(name) for name in NOTES})["changed"]
        assert mail.out("cat /etc/postfix/main.cf") == before

        # And away with all of them: Postfix has its defaults.
        assert call(mail.name, "postfix_config", parameters=dict.fromkeys(NOTES))["changed"]
        assert not set(NOTES) & {line.split(" = ")[0] for line in mail.out("postconf -n").splitlines()}
        left = [line for line in before.splitlines() if line.split("=")[0].strip() not in NOTES]
        assert mail.out("cat /etc/postfix/main.cf").splitlines() == left


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"virtual_maps": "hash:/etc/postfix/virtual"}, "'virtual_maps' is the old name of virtual_alias_maps"),
        ({"mailbox_transport": "no-cyrus"}, "mailbox_transport names the transport 'no-cyrus'"),
        ({"fallback_transport": "smpt:[mx.example.org]"}, "did you mean smtp"),
        ({"mynetworks": "127.0.0.0/8,192.168.1.0/33"}, "mynetworks cannot contain '192.168.1.0/33'"),
        ({"smtpd_recipient_restrictions": "permit_mynetworks,reject_unauth_destinations"}, "did you mean reject_unauth_destination"),
        ({"mydestinaton": "$mydomain"}, "did you mean mydestination"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_one_sentence_before_anything_is_written(mail, parameters, says):
    before = mail.out("stat -c '%i %Y' /etc/postfix/main.cf")
    result = call(mail.name, "postfix_config", parameters={"myhostname": "mail.cngnu.org", **parameters})
    assert result["failed"]
    assert says in result["msg"]
    assert mail.out("stat -c '%i %Y' /etc/postfix/main.cf") == before


# --- master.cf -------------------------------------------------------------------------------------------------------


def services(mail, *wanted):
    """Set them; the lines of master.cf that went and that came."""
    before = mail.out("cat /etc/postfix/master.cf").splitlines()
    result = call(mail.name, "postfix_service", services=list(wanted))
    assert not result["failed"], result
    assert result["changed"]
    after = mail.out("cat /etc/postfix/master.cf").splitlines()
    mail.out("postfix reload && sleep 1")
    delta = list(difflib.ndiff(before, after))
    return [[line[2:] for line in delta if line.startswith(sign)] for sign in ("- ", "+ ")]


def reachable(outside, mail, port):
    return outside.ask("reachable", host=mail.fqdn, ports=[port])[str(port)]


def test_services_are_added_changed_disabled_and_removed(mail, outside):
    second = {"name": "2525", "type": "inet", "command": "smtpd"}
    with kept(mail):
        went, came = services(mail, {**second, "overrides": {"smtpd_banner": "second door", "smtpd_tls_security_level": "none"}})
        assert (went, len(came)) == ([], 3)
        seen = outside.ask("smtp", host=mail.fqdn, port=2525)
        assert (seen["banner"], "starttls" in seen["before"]) == ("second door", False)
        assert outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn), "port 25 has its own"

        went, came = services(mail, {**second, "process_limit": 3, "overrides": {"smtpd_banner": "third door"}})
        assert [line.split()[0] for line in went + came] == ["2525", "-o", "2525", "-o"]
        assert outside.ask("smtp", host=mail.fqdn, port=2525)["banner"] == "third door"

        went, came = services(mail, {"name": "submission", "type": "inet", "state": "disabled"})
        assert [line.lstrip("#").split() for line in came] == [line.split() for line in went]
        assert not reachable(outside, mail, 587)

        went, came = services(mail, {"name": "submissions", "type": "inet", "state": "absent"}, {**second, "state": "absent"})
        assert (came, len(went)) == ([], len([line for line in went if line.startswith(("submissions", "2525", "  -o"))]))
        assert [reachable(outside, mail, port) for port in (25, 465, 2525)] == [True, False, False]

    assert [reachable(outside, mail, port) for port in (25, 465, 587, 2525)] == [True, True, True, False]


def test_a_new_service_takes_no_port_and_no_name_that_is_taken(mail):
    for service, says in [
        ({"name": "smtp2", "type": "inet", "command": "smtpd"}, "names a port 'smtp2' that this host does not know"),
        ({"name": "imaps", "type": "inet", "command": "smtpd"}, "cannot listen on port 993"),
        ({"name": "2525", "type": "inet", "command": "smtpd", "overrides": {"smtpd_baner": "x"}}, "did you mean smtpd_banner"),
    ]:
        result = call(mail.name, "postfix_service", services=[service])
        assert result["failed"], service
        assert says in result["msg"], result["msg"]
