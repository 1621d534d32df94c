# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import facts as postfix_facts

MASTER = """\
smtp       inet  n       -       y       -       -       smtpd
127.0.0.1:10025 inet n - n - - smtpd -v
    -o smtpd_tls_wrappermode=yes -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
qmgr       unix  n       -       n       300     1       qmgr
lmtp       unix  -       -       -       -       -       lmtp
maildrop   unix  -       n       n       -       -       pipe flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
"""


def test_services():
    services = postfix_facts.parse_services(MASTER, chroot_default=False)
    assert list(services) == ["smtp/inet", "127.0.0.1:10025/inet", "qmgr/unix", "lmtp/unix", "maildrop/unix"]
    assert services["smtp/inet"] == {
        "type": "inet",
        "private": False,
        "unprivileged": True,
        "chroot": True,
        "wakeup": "-",
        "process_limit": "-",
        "command": "smtpd",
        "args": [],
        "overrides": {},
    }
    assert services["127.0.0.1:10025/inet"]["args"] == ["-v"]
    assert services["127.0.0.1:10025/inet"]["overrides"] == {
        "smtpd_tls_wrappermode": "yes",
        "smtpd_client_restrictions": "permit_sasl_authenticated, reject",
    }
    assert (services["qmgr/unix"]["wakeup"], services["qmgr/unix"]["process_limit"]) == ("300", "1")
    assert services["maildrop/unix"]["unprivileged"] is False
    assert services["maildrop/unix"]["args"][:2] == ["flags=DRXhu", "user=vmail"]


def test_a_hyphen_is_the_default_of_the_column():
    services = [postfix_facts.parse_services(MASTER, default)["lmtp/unix"] for default in (False, True)]
    assert [service["chroot"] for service in services] == [False, True]
    assert all(service["private"] and service["unprivileged"] for service in services)
    assert postfix_facts.parse_services("smtp inet - - - - - smtpd\n", True)["smtp/inet"]["private"] is False


@pytest.mark.parametrize(("level", "chroots"), [("0", True), ("1", False), ("3.10", False), ("2", False), ("", True)])
def test_chroot_default_follows_the_compatibility_level(level, chroots):
    assert postfix_facts.chroots_by_default(level) is chroots


def test_parameters():
    text = "a = 1\nempty =\nlong = x, \n    y = z\n"
    assert postfix_facts.parse_parameters(text) == {"a": "1", "empty": "", "long": "x, y = z"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        pytest.param("smtp_sasl_password_maps", "hash:/etc/postfix/sasl", "hash:/etc/postfix/sasl", id="path of a table"),
        pytest.param("smtp_sasl_password_maps", "static:bob:geheim", "[hidden]", id="static"),
        pytest.param("smtp_sasl_password_maps", "inline:{x=bob:geheim}, hash:/etc/y", "[hidden]", id="inline beside a path"),
        pytest.param("virtual_password", "geheim", "[hidden]", id="mysql in main.cf"),
        pytest.param("virtual_password", "", "", id="empty"),
        pytest.param("myhostname", "static:x", "static:x", id="no secret"),
    ],
)
def test_secrets(name, value, shown):
    assert postfix_facts.without_secrets({name: value}) == {name: shown}


def test_overrides_have_secrets_too():
    services = postfix_facts.parse_services("a unix - - n - - smtp -o smtp_sasl_password_maps=static:b:geheim\n", False)
    assert "geheim" not in str(services)


class Postconf:
    """A Postfix whose answers are given."""

    def __init__(self, broken: str = "", missing: bool = False):
        self.broken = broken
        self.missing = missing
        self.calls: list[list[str]] = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        if self.missing:
            return 127, "", "postconf: No such file or directory"
        flag = args[1]
        if self.broken and flag in ("-hx", "-n", "-M"):
            return 1, "", f"postconf: warning: beware\npostconf: fatal: {self.broken}\n"
        answers = {
            "-hx": "3.10.13\n/etc/postfix\n/var/spool/postfix\n/usr/lib/postfix/sbin\nhash\n3.9\n",
            "-dhx": "3.10.13\n/etc/postfix\n/var/spool/postfix\n/usr/lib/postfix/sbin\nhash\n0\n",
            "-M": MASTER,
            "-m": "cidr\nhash\n",
            "-a": "cyrus\ndovecot\n",
            "-n": "myhostname = mail.example.org\n",
        }
        return 0, answers[flag], ""


def test_ask():
    run = Postconf()
    answer = postfix_facts.ask(run)
    assert answer["parameters"] == {"myhostname": "mail.example.org"}
    assert (answer["version"], answer["default_database_type"], answer["map_types"]) == ("3.10.13", "hash", ["cidr", "hash"])
    assert answer["sasl_types"] == ["cyrus", "dovecot"]
    assert answer["config_error"] is None
    assert len(run.calls) == 5


def test_ask_where_postfix_is_not_installed():
    run = Postconf(missing=True)
    answer = postfix_facts.ask(run)
    assert answer["installed"] is False
    assert set(answer) == set(postfix_facts.ask(Postconf()))
    assert len(run.calls) == 1


def test_ask_with_a_broken_main_cf():
    answer = postfix_facts.ask(Postconf(broken="/etc/postfix/main.cf, line 3: missing '='"))
    assert answer["installed"] is True
    assert answer["config_error"] == "postconf: fatal: /etc/postfix/main.cf, line 3: missing '='"
    assert answer["queue_directory"] == "/var/spool/postfix"
    assert (answer["parameters"], answer["services"]) == ({}, {})


def test_count_queue_looks_into_hashed_directories(tmp_path):
    for path in ("active/1A", "deferred/A/B/AB1", "deferred/A/AC1", "deferred/C/CD1"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert postfix_facts.count_queue(str(tmp_path)) == {"active": 1, "incoming": 0, "deferred": 3, "hold": 0, "maildrop": 0}


def test_count_queue_gives_up_when_the_time_is_over(tmp_path):
    assert set(postfix_facts.count_queue(str(tmp_path), seconds=-1).values()) == {None}


def test_master_pid(tmp_path):
    assert postfix_facts.master_pid(str(tmp_path)) is None
    (tmp_path / "pid").mkdir()
    (tmp_path / "pid" / "master.pid").write_text("                             333\n")
    assert postfix_facts.master_pid(str(tmp_path)) == 333
