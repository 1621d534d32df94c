# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import stat
import subprocess
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._host import certificate as host_certificate
from ansible_collections.postroom.mail.plugins.module_utils._host.certificate import Certificate, SelfSigned

NAMES = ["mail.example.org", "192.0.2.25", "2001:db8::1"]
X509 = """\
subject=CN=mail.example.org,O=self-signed by postroom.mail
issuer=CN=mail.example.org,O=self-signed by postroom.mail
notBefore=Nov 22 08:05:21 2026 GMT
notAfter=Nov 19 08:05:21 2036 GMT
sha256 Fingerprint=37:87:DD
X509v3 Subject Alternative Name:
    DNS:mail.example.org, DNS:*.Example.net, IP Address:192.0.2.25, IP Address:2001:DB8:0:0:0:0:0:1
"""


def run(args, data=None):
    done = subprocess.run(args, input=data, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def missing(args, data=None):
    return 127, "", ""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pair")
    made = SelfSigned(str(directory / "certs" / "c.pem"), str(directory / "private" / "k.pem"), NAMES, 90, "ecdsa")
    made.write(run)
    return made


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    directory = tmp_path_factory.mktemp("other")
    made = SelfSigned(str(directory / "c.pem"), str(directory / "k.pem"), ["other.example.org"], 90, "rsa")
    made.write(run)
    return made


def certificate(**given):
    return Certificate(**{"subject": "CN=a", "issuer": "CN=b", "not_before": 0, "not_after": 100, "fingerprint": "", "names": (), **given})


def test_what_openssl_prints_is_read():
    found = host_certificate.parse_x509(X509)
    assert found.names == ("mail.example.org", "*.example.net", "192.0.2.25", "2001:db8::1")
    assert host_certificate.iso(found.not_after) == "2036-11-19T08:05:21Z"
    assert found.fingerprint == "37:87:DD"
    assert found.ours
    assert host_certificate.parse_x509(X509.replace("issuer=CN", "issuer=C")).self_signed is False


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("mail.example.org", True),
        ("MAIL.example.org.", True),
        ("imap.example.org", False),
        ("imap.example.net", True),
        ("a.imap.example.net", False),
        ("example.net", False),
        ("2001:DB8::0:1", True),
        ("192.0.2.26", False),
    ],
)
def test_names_are_covered_as_clients_see_it(name, covered):
    assert host_certificate.parse_x509(X509).covers(name) is covered


@pytest.mark.parametrize("name", ["", "a b", "a,DNS:evil", "-a.example.org", "a..b", "exämple.org", "a\nb", "[x]", "x" * 64])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(BadInput, match="neither a host name nor an address"):
        host_certificate.checked_names("mail.example.org", [name])


def test_names_come_once():
    assert host_certificate.checked_names("Mail.example.org", ["mail.example.org", "::1", "0::1"]) == ["mail.example.org", "::1"]


def test_a_long_host_name_is_no_common_name():
    name = ".".join(["label-of-17-chars"] * 4)
    assert "CN =" not in host_certificate.request_config([name], "ecdsa")
    assert f"DNS:{name}" in host_certificate.request_config([name], "ecdsa")


def test_a_pair_is_made_and_its_key_is_private(pair):
    found = host_certificate.inspect(run, pair.certificate, pair.private_key)
    assert found.ours
    assert found.names == tuple(NAMES)
    assert 89 < (found.not_after - time.time()) / 86400 <= 90
    assert stat.S_IMODE(os.stat(pair.private_key).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(pair.private_key)).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(pair.certificate).st_mode) == 0o644
    assert os.listdir(os.path.dirname(pair.private_key)) == ["k.pem"]


def test_a_renewal_keeps_the_key(other):
    with open(other.private_key) as f:
        key = f.read()
    before = host_certificate.inspect(run, other.certificate, other.private_key)
    other.write(run)
    after = host_certificate.inspect(run, other.certificate, other.private_key)
    with open(other.private_key) as f:
        assert f.read() == key
    assert after.fingerprint != before.fingerprint


def _damaged(pair, tmp_path, which, text):
    path = tmp_path / "damaged"
    path.write_text(text)
    return (str(path), pair.private_key) if which == "certificate" else (pair.certificate, str(path))


@pytest.mark.parametrize(
    ("which", "text", "cause", "words"),
    [
        ("certificate", "", host_certificate.CertificateUnusable, "no certificate in PEM format"),
        ("private key", "0\x82", host_certificate.CertificateUnusable, "no private key in PEM format"),
        (
            "certificate",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            host_certificate.CertificateUnusable,
            "cannot be loaded",
        ),
    ],
)
def test_unusable_files_are_named(pair, tmp_path, which, text, cause, words):
    certificate_path, key_path = _damaged(pair, tmp_path, which, text)
    with pytest.raises(cause, match=re.escape(words)) as caught:
        host_certificate.inspect(run, certificate_path, key_path)
    assert str(tmp_path / "damaged") in str(caught.value)


def test_a_key_of_another_certificate_is_refused(pair, other, tmp_path):
    with pytest.raises(host_certificate.KeyMismatch, match="does not belong to"):
        host_certificate.inspect(run, pair.certificate, other.private_key)
    same_kind = SelfSigned(str(tmp_path / "c"), str(tmp_path / "k"), NAMES, 90, "ecdsa")
    same_kind.write(run)
    with pytest.raises(host_certificate.KeyMismatch, match="does not belong to"):
        host_certificate.inspect(run, pair.certificate, same_kind.private_key)


def test_a_key_with_passphrase_is_refused_without_asking(pair, tmp_path):
    locked = str(tmp_path / "locked.pem")
    subprocess.run(["openssl", "pkey", "-in", pair.private_key, "-aes256", "-passout", "pass:x", "-out", locked], check=True)
    with pytest.raises(host_certificate.CertificateUnusable, match="passphrase"):
        host_certificate.inspect(run, pair.certificate, locked)


@pytest.mark.parametrize("gone", ["certificate", "private_key"])
def test_a_missing_file_is_named(pair, tmp_path, gone):
    paths = {"certificate": pair.certificate, "private_key": pair.private_key, gone: str(tmp_path / "none.pem")}
    with pytest.raises(host_certificate.CertificateMissing, match=r"none\.pem does not exist"):
        host_certificate.inspect(run, **paths)


def test_without_openssl_the_package_is_named(pair, tmp_path):
    with pytest.raises(HostError, match="install the package openssl"):
        host_certificate.inspect(missing, pair.certificate, pair.private_key)
    with pytest.raises(HostError, match="install the package openssl"):
        SelfSigned(str(tmp_path / "c"), str(tmp_path / "k"), NAMES, 90, "ecdsa").write(missing)
    assert os.listdir(tmp_path) == []


OURS = {"subject": "O=self-signed by postroom.mail", "issuer": "O=self-signed by postroom.mail", "names": ("a", "b")}
DAY = host_certificate.DAY


@pytest.mark.parametrize(
    ("found", "self_signed", "now", "todo"),
    [
        (None, True, 0, ("created", "there is none")),
        (certificate(**OURS, not_after=40 * DAY), True, 0, ("none", "")),
        (certificate(**OURS, not_after=40 * DAY), True, 10 * DAY + 1, ("renewed", "the one there ends on 1970-02-10T00:00:00Z")),
        (certificate(**{**OURS, "names": ("a", "c")}, not_after=40 * DAY), True, 0, ("renewed", "the one there is for a, c")),
        (certificate(**{**OURS, "names": ("a", "c")}, not_after=DAY), False, 0, ("none", "")),
        (certificate(names=("a", "c"), not_after=DAY), True, 0, ("none", "")),
    ],
    ids=["missing", "right", "ends soon", "other names", "self_signed is false", "somebody else's"],
)
def test_what_there_is_to_do(found, self_signed, now, todo):
    assert host_certificate.decide(found, ["b", "a"], self_signed, 30, now) == todo


def test_of_a_certificate_that_is_not_made_yet_the_names_are_known():
    assert host_certificate.describe(None, ["a"])["subject_alt_names"] == ["a"]
    assert host_certificate.describe(certificate(**OURS), ["a"])["not_after"] == "1970-01-01T00:01:40Z"


@pytest.mark.parametrize(
    ("action", "reason", "exposed", "path", "before", "after"),
    [
        ("none", "", False, "/c", "", ""),
        ("created", "there is none", False, "/c", "[there is none]\n", "a self-signed certificate for a, b, created\n"),
        ("none", "", True, "/k", "[readable for everybody]\n", "[readable for root only]\n"),
    ],
)
def test_the_diff_is_about_the_file_that_changes(action, reason, exposed, path, before, after):
    told = host_certificate.diff(SelfSigned("/c", "/k", ["a", "b"], 90, "ecdsa"), action, reason, exposed)
    assert told == {"before_header": path, "after_header": path, "before": before, "after": after}


@pytest.mark.parametrize(("now", "words"), [(100, "expired on 1970-01-01T00:01:40Z"), (-1, "is not valid before")])
def test_dates_are_checked(now, words):
    with pytest.raises(host_certificate.CertificateNotValidNow, match=words):
        host_certificate.check_dates(certificate(), "/c.pem", now)


def test_a_valid_date_passes():
    host_certificate.check_dates(certificate(), "/c.pem", 50)


def test_warnings(pair):
    day = host_certificate.DAY
    found = certificate(not_after=10 * day, names=("a.example.org",))
    told = list(host_certificate.warnings_about(found, pair, 30, 0))
    assert [text for text in told if "expires in 10 days" in text]
    assert [text for text in told if "is for a.example.org, not for mail.example.org" in text]
    assert list(host_certificate.warnings_about(certificate(not_after=40 * day, names=tuple(NAMES)), pair, 30, 0)) == []


def test_a_readable_key_is_a_warning(pair, tmp_path):
    key = tmp_path / "key"
    key.write_text("")
    key.chmod(0o644)
    readable = SelfSigned(pair.certificate, str(key), NAMES, 90, "ecdsa")
    (told,) = host_certificate.warnings_about(certificate(not_after=40 * host_certificate.DAY, names=tuple(NAMES)), readable, 30, 0)
    assert "readable for everybody" in told


def test_a_readable_key_of_our_own_is_closed_once_and_not_in_check_mode(tmp_path):
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    own = SelfSigned("unused", str(key), NAMES, 90, "ecdsa")
    assert host_certificate.close_key(own, True)
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
    assert host_certificate.close_key(own, False)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not host_certificate.close_key(own, False)
