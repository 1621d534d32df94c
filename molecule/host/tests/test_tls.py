# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TLS of a mail host's listeners."""

from __future__ import annotations

import pytest

DOORS = [pytest.param(25, True, id="25"), pytest.param(587, True, id="587")] + [
    pytest.param(port, False, id=str(port)) for port in (465, 993, 995)
]
CLIENT_DOORS = DOORS[1:]
# What a client's own TLS library says when it has nothing to offer: no verdict on the server.
NOT_EVEN_ASKED = {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "NO_CIPHER_MATCH"}


def is_refused(seen):
    """Dovecot 2.3 hangs up where others send an alert; either way there is no session."""
    return "version" not in seen and seen["error"] not in NOT_EVEN_ASKED


@pytest.mark.parametrize(("port", "starttls"), DOORS)
def test_modern_client_gets_tls_1_3(mail, outside, port, starttls):
    assert outside.ask("handshake", host=mail.fqdn, port=port, starttls=starttls)["version"] == "TLSv1.3"


@pytest.mark.parametrize(("port", "starttls"), DOORS)
def test_tls_1_1_is_refused(mail, outside, port, starttls):
    assert is_refused(outside.ask("handshake", host=mail.fqdn, port=port, starttls=starttls, tls_max="TLSv1_1"))


@pytest.mark.parametrize(("port", "starttls"), CLIENT_DOORS)
def test_tls_1_2_with_forward_secrecy_is_taken(mail, outside, port, starttls):
    """The positive control of the next test."""
    seen = outside.ask("handshake", host=mail.fqdn, port=port, starttls=starttls, tls_max="TLSv1_2")
    assert seen["version"] == "TLSv1.2"
    assert seen["cipher"].startswith("ECDHE-")
    assert "GCM" in seen["cipher"] or "CHACHA20" in seen["cipher"]


@pytest.mark.parametrize("ciphers", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
@pytest.mark.parametrize(("port", "starttls"), CLIENT_DOORS)
def test_weaker_ciphers_are_refused(mail, outside, port, starttls, ciphers):
    seen = outside.ask("handshake", host=mail.fqdn, port=port, starttls=starttls, tls_max="TLSv1_2", ciphers=ciphers)
    assert is_refused(seen)
