# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import facts as dovecot_facts
from hypothesis import given
from hypothesis import strategies as st

DOVECONF = """\
# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
# Pigeonhole version 0.5.19 (4eae2f79)
# Hostname: mail.example.org
namespace inbox {
  inbox = yes
  mailbox "Sent Messages" {
    special_use = \\Sent
  }
  prefix =
}
passdb {
  args = deny=yes /etc/deny
  driver = passwd-file
}
passdb {
  driver = pam
}
passdb {
  args = nopassword=y password=geheim
  driver = static
}
protocols = " imap lmtp"
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
  }
}
ssl_key = # hidden, use -P to show it
"""


def test_doveconf():
    settings = dovecot_facts.parse_doveconf(DOVECONF)
    assert settings["namespace inbox"] == {"inbox": "yes", 'mailbox "Sent Messages"': {"special_use": "\\Sent"}, "prefix": ""}
    assert [db["driver"] for db in settings["passdb"]] == ["passwd-file", "pam", "static"]
    assert settings["protocols"] == " imap lmtp"
    assert settings["service auth"] == {"unix_listener /var/spool/postfix/private/auth": {"mode": "0660"}}


def test_blanks_in_quotes_belong_to_the_value():
    assert dovecot_facts.parse_doveconf('log_timestamp = "%Y-%m-%d %H:%M:%S "\nlogin_greeting = "  hi  "\nprefix = \n') == {
        "log_timestamp": "%Y-%m-%d %H:%M:%S ",
        "login_greeting": "  hi  ",
        "prefix": "",
    }


def test_quotes_of_2_4():
    assert dovecot_facts.parse_doveconf('a {\n  special_use = "\\\\Sent"\n  b = "x"y"\n  c = "\n}\n') == {
        "a": {"special_use": "\\Sent", "b": 'x"y', "c": '"'}
    }


@given(st.text())
def test_doveconf_never_fails(text):
    dovecot_facts.without_secrets(dovecot_facts.parse_doveconf(text))


def test_secrets_of_a_whole_configuration():
    shown = dovecot_facts.without_secrets(dovecot_facts.parse_doveconf(DOVECONF))
    assert shown["ssl_key"] == "[hidden]"
    assert shown["passdb"][2] == {"args": "[hidden]", "driver": "static"}
    assert shown["passdb"][0]["args"] == "deny=yes /etc/deny"


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("ldap_auth_dn_password", "geheim", True),
        ("dnpass", "geheim", True),
        ("doveadm_password", "geheim", True),
        ("doveadm_api_key", "geheim", True),
        ("connect", "host=db user=x password=geheim", True),
        ("uri", "mysql://bob:geheim@db/mail", True),
        ("ssl_key", "-----BEGIN PRIVATE KEY-----", True),
        ("ssl_key", "</etc/ssl/private/x.key", False),
        ("ssl_server_key_file", "/etc/ssl/private/x.key", False),
        ("auth_allow_cleartext", "no", False),
        ("nopassword", "yes", False),
        ("passdb_default_password_scheme", "SHA512-CRYPT", False),
        ("mail_path", "~/Maildir", False),
    ],
)
def test_secret(name, value, hidden):
    assert dovecot_facts.without_secrets({name: value}) == {name: "[hidden]" if hidden else value}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.3.19.1 (9b53102964)\n", "2.3.19.1"),
        ("2.4.1-4 (7d8c0e5759)\n", "2.4.1"),
        ("# 2.3.21 (abc): /etc/dovecot/dovecot.conf", "2.3.21"),
        ("2.10.0 (x)", "2.10.0"),
    ],
)
def test_version(text, version):
    assert dovecot_facts.parse_version(text) == version


def test_no_version():
    assert dovecot_facts.parse_version("doveconf: Fatal: ...") is None


def test_records_of_both_families():
    assert dovecot_facts.parse_hashfile("0d73  /etc/dovecot/dovecot.conf\nbroken\n") == {"/etc/dovecot/dovecot.conf": "0d73"}
    assert dovecot_facts.parse_rpm_digests("/etc/dovecot\t\n/etc/dovecot/dovecot.conf\tab12\n") == {"/etc/dovecot/dovecot.conf": "ab12"}


SHIPPED = {"/etc/dovecot/dovecot.conf": "a", "/etc/dovecot/conf.d/10-auth.conf": "b"}


@pytest.mark.parametrize(
    ("present", "included", "modified"),
    [
        pytest.param(SHIPPED, SHIPPED, [], id="pristine"),
        pytest.param({**SHIPPED, "/etc/dovecot/dovecot.conf": "x"}, SHIPPED, ["/etc/dovecot/dovecot.conf"], id="edited"),
        pytest.param({"/etc/dovecot/dovecot.conf": "a"}, SHIPPED, ["/etc/dovecot/conf.d/10-auth.conf"], id="removed"),
        pytest.param(SHIPPED, [*SHIPPED, "/etc/dovecot/local.conf"], ["/etc/dovecot/local.conf"], id="added"),
    ],
)
def test_modified_files(present, included, modified):
    assert dovecot_facts.modified_files(SHIPPED, present, included) == modified


@pytest.fixture
def dovecot(tmp_path, monkeypatch):
    """A fresh installation in a directory of its own."""
    conf = tmp_path / "dovecot"
    (conf / "conf.d").mkdir(parents=True)
    hashfile = tmp_path / "hashfile"
    for name in ("dovecot.conf", "conf.d/10-auth.conf"):
        (conf / name).write_text(f"# {name}\n")
        with hashfile.open("a") as f:
            f.write(f"{hashlib.md5((conf / name).read_bytes()).hexdigest()}  {conf / name}\n")
    monkeypatch.setattr(dovecot_facts, "CONFIG_DIRECTORY", str(conf))
    monkeypatch.setattr(dovecot_facts, "CONFIG_PATH", str(conf / "dovecot.conf"))
    monkeypatch.setattr(dovecot_facts, "UCF_HASHFILE", str(hashfile))
    return conf


def answers(rc=0, stdout=DOVECONF, stderr=""):
    return lambda args, data=None: (rc, stdout, stderr)


def test_ask_a_fresh_installation(dovecot):
    answer = dovecot_facts.ask(answers(), "Debian")
    assert (answer["pristine"], answer["managed"], answer["modified_files"]) == (True, False, [])
    assert (answer["version"], answer["dialect"], answer["config_error"]) == ("2.3.19.1", "2.3", None)


def test_ask_an_edited_one(dovecot):
    (dovecot / "conf.d" / "10-auth.conf").write_text("disable_plaintext_auth = no\n")
    (dovecot / "conf.d" / "99-mine.conf").touch()
    (dovecot / "conf.d" / "README").touch()
    answer = dovecot_facts.ask(answers(), "Debian")
    assert answer["pristine"] is False
    assert answer["modified_files"] == [str(dovecot / "conf.d" / name) for name in ("10-auth.conf", "99-mine.conf")]


def test_files_of_databases_are_told_from_others(dovecot):
    secrets = ["postroom-secrets-passdb-static.2.conf.ext", "postroom-secrets.conf.ext"]
    ours = ["postroom-denied-users", "postroom-passdb-a.conf.ext", *secrets, "postroom-userdb-a.2.conf.ext", "postroom-virtual-users"]
    for name in (*ours, "postroom-users", "dovecot-sql.conf.ext", "postroom-passdb-a.conf.ext.bak"):
        (dovecot / name).touch()
    assert dovecot_facts.ask(answers(), "Debian")["database_files"] == [str(dovecot / name) for name in ours]


def test_ask_one_that_the_collection_wrote(dovecot):
    (dovecot / "dovecot.conf").write_text("# Managed by postroom.mail: do not edit\nprotocols = imap\n")
    assert dovecot_facts.ask(answers(), "Debian")["managed"] is True


def test_a_setting_that_names_the_collection_does_not_make_it_ours(dovecot):
    (dovecot / "dovecot.conf").write_text("x = Managed by postroom.mail\n")
    assert dovecot_facts.ask(answers(), "Debian")["managed"] is False


def test_ask_with_a_broken_configuration(dovecot):
    run = answers(89, "# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\n", "doveconf: Fatal: line 3: Unknown setting: x\n")
    answer = dovecot_facts.ask(run, "Debian")
    assert (answer["version"], answer["dialect"]) == ("2.4.1", "2.4")
    assert answer["config_error"] == "doveconf: Fatal: line 3: Unknown setting: x"
    assert answer["settings"] == {}


def test_ask_where_dovecot_is_not_installed():
    answer = dovecot_facts.ask(answers(127), "Debian")
    assert (answer["installed"], answer["pristine"], answer["version"]) == (False, None, None)


def test_red_hat_records_sha256(dovecot):
    digests = "".join(f"{path}\t{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in dovecot.rglob("*.conf"))

    def run(args, data=None):
        return (0, digests, "") if args[0] == "rpm" else (0, DOVECONF, "")

    assert dovecot_facts.ask(run, "RedHat")["pristine"] is True
    (dovecot / "dovecot.conf").write_text("changed\n")
    assert dovecot_facts.ask(run, "RedHat")["modified_files"] == [str(dovecot / "dovecot.conf")]
