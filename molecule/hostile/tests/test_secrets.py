# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets with all that has to be quoted somewhere: no local user reads one, and no output and no journal has one in any spelling."""

from __future__ import annotations

import re
import shlex

import pytest
from harness import call, play
from secrecy import in_files, in_journal, seen

OF_MALLORY = """it's "mallory" \\ y"""
OF_CAROL = """carol's "\\ own"""
FOR_ALL = """f'or"all\\of-them#7"""
OF_IMAPC = """im"apc\\'s own 77"""
OF_DOVEADM = """dov'e"adm \\ 77"""
OF_OTHERS = """oth'er "people" \\ 77"""
SECRETS = [OF_MALLORY, OF_CAROL, FOR_ALL, OF_IMAPC, OF_DOVEADM, OF_OTHERS]

# Where Dovecot keeps them, for root.
THEIR_FILES = re.compile(r"/etc/dovecot/postroom-secrets[a-z.0-9-]*\.conf\.ext|/run/dovecot/dovecot\.conf\.binary")
SETTINGS = {
    "dovecot_passdbs": [{"driver": "pam"}, {"driver": "static", "fields": {"password": FOR_ALL}}],
    "dovecot_settings": {"imapc_password": OF_IMAPC, "doveadm_password": OF_DOVEADM},
}
SERVER = {"host": "127.0.0.1", "port": 1, "user": "u", "password": OF_OTHERS}
CALLS = {
    "mail_probe": {"probes": [{"name": "p", "imap": SERVER, "timeout": 1}, {"name": "q", "smtp": SERVER, "timeout": 1}]},
    "fetchmail_config": {"accounts": [{"poll": "mx.elsewhere.example", "user": "u", "password": OF_OTHERS, "is": "alice", "port": "x y"}]},
    "sasl_provider": {
        "provider": "saslauthd",
        "saslauthd": {"mechanism": "nothing", "ldap": {"ldap_servers": "ldap://localhost/", "ldap_password": OF_OTHERS}},
    },
}

KEPT = {"mail_probe": "127.0.0.1 port 1", "fetchmail_config": "u at mx.elsewhere.example", "sasl_provider": "'nothing'"}


# An IMAP server that says what it was told, as it came and in base64, to two clients.
ECHO = """
import base64, socket
server = socket.create_server(("", 1143))
server.settimeout(900)
for _client in range(2):
    with server.accept()[0].makefile("rwb", 0) as peer:
        peer.write(b"* OK hi\\r\\n")
        for line in peer:
            tag, command, *words = line.strip().split(b" ", 2)
            if command == b"CAPABILITY":
                peer.write(b"* CAPABILITY IMAP4rev1\\r\\n" + tag + b" OK done\\r\\n")
            else:
                peer.write(tag + b" NO bad " + command + b" " + b" ".join(words) + b" " + base64.b64encode(b" ".join(words)) + b"\\r\\n")
"""


@pytest.fixture(scope="module")
def told(mails):
    """The output of a run that has secrets to tell everybody who checks a password."""
    run = play("site", "-vvv", "--diff", limit="mail", variables=SETTINGS)
    assert run.rc == 0, run.output[-3000:]
    yield run.output
    back = play("site", "--tags", "dovecot", limit="mail")
    assert back.rc == 0, back.output[-3000:]
    for mail in mails:
        assert mail.run("ls /etc/dovecot/postroom-secrets*").stdout == ""


def test_the_output_has_none(told):
    assert seen(told, SECRETS) == []


def test_they_are_in_force(told, mails, outside):
    """The Dovecot that runs reads a file of root's own."""
    for mail in mails:
        assert outside.ask("imap", host=mail.fqdn, login=["bob", FOR_ALL])["login"] is True
        assert outside.ask("imap", host=mail.fqdn, login=["bob", FOR_ALL[:-1]])["login"] is False
        # doveconf of 2.4 shows no setting of imapc.
        assert mail.out("doveconf -h doveadm_password") == OF_DOVEADM


def test_no_local_user_reads_them(told, mails):
    for mail in mails:
        found = in_files(mail, SECRETS)
        assert "/etc/dovecot/postroom-secrets.conf.ext" in found
        assert [path for path in found if not THEIR_FILES.fullmatch(path)] == []
        assert in_files(mail, SECRETS, "mallory") == []
        # And Dovecot's own tools still work for users.
        assert "static" in mail.out("runuser -u mallory -- doveconf -n")
        assert seen(mail.out("runuser -u mallory -- doveconf -a"), SECRETS) == []


@pytest.mark.parametrize("module", CALLS)
def test_the_modules_keep_them_from_the_journal(told, mails, module):
    """Those that the run above has no use for; what they are asked for is nothing that works."""
    for mail in mails:
        answer = call(mail.name, module, check=True, **CALLS[module])
        assert seen(str(answer), SECRETS) == []
        # Words that are no secrets are not lost, though they stand beside one.
        assert KEPT[module] in answer["msg"]
        assert "NOT_LOGGING_PARAMETER" in mail.out(f"journalctl --no-pager -q -t ansible-postroom.mail.{module} | tail -1")
        assert in_journal(mail, SECRETS) == ""


@pytest.fixture(scope="module")
def echo(outside):
    outside.out(f"python3 -c {shlex.quote(ECHO)} >/dev/null 2>&1 &")
    outside.out("for n in $(seq 50); do ss -Hltn | grep -q :1143 && exit; sleep 0.1; done; exit 1")


def test_a_server_that_repeats_the_password(echo, mail):
    server = {"host": "mx.elsewhere.example", "port": 1143, "tls": "none", "allow_cleartext": True, "user": "u", "password": OF_OTHERS}
    answer = call(mail.name, "mail_probe", imap=server, expect="login_rejected")
    assert not answer["failed"], answer
    assert re.fullmatch(r'NO bad LOGIN "u" "\*{8}" [\w+/*=]+', answer["probes"][0]["answer"])
    assert seen(str(answer), [OF_OTHERS]) == []
    assert in_journal(mail, [OF_OTHERS]) == ""
