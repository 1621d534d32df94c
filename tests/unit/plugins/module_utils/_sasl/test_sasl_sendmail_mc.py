# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._sasl import sendmail_mc as mc

OWN = "divert(0)dnl\nDAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl\nMAILER(`smtp')dnl\n"
WANTED = mc.Wanted(realm="mail.example.org", certificate="/etc/ssl/certs/mail.pem", private_key="/etc/ssl/private/mail.key")
SOURCE = "/etc/mail/sendmail.mc"


def test_the_block_stands_at_the_end_as_comments_of_m4():
    text = mc.BLOCK.put(OWN, mc.block(WANTED))
    assert text.startswith(OWN + "dnl BEGIN: managed by postroom.mail;")
    assert text.endswith("\ndnl END: managed by postroom.mail\n")


@pytest.mark.parametrize(
    ("change", "line", "there"),
    [
        ({}, "DAEMON_OPTIONS(`Family=inet, Name=MSA, Port=submission, M=Ea')dnl\n", True),
        ({}, "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl\n", True),
        ({}, "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl\n", True),
        ({}, "define(`confAUTH_OPTIONS', `A p y')dnl\n", True),
        ({}, "define(`confAUTH_REALM', `mail.example.org')dnl\n", True),
        ({"realm": ""}, "confAUTH_REALM", False),
        ({"mechanisms": ["plain", "PLAIN", "cram-md5"]}, "`PLAIN CRAM-MD5'", True),
        ({}, "define(`confSERVER_KEY', `/etc/ssl/private/mail.key')", True),
        ({}, ", M=A'", True),
        ({"auth_on_port_25": True}, ", M=A'", False),
        ({}, "confDONT_BLAME_SENDMAIL", False),
        ({"blamed": ["GroupReadableKeyFile", "GroupReadableSASLDBFile"]}, "`GroupReadableKeyFile,GroupReadableSASLDBFile')dnl\n", True),
    ],
)
def test_the_block_says_what_is_wanted(change, line, there):
    assert (line in mc.block(WANTED._replace(**change))) == there


def test_the_quotes_of_the_block_are_balanced():
    text = mc.block(WANTED._replace(blamed=["GroupReadableKeyFile"]))
    depth = 0
    for letter in text:
        depth += {"`": 1, "'": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("family", ["inet", "inet6"])
def test_the_door_is_of_the_family_that_was_asked_for(family):
    assert f"Family={family}, Name=MSA," in mc.block(WANTED, family)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mechanisms": ["PLAIN')dnl"]}, "no name of a SASL mechanism"),
        ({"mechanisms": []}, "nobody could log in"),
        ({"realm": "exam'ple"}, "cannot be a realm"),
        ({"certificate": "/etc/ssl/my cert.pem"}, "without blanks and quotes"),
        ({"private_key": "key.pem"}, "absolute path"),
    ],
)
def test_bad_input_is_said_in_one_sentence(change, said):
    with pytest.raises(BadInput, match=said):
        mc.check(WANTED._replace(**change))


def test_good_input_passes():
    mc.check(WANTED)


def test_comments_and_empty_lines_have_no_effect():
    assert mc.effective("##### built by root on Sunday\n\nO LogLevel=9\nR$*\t\t$: x \n") == ["O LogLevel=9", "R$*\t\t$: x"]


@pytest.mark.parametrize(
    ("cf", "family"),
    [
        ("", "inet"),
        ("O DaemonPortOptions=Name=MTA\n", "inet"),
        ("O DaemonPortOptions=Family=inet, Name=MTA-v4, Port=smtp\n", "inet"),
        ("O DaemonPortOptions=Family=inet6, Name=MTA, Port=smtp\n", "inet6"),
        ("O DaemonPortOptions=Name=MTA, family = inet6\n", "inet6"),
        # One that serves IPv6 on one address only has others beside it.
        ("O DaemonPortOptions=Family=inet6, Name=MTA-v6, Port=smtp, Addr=::1\n", "inet"),
        ("O DaemonPortOptions=Family=inet6, Name=MSA, Port=submission\n", "inet"),
    ],
)
def test_the_family_is_that_of_the_other_doors(cf, family):
    assert mc.family(cf) == family


@pytest.mark.parametrize(
    ("cf", "said"),
    [
        ("O LogLevel=9\n#O AuthMechanisms=PLAIN\n", ""),
        ("O AuthMechanisms=PLAIN\n", "O AuthMechanisms=PLAIN"),
        ("C{TrustAuthMech}PLAIN LOGIN\n", "C{TrustAuthMech}PLAIN LOGIN"),
    ],
)
def test_auth_that_somebody_else_has_set_up_is_seen(cf, said):
    assert mc.own_auth(cf) == said


def test_a_copy_of_the_source_is_kept_up_where_there_is_one():
    live = f"O LogLevel=9\n### {SOURCE} ###\n# dnl old\n"
    assert mc.built("a\nb\n", "O LogLevel=9\n", live, SOURCE) == f"O LogLevel=9\n### {SOURCE} ###\n# a\n# b\n"
    assert mc.built("a\nb\n", "O LogLevel=9\n", "O LogLevel=9\n", SOURCE) == "O LogLevel=9\n"


@pytest.mark.parametrize(
    ("live", "other", "said"),
    [
        (["a", "b"], ["a"], "it has the line 'b'"),
        (["a"], ["a", "b"], "it lacks the line 'b'"),
        (["a", "b"], ["b", "a"], "its lines stand in another order"),
    ],
)
def test_a_difference_is_told_by_a_line(live, other, said):
    assert mc.difference(live, other) == said
