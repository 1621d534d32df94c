# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import functools
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import shared_library
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Wanted, files

DEBIAN = ["/etc/sasl2/Sendmail.conf", "/etc/sasl/Sendmail.conf", "/usr/lib/sasl2/Sendmail.conf"]
RED_HAT = ["/usr/lib64/sasl2/Sendmail.conf", "/etc/sasl2/Sendmail.conf"]
SAMPLE = "# A sample.\npwcheck_method: saslauthd\n"
OWN = "pwcheck_method: auxprop\n"


@pytest.mark.parametrize(
    ("paths", "texts", "wanted"),
    [
        (DEBIAN, {}, DEBIAN[0]),
        (DEBIAN, {DEBIAN[2]: SAMPLE}, DEBIAN[0]),
        (DEBIAN, {DEBIAN[2]: OWN}, DEBIAN[2]),
        (DEBIAN, {DEBIAN[0]: OWN, DEBIAN[2]: OWN}, DEBIAN[0]),
        (DEBIAN, {DEBIAN[1]: "\n"}, DEBIAN[0]),
        (RED_HAT, {}, RED_HAT[1]),
        (RED_HAT, {RED_HAT[0]: OWN}, RED_HAT[0]),
        (["/usr/lib/sasl2/Sendmail.conf"], {}, "/usr/lib/sasl2/Sendmail.conf"),
    ],
)
def test_the_file_is_the_one_that_counts(paths, texts, wanted):
    assert sendmail_facts.config_path(paths, texts, SAMPLE) == wanted


class FakeLibrary:
    """A libsasl2 that asks about each file, and about plugins too."""

    def __init__(self):
        self.sasl_done = types.SimpleNamespace()
        self.ended = False
        # Unlike a method it can be told its argtypes.
        self.sasl_server_init = functools.partial(self.init)
        self.sasl_done = lambda: setattr(self, "ended", True)

    def init(self, callbacks, name):
        array = ctypes.cast(callbacks, ctypes.POINTER(sendmail_facts._Callback))
        assert array[0].id == sendmail_facts.CB_VERIFYFILE
        ask = sendmail_facts._VERIFY(array[0].proc)
        for directory in ("/etc/sasl2", "/usr/lib/sasl2"):
            assert ask(None, f"{directory}/{name.decode()}.conf".encode(), 1) == sendmail_facts.CONTINUE
        ask(None, b"/usr/lib/sasl2/libplain.so", 2)
        return 0


def test_the_library_tells_where_it_looks(monkeypatch):
    library = FakeLibrary()
    monkeypatch.setattr(shared_library, "load", lambda names, missing: library)
    assert sendmail_facts.candidates() == ["/etc/sasl2/Sendmail.conf", "/usr/lib/sasl2/Sendmail.conf"]
    assert library.ended


def test_without_the_library_it_is_where_it_will_look(monkeypatch):
    def load(names, missing):
        raise missing

    monkeypatch.setattr(shared_library, "load", load)
    assert sendmail_facts.candidates() == sendmail_facts.DEFAULT_CANDIDATES


@pytest.mark.parametrize(
    ("cf", "user"),
    [("O LogLevel=9\n", ""), ("O RunAsUser=smmta\n", "smmta"), ("O RunAsUser=smmta:smmsp\n", "smmta"), ("#O RunAsUser=smmta\n", "")],
)
def test_only_a_sendmail_that_is_not_root_needs_a_group(monkeypatch, cf, user):
    monkeypatch.setattr(sendmail_facts, "candidates", lambda: DEBIAN)
    place = sendmail_facts.place("Debian", True, lambda path: {"/etc/mail/sendmail.cf": cf}.get(path, ""))
    assert place.user == user
    assert (place.mta, place.chrooted, place.config_path) == ("sendmail", False, DEBIAN[0])


def test_the_socket_of_saslauthd_is_where_its_package_has_it(monkeypatch):
    monkeypatch.setattr(sendmail_facts, "candidates", lambda: DEBIAN)
    place = sasl_facts.place({}, "Debian", mta="sendmail")
    text = next(file.text for file in files(Wanted("saslauthd"), place) if file.path == place.config_path)
    assert "saslauthd_path" not in text
    assert "pwcheck_method: saslauthd\n" in text
