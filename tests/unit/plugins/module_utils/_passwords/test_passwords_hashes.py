# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import hmac
import struct

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._passwords import hashes
from ansible_collections.postroom.mail.plugins.module_utils._passwords.libcrypt import LibCrypt
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.waiting_crypt import crypt_of_three
from hypothesis import given
from hypothesis import strategies as st


class FakeSodium:
    """libsodium is not on every machine where the tests run."""

    def hash(self, password: str) -> str:
        return f"$argon2id$v=19$m=65536,t=3,p=1$c2FsdA${hashlib.sha256(password.encode()).hexdigest()}"

    def matches(self, password: str, stored: str) -> bool:
        return stored == self.hash(password)


@pytest.fixture
def hasher():
    return hashes.Hasher(LibCrypt(), FakeSodium())


# Made by "doveadm pw -s SCHEME -u alice@example.org" of Dovecot 2.4 for the password "x".
OF_DOVECOT = [
    "{SHA512-CRYPT}$6$hP0HVJ1sLpW.T8V3$UKT9QXyOVqUw9lelH14X8ogYN1SIZ/UJXyA.TuugrA.gPyeUqQ8P4uHFZoTxBUS0dTtAD1uY/qdJUiNWQzCZ8/",
    "$6$hP0HVJ1sLpW.T8V3$UKT9QXyOVqUw9lelH14X8ogYN1SIZ/UJXyA.TuugrA.gPyeUqQ8P4uHFZoTxBUS0dTtAD1uY/qdJUiNWQzCZ8/",
    "{BLF-CRYPT}$2y$05$b/TcA8xbfIG5Ws3kjrpiwuURgKY5bsK/hMN16qxNfk..aYkYIA.dS",
    "{CRYPT}$2y$05$.K6iq5EZAafAImzMoHJ7muRn4DiZS7dsO0XeMEOhsK9NCXpwIydEq",
    "{MD5-CRYPT}$1$5YrgldXD$3jCxGaFoncQAuEZOdlAvh.",
    "{DES-CRYPT}ldQGsCUZ7Os36",
    "{PLAIN}x",
    "{plain.b64}eA==",
    "{CLEARTEXT.hex}78",
    "{CRAM-MD5}4638c77f1a70c6fda4ddfa6fbe34e6ee090a0f0088f15da8fed5e0a5ff2b4152",
    "{DIGEST-MD5}dbca0ca31029837bc8eab8b6e2eac510",
    "{SCRAM-SHA-1}4096,FUgwr9mQaWDSIYm1ORM84g==,OwK/cSKo5CQP4jJ9/MkPCSZZ9Wc=,mvmkT+furiQTV93ZvgCAu7YERLs=",
    "{SCRAM-SHA-256}4096,9/L1AQaXqOxUIAjveaRcag==,Haz1bNKpJ7CQWW1Uz1x0bVJgO0V3CAK7Og147rhibRI=,dsm1/Niq//hAJ459xlUJ8CvsbJdkns+MEyE9I9NWFiE=",
    "{PBKDF2}$1$Z9tCvqnov0R/0.uE$5000$0632d12960276db867046a722fe282a47841af7b",
    "{SSHA}4Gsrl38N7O5TwBzXMaG5YoYaKw2EAz+d",
    "{SSHA256}2e8mDPLhiKohZ/zZZnTsaB39ktQXe9kDC44cYZG8JmQPMi5E",
    "{SSHA512}BMrqu83rQQLCXsBDsUX3jHx6fQ/2+eXk4q/g2rWz+MYjFThRmHhNGddWxuq+/tkODHv+6d25Q1jRHcaVs2Maea2tUz0=",
    "{SMD5}3KtbbIbV9+GuRJhytX1N0HUaE7k=",
    "{PLAIN-MD5}9dd4e461268c8034f5c8564e155c67a6",
    "{LDAP-MD5}ndTkYSaMgDT1yFZOFVxnpg==",
    "{MD5}9dd4e461268c8034f5c8564e155c67a6",
    "{SHA256}LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=",
    "{SHA256}2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
]


@pytest.mark.parametrize("field", OF_DOVECOT)
def test_knows_the_password_of_what_dovecot_made(hasher, field):
    stored = hashes.parse(field)
    right, wrong = hashes.claim("x", "alice@example.org", None), hashes.claim("y", "alice@example.org", None)
    assert hasher.verify([(stored, right), (stored, wrong)]) == [True, False]


@pytest.mark.parametrize("scheme", hashes.MADE)
@pytest.mark.parametrize("password", ["x", "pä:ss wörd", "{PLAIN}[34]", "y" * 200])
def test_what_is_made_is_in_form_and_has_its_password(hasher, scheme, password):
    who = hashes.claim(password, "alice@example.org", None)
    field, again = hasher.make([(scheme, who), (scheme, who)])
    assert ":" not in field
    assert hashes.problem_with(field, None) is None
    stored = hashes.parse(field)
    assert stored.scheme == scheme
    other = hashes.claim("X" + password, "alice@example.org", None)
    assert hasher.verify([(stored, who), (stored, other)]) == [True, False]
    # A salt makes two hashes of one password different; the others have none, because their mechanism has no place for it.
    assert (field == again) == (scheme in ("CRAM-MD5", "DIGEST-MD5", "PLAIN", "ARGON2ID"))


def test_blowfish_costs_more_than_its_library_thinks(hasher):
    assert hasher.make([("BLF-CRYPT", hashes.claim("x", "a", None))])[0].startswith("{BLF-CRYPT}$2y$10$")


@pytest.mark.parametrize(
    "field",
    [
        "{SHA512-CRYPT}garbage",
        "{SHA512-CRYPT}",
        "{CRYPT}*",
        "{CRYPT}!",
        "{SSHA}",
        "{SSHA}eA==",
        "{SHA}no base64",
        "{SHA.hex}zz",
        "{SHA256}LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE",
        "{CRAM-MD5}00",
        "{DIGEST-MD5}",
        "{SCRAM-SHA-1}4096,x",
        "{SCRAM-SHA-1}0,eA==,eA==,eA==",
        "{SCRAM-SHA-1}999999999,eA==,eA==,eA==",
        "{SCRAM-SHA-256}4096,ä,eA==,eA==",
        "{PBKDF2}$1$x",
        "{ARGON2ID}$argon2id$",
        "{OTP}sha1 1024 c8bb55223bfb1f67 166faacd1770da72",
    ],
)
def test_no_password_is_that_of_garbage(hasher, field):
    assert hasher.verify([(hashes.parse(field), hashes.claim("x", "alice", None))]) == [False]


@pytest.mark.parametrize("field", ["", "x", "{", "{}x", "{NTLMv9}x", "{SHA.b32}x", "{SHA", "ldQGsCUZ7Os36"])
def test_what_tells_no_scheme_is_none(field):
    assert hashes.parse(field) is None


@pytest.mark.parametrize(
    ("field", "scheme", "encoding"),
    [
        ("{crypt}$6$x$y", "SHA512-CRYPT", ""),
        ("{CRYPT}$y$x", "CRYPT", ""),
        ("{CRYPT}x", "CRYPT", ""),
        ("$5$x", "SHA256-CRYPT", ""),
        ("$argon2id$x", "ARGON2ID", ""),
        ("{ARGON2}$argon2i$x", "ARGON2ID", ""),
        ("{Clear.Base64}eA==", "PLAIN", "b64"),
        ("{HMAC-MD5.HEX}00", "CRAM-MD5", "hex"),
        ("{MD5}$1$x", "MD5-CRYPT", ""),
        ("{MD5}00", "PLAIN-MD5", ""),
        ("{PLAIN}{PLAIN}x", "PLAIN", ""),
    ],
)
def test_one_name_for_each_scheme(field, scheme, encoding):
    stored = hashes.parse(field)
    assert (stored.scheme, stored.encoding) == (scheme, encoding)
    assert field.endswith(stored.text)


@pytest.mark.parametrize(
    ("given_hash", "scheme", "field"),
    [
        ("$6$salt$" + "a" * 86, None, "{SHA512-CRYPT}$6$salt$" + "a" * 86),
        ("{CRYPT}$6$salt$" + "a" * 86, None, "{CRYPT}$6$salt$" + "a" * 86),
        ("a" * 64, "cram-md5", "{CRAM-MD5}" + "a" * 64),
        ("{SSHA}4Gsrl38N7O5TwBzXMaG5YoYaKw2EAz+d", "PLAIN", "{SSHA}4Gsrl38N7O5TwBzXMaG5YoYaKw2EAz+d"),
    ],
)
def test_a_hash_gets_its_scheme_written_before_it(given_hash, scheme, field):
    assert hashes.problem_with(given_hash, scheme) is None
    assert hashes.field_from(given_hash, scheme) == field


@pytest.mark.parametrize(
    ("given_hash", "scheme", "says"),
    [
        (
            "{FOO}x",
            None,
            "is in a scheme that Dovecot does not have; write it as {SCHEME}hash, with a scheme such as SHA512",
        ),
        ("{SHA.b32}x", None, "is in a scheme that Dovecot does not have"),
        ("secret", None, "does not tell its scheme; write it"),
        ("secret", "SHA512-CRYPT", "does not look like a hash in the scheme SHA512-CRYPT"),
        ("$apr1$salt$Ae8nWpH3YlLFm0CkOAx1u1", None, "is of a kind ($apr1$) that crypt(3) does not know"),
        ("{CRYPT}$P$Bsalt", None, "is of a kind ($P$) that crypt(3) does not know"),
        ("$6$short", None, "does not look like a hash in the scheme SHA512-CRYPT"),
        ("{SCRAM-SHA-1}x", None, "does not look like a hash in the scheme SCRAM-SHA-1"),
        ("{CRAM-MD5}" + "a" * 63, None, "does not look like a hash in the scheme CRAM-MD5"),
        ("{PLAIN}", None, "does not look like a hash in the scheme PLAIN"),
    ],
)
def test_says_what_is_wrong_with_a_hash_and_does_not_show_it(given_hash, scheme, says):
    sentence = hashes.problem_with(given_hash, scheme)
    assert sentence.startswith(says)
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("name", "realm", "user", "in_realm"),
    [
        ("alice", None, "alice", ""),
        ("alice@example.org", None, "alice", "example.org"),
        ("alice@example.org@realm", None, "alice@example.org", "realm"),
        ("alice", "example.org", "alice", "example.org"),
        ("alice@example.org", "example.org", "alice", "example.org"),
        ("alice@example.org", "other", "alice@example.org", "other"),
        ("alice@example.org", "", "alice@example.org", ""),
    ],
)
def test_user_and_realm(name, realm, user, in_realm):
    who = hashes.claim("x", name, realm)
    assert (who.user, who.realm) == (user, in_realm)


def test_no_secret_in_a_trace():
    assert "x9" not in repr(hashes.claim("x9", "alice", None)) + repr(hashes.parse("{PLAIN}x9"))


@given(st.binary(max_size=200), st.binary(max_size=55))
def test_the_state_for_cram_md5_leads_to_hmac_md5(password, message):
    """From the state that is stored, the last block of either computation gives what HMAC says."""
    raw = hashes._cram_md5(password)

    def finish(state: bytes, data: bytes) -> bytes:
        padded = data + b"\x80"
        padded = padded.ljust(56, b"\0") + struct.pack("<Q", 8 * (64 + len(data)))
        before, hashes.START = hashes.START, struct.unpack("<4I", state)
        try:
            return hashes._md5_of_block(padded)
        finally:
            hashes.START = before

    assert finish(raw[:16], finish(raw[16:], message)) == hmac.digest(password, message, "md5")


def test_md5_is_asked_for_where_security_does_not_rest_on_it(hasher, monkeypatch):
    """On a host with FIPS rules hashlib has MD5 only for who says so."""
    asked = []
    real = hashlib.new
    monkeypatch.setattr(hashlib, "new", lambda *args, **kwargs: asked.append(kwargs) or real(*args, **kwargs))
    hasher.make([("DIGEST-MD5", hashes.claim("x", "a", None)), ("CRAM-MD5", hashes.claim("x" * 65, "a", None))])
    assert asked == [{"usedforsecurity": False}] * 2


@given(st.text(max_size=60))
def test_any_text_can_be_looked_at(field):
    stored = hashes.parse(field)
    assert stored is None or field.endswith(stored.text)


def test_what_stands_in_the_braces_of_a_password_is_not_repeated():
    assert "hunter2" not in hashes.problem_with("{hunter2}x", None)


def test_each_processor_checks_a_password_of_its_own(monkeypatch):
    """The hash of each user waits until three are computed at a time; less would break the barrier."""
    crypt = crypt_of_three(monkeypatch)
    stored = hashes.parse(hashes.field_from(LibCrypt().hash("x", "$5$"), None))
    checked = hashes.Hasher(crypt, FakeSodium()).verify([(stored, hashes.claim(given, "alice", None)) for given in "xxy" * 3])
    assert checked == [True, True, False] * 3
