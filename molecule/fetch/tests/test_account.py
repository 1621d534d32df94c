# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook fetchmail_account asks, tries the login, and keeps the account: each time in a copy of the inventory."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import time

import harness
import pytest
from harness import SCENARIO, Run, command
from mail_hosts import BOB, MAIL_HOSTS
from secrecy import in_journal
from test_fetch import PASSWORD, PROVIDER, send

# What of the password could give it away, however it is quoted.
SHOWN = re.compile(r"w\\+x41")
WRONG = "quite-another-secret"


@pytest.fixture
def inventory(tmp_path):
    return shutil.copytree(SCENARIO / "inventory", tmp_path / "inventory")


def play(inventory, name, mail, *arguments, **answers) -> Run:
    """As the harness does, with a copy of the inventory; the answers are in a file, as secrets should be."""
    file = inventory.parent / "answers.json"
    file.write_text(json.dumps(answers))
    return harness.play(name, *arguments, "-e", f"@{file}", limit=mail.name, inventory=inventory)


def typed(argv, answers) -> Run:
    """Run *argv* at a terminal; each answer is typed when its question has come."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["ANSIBLE_NOCOLOR"] = "1"
        os.execvp(argv[0], argv)
    said, waiting, seen, deadline = "", list(answers), 0, time.monotonic() + 300
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # The terminal of a process that has ended.
            break
        if not data:
            break
        said += data.decode(errors="replace")
        if waiting and waiting[0][0] in said[seen:]:
            seen = len(said)
            os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
    assert not waiting, said
    return Run(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.replace("\r\n", "\n"))


def account_of(mail):
    return f"guided{mail.name.removeprefix('mail')}"


def address_at_provider(mail):
    return f"{account_of(mail)}@isp.example"


def answers_for(mail, **others):
    return {
        "new_account_server": PROVIDER,
        "new_account_protocol": "imap",
        "new_account_user": account_of(mail),
        "new_account_password": PASSWORD,
        "new_account_for": "bob",
        "new_account_keep": "no",
        "new_account_more": {"sslcertfile": "/etc/ssl/certs/provider-ca.pem"},
        **others,
    }


def kept(inventory):
    return sorted((inventory / "host_vars").glob("*/*")) if (inventory / "host_vars").exists() else []


def at_provider(isp, mail, subject, state="ALL", wait=0.0):
    deadline = time.monotonic() + wait
    while True:
        found = len(isp.out(f"doveadm search -u {account_of(mail)} mailbox INBOX header subject {subject} {state}").splitlines())
        if found or time.monotonic() >= deadline:
            return found
        time.sleep(0.5)


# A POP3 server that knows no TLS, and writes down what it is told.
NO_TLS = """
import socket
server = socket.create_server(("", 1110))
while True:
    peer, _ = server.accept()
    peer.sendall(b"+OK hello\\r\\n")
    for line in peer.makefile("rb"):
        open("/tmp/told", "ab").write(line)
        peer.sendall(b"+OK\\r\\nUSER\\r\\n.\\r\\n" if line.startswith(b"CAPA") else b"+OK\\r\\n")
"""


@pytest.fixture
def without_tls(outside):
    """The name of a provider without TLS."""
    pid = outside.out(f"rm -f /tmp/told; nohup python3 -c '{NO_TLS}' >/dev/null 2>&1 & echo $!")
    yield "mx.elsewhere.example"
    outside.out(f"kill {pid}")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"new_account_password": WRONG}, "mail.isp.example does not take this user and password."),
        ({"new_account_password": WRONG, "new_account_protocol": "pop3"}, "mail.isp.example does not take this user and password."),
        ({"new_account_server": "no-such-host.example"}, "no-such-host.example is no host that can be found"),
        ({"new_account_more": {}}, "shows a certificate that is not trusted, so it was not told the password"),
        ({"new_account_more": {"service": "25"}}, "does not speak TLS there, so it was not told the password"),
        ({"new_account_more": {"service": "4"}}, "does not answer at the port of this protocol"),
        ({"new_account_for": "nobody-here"}, "refuses mail for 'nobody-here'"),
        ({"new_account_protocol": "gopher"}, "The protocol is 'gopher', which is neither imap nor pop3."),
        ({"new_account_keep": "perhaps"}, "new_account_keep is 'perhaps', which is neither yes nor no."),
        ({"new_account_user": "move12"}, "move12 at mail.isp.example stands in fetchmail_accounts of the inventory already"),
        ({"new_account_more": {"interface": "eth0/x"}}, "has the interface 'eth0/x'"),
        ({"new_account_user": "", "new_account_password": ""}, "There is no answer to new_account_user, new_account_password: answer"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_one_sentence_and_writes_nothing(inventory, answers, sentence):
    mail = MAIL_HOSTS[0]
    files = "stat -c '%i %Y %Z' /etc/fetchmailrc /home/alice/.fetchmailrc"
    before = mail.out(files)
    run = play(inventory, "fetchmail_account", mail, "-vvv", **answers_for(mail, **answers))
    assert run.rc != 0
    assert sentence in " ".join(run.output.split())
    assert not SHOWN.search(run.output)
    assert WRONG not in run.output
    assert kept(inventory) == []
    assert mail.out(files) == before


def test_a_provider_without_tls_is_not_told_the_password(inventory, outside, without_tls):
    more = {"service": "1110", "ssl": False}
    given = answers_for(MAIL_HOSTS[0], new_account_server=without_tls, new_account_protocol="pop3", new_account_more=more)
    run = play(inventory, "fetchmail_account", MAIL_HOSTS[0], **given)
    assert run.rc != 0
    assert "offers no TLS, so it was not told the password" in " ".join(run.output.split())
    told = outside.out("cat /tmp/told")
    assert "CAPA" in told
    assert "USER" not in told
    assert kept(inventory) == []


def test_without_terminal_and_answers_it_says_what_is_missing(inventory):
    run = play(inventory, "fetchmail_account", MAIL_HOSTS[0])
    assert run.rc != 0
    missing = ", ".join(f"new_account_{name}" for name in ("server", "user", "password", "for"))
    assert f"There is no answer to {missing}: answer at a terminal" in " ".join(run.output.split())


def test_variables_in_a_file_of_their_own_would_not_be_read_any_more(inventory):
    (inventory / "host_vars").mkdir()
    (inventory / "host_vars/mail12.yml").write_text("mail_something: 1\n")
    run = play(inventory, "fetchmail_account", MAIL_HOSTS[0], **answers_for(MAIL_HOSTS[0]))
    assert run.rc != 0
    assert "would not read it any more beside the directory" in " ".join(run.output.split())
    assert kept(inventory) == []


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_to_try_the_login_touches_no_message(inventory, mail, isp, outside, subject, protocol):
    send(outside, address_at_provider(mail), subject)
    assert at_provider(isp, mail, subject, wait=20) == 1
    # All is tried in check mode, too.
    run = play(inventory, "fetchmail_account", mail, "--check", **answers_for(mail, new_account_protocol=protocol))
    assert run.rc == 0, run.output
    assert kept(inventory) == []
    assert at_provider(isp, mail, subject, "UNSEEN") == 1


def test_an_account_is_typed_kept_changed_and_taken_away(inventory, mail, isp, outside, subject):
    questions = [
        ("The provider's server", PROVIDER),
        ("Its protocol", "pop3"),
        ("The login there", account_of(mail)),
        ("The password there", PASSWORD),
        ("The recipient", "bob"),
        ("Leave the mail at the provider", "no"),
    ]
    more = json.dumps({"new_account_more": answers_for(mail)["new_account_more"]})
    run = typed([*command("fetchmail_account", mail.name, inventory=inventory), "-vvv", "--diff", "-e", more], questions)
    try:
        assert run.rc == 0, run.output
        assert not SHOWN.search(run.output)
        assert "is not encrypted, because Ansible was given no vault password" in " ".join(run.output.split())
        (file,) = kept(inventory)
        assert file.stat().st_mode & 0o777 == 0o600
        send(outside, address_at_provider(mail), subject)
        assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=subject, wait=40)["count"] == 1

        # The same once more, and by the site, which finds it in the inventory.
        again = play(inventory, "fetchmail_account", mail, **answers_for(mail, new_account_protocol="pop3"))
        assert again.changed(mail.name) == 0, again.output
        assert play(inventory, "site", mail, "--tags", "fetchmail").changed(mail.name) == 0

        # Another password, with all that means something to YAML and to Ansible, and a vault password from now on.
        other = "w\\x41: {{ 1 }} \u00fc %# 'x"
        isp.out(f"cat <<'END' | chpasswd\n{account_of(mail)}:{other}\nEND")
        unsafe = {"__ansible_unsafe": other}
        for arguments, encrypted in (([], False), (["--vault-password-file", str(vault_of(inventory))], True)):
            given = answers_for(mail, new_account_protocol="pop3", new_account_password=unsafe)
            run = play(inventory, "fetchmail_account", mail, "-vvv", *arguments, **given)
            assert run.rc == 0, run.output
            assert run.changed(mail.name) == (1 if encrypted else 2)
            assert not SHOWN.search(run.output)
            text = file.read_text()
            assert ("!vault" in text, "{{ 1 }}" in text) == (encrypted, not encrypted)
            assert kept(inventory) == [file]
            again = play(inventory, "fetchmail_account", mail, *arguments, **given)
            assert again.changed(mail.name) == 0, again.output
            assert file.read_text() == text
            assert play(inventory, "site", mail, "--tags", "fetchmail", *arguments).changed(mail.name) == 0
        assert in_journal(mail, [PASSWORD, other]) == ""
        send(outside, address_at_provider(mail), f"{subject}-2")
        assert outside.ask("imap", host=mail.fqdn, login=BOB, subject=f"{subject}-2", wait=40)["count"] == 1
        file.unlink()
    finally:
        isp.out(f"cat <<'END' | chpasswd\n{account_of(mail)}:{PASSWORD}\nEND")
        shutil.rmtree(inventory / "host_vars", ignore_errors=True)
        gone = play(inventory, "site", mail, "--tags", "fetchmail")
    assert gone.rc == 0
    assert account_of(mail) not in mail.out("cat /etc/fetchmailrc")


def vault_of(inventory):
    file = inventory.parent / "vault"
    file.write_text("open sesame\n")
    return file
