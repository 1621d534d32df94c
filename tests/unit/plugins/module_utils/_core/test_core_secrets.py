# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import shlex
import urllib.parse

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.module import run_module, take_options

NASTY = """it's "x" \\ y%{z} <&> ä"""


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("imapc_password", "x", True),
        ("imapc_password", "/x", True),
        ("imapc_password", 42, True),
        ("ssl_key_password", "x", True),
        ("doveadm_api_key", "x", True),
        ("auth_policy_hash_nonce", "x", True),
        ("auth_policy_server_api_header", "Authorization: Basic x", True),
        ("client_secret", "x", True),
        ("dnpass", "x", True),
        ("ldap_bind_pw", "x", True),
        ("pass", "x", True),
        ("args", "password=x proxy=y", True),
        ("args", "scheme=PLAIN /etc/dovecot/users", False),
        ("uri", "redis://:x@host", True),
        ("hosts", ["a", "postgresql://u:x@h/db"], True),
        ("hosts", ["a", "postgresql://u@h/db"], False),
        ("password", "%{ldap:userPassword}", False),
        ("password", "", False),
        ("password", None, False),
        ("imapc_password", "</etc/dovecot/secret", False),
        ("ssl_key", "</etc/ssl/private/mail.key", False),
        ("tls_key", "/etc/ssl/private/mail.key", False),
        ("nopassword", "y", False),
        ("auth_verbose_passwords", "sha1", False),
        ("default_password_scheme", "PLAIN", False),
        ("passwd_file_path", "/etc/dovecot/users", False),
        ("sql_query", "SELECT 1 FROM users WHERE password = '%{password}'", False),
        ("password_query", "SELECT password FROM users", False),
    ],
)
def test_settings_that_tell_a_secret(name, value, secret):
    assert core_secrets.is_secret(name, value) is secret


def test_of_a_text_that_holds_more_the_password_is_secret_too():
    assert core_secrets.texts("host=h password='x y'") == {"host=h password='x y'", "x y"}
    assert core_secrets.texts({"a": ["b", 7, True, None, ""]}) == {"b", "7"}


SPEC = {
    "users": {
        "type": "list",
        "no_log": True,
        "options": {"name": {}, "password": {"no_log": True}, "server": {"options": {"key": {"no_log": True, "aliases": ["k"]}}}},
    },
    "path": {},
}


def test_only_the_secret_options_are_hidden():
    users = [{"name": "a", "password": "b", "server": {"k": "d", "key": "d"}}, {"name": "c", "password": None, "server": None}]
    shown, secrets = core_secrets.parted({"users": users, "path": "/b"}, SPEC)
    hidden = core_secrets.HIDDEN
    first = {"name": "a", "password": hidden, "server": {"k": hidden, "key": hidden}}
    assert shown == {"users": [first, users[1]], "path": "/b"}
    assert secrets == {"b", "d"}
    assert users[0]["password"] == "b"


def test_many_are_counted():
    shown, secrets = core_secrets.parted({"users": [{"name": str(number), "password": f"p{number}"} for number in range(101)]}, SPEC)
    assert shown["users"] == "[101 users, not shown]"
    assert len(secrets) == 101


def test_what_holds_no_secret_is_shown_however_much_it_is():
    services = [{"name": str(number)} for number in range(101)]
    shown, secrets = core_secrets.parted({"services": services}, {"services": {"type": "list", "options": {"name": {}}}})
    assert (shown, secrets) == ({"services": services}, set())


@pytest.mark.parametrize(
    "written",
    [
        str,
        repr,
        lambda text: str([{"password": text}]),
        lambda text: repr(repr(text)),
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(str([text])),
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"',
        shlex.quote,
        urllib.parse.quote,
        urllib.parse.quote_plus,
        lambda text: text.encode().hex(),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"\0al\0{text}".encode()).decode(),
        lambda text: base64.b64encode(f"\0ali\0{text}!".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"alice:{text}?".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", [NASTY, "plain-Secret-77", "it's a 'secret'", '"quoted\\"'], ids=ascii)
def test_a_secret_is_hidden_however_it_is_written(written, secret):
    text = core_secrets.without(f"before {written(secret)} after", core_secrets.spellings(secret))
    assert core_secrets.MASK in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    # Nothing is left but what stands around it.
    assert len(text.replace(core_secrets.MASK, "")) < len("before  after") + 25
    assert secret not in text


def test_half_a_character_is_spelled_as_well():
    assert "x\udc80\ud800" in core_secrets.spellings("x\udc80\ud800")


def test_short_secrets_hide_no_words_that_look_like_base64():
    assert core_secrets.spellings("abc") == {"abc"}


class Module:
    """As much of AnsibleModule as matters here."""

    def __init__(self, **params):
        self.params = params
        self.argument_spec = SPEC
        self.no_log_values = {"alice", "everything"}

    def exit_json(self, **result):
        raise SystemExit(0)

    def fail_json(self, **result):
        raise SystemExit(1)


def test_ordinary_words_stay_in_the_result():
    module = Module(users=[{"name": "alice", "password": NASTY}], path="/p")
    given = take_options(module)
    assert given["users"][0]["password"] == NASTY
    assert module.params["users"] == [{"name": "alice", "password": core_secrets.HIDDEN}]
    with pytest.raises(SystemExit):
        run_module(module, dict)
    assert module.no_log_values == core_secrets.spellings(NASTY)


def test_names_alone_lose_no_letters_but_a_failure_hides_the_secrets():
    module = Module(users=[{"name": "alice", "password": "ali-ce"}], path="/p")
    take_options(module)

    def work():
        raise BadInput("x")

    with pytest.raises(SystemExit):
        run_module(module, work, only_names=True)
    assert "ali-ce" in module.no_log_values
    with pytest.raises(SystemExit):
        run_module(module, dict, only_names=True)
    assert module.no_log_values == set()
