# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.parsing.utils.yaml import from_yaml
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible_collections.postroom.mail.plugins.filter.fetchmail_account_file import FilterModule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

account_file = FilterModule().filters()["fetchmail_account_file"]

SECRETS = [("default", VaultSecret(b"open sesame"))]
NAME = "fetchmail_account_al"
ACCOUNT = {"poll": "pop.example", "user": "al", "password": 's3cret "', "is": ["alice"], "keep": False, "timeout": 20}


@pytest.fixture
def secrets(monkeypatch):
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(SECRETS))


@pytest.fixture
def no_secrets(monkeypatch):
    monkeypatch.setattr(VaultSecretsContext, "_current", None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "account.yml"


def written(path, account=None):
    text = account_file(account or ACCOUNT, NAME, str(path))
    path.write_text(text)
    return text


@pytest.mark.usefixtures("no_secrets")
def test_the_whole_file(path):
    assert written(path).partition("---\n")[2] == (
        "fetchmail_account_al:\n"
        '  poll: "pop.example"\n'
        '  user: "al"\n'
        '  password: "s3cret \\""\n'
        '  is: ["alice"]\n'
        "  keep: false\n"
        "  timeout: 20\n"
    )


@pytest.mark.usefixtures("no_secrets")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("\"\\'{}%#:!&*x \t\n\x00\x7f\x85\u2028\U0001f600") | st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_as_it_was_meant(path, text):
    assert from_yaml(account_file({**ACCOUNT, "password": text, "is": [text]}, NAME, str(path)))[NAME] == {
        **ACCOUNT,
        "password": text,
        "is": [text],
    }


@pytest.mark.usefixtures("no_secrets")
def test_what_looks_like_a_template_is_none(path):
    assert '  password: !unsafe "{{ x }}"\n' in written(path, {**ACCOUNT, "password": "{{ x }}"})


@pytest.mark.usefixtures("secrets")
def test_a_password_is_encrypted_and_stays_as_it_is(path):
    first = written(path)
    assert "s3cret" not in first
    assert "  password: !vault |\n    $ANSIBLE_VAULT;" in first
    assert str(from_yaml(first)[NAME]["password"]) == ACCOUNT["password"]
    assert written(path) == first
    other = written(path, {**ACCOUNT, "password": "other"})
    assert str(from_yaml(other)[NAME]["password"]) == "other"


def test_a_password_is_encrypted_as_soon_as_that_can_be_done(path, monkeypatch):
    monkeypatch.setattr(VaultSecretsContext, "_current", None)
    assert written(path) == written(path)
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(SECRETS))
    assert "s3cret" not in written(path)


@pytest.mark.usefixtures("secrets")
def test_a_file_that_is_encrypted_as_a_whole_stays_so(path):
    plain = f"{NAME}: {{poll: pop.example, user: al, password: 's3cret \"', is: [alice], keep: false, timeout: 20}}\n"
    path.write_bytes(VaultLib(SECRETS).encrypt(plain))
    before = path.read_text()
    assert written(path) == before


@pytest.mark.usefixtures("no_secrets")
@pytest.mark.parametrize("text", ["", "{", "$ANSIBLE_VAULT;1.1;AES256\n00\n", f"{NAME}: {{password: 1}}\n", "a: 1\n"])
def test_what_cannot_be_read_or_says_something_else_is_written_anew(path, text):
    path.write_text(text)
    assert from_yaml(written(path))[NAME] == ACCOUNT
