# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf, sieve
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import DIALECTS, V23, V24
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.findings import problems
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable

SCRIPTS = {
    "before": ["/etc/dovecot/sieve/before.sieve", "/etc/dovecot/sieve/users/%{user}.sieve"],
    "after": ["/etc/dovecot/sieve/after.sieve"],
}
DATABASES = {"passdb": [{"driver": "pam"}], "userdb": [{"driver": "passwd"}]}


def test_the_settings_of_2_3():
    assert sieve.settings({**SCRIPTS, "max_redirects": 32}, V23) == {
        "lda_mailbox_autocreate": True,
        "lda_mailbox_autosubscribe": True,
        "plugin": {
            "sieve": "file:~/sieve;active=~/.dovecot.sieve",
            "sieve_before": "/etc/dovecot/sieve/before.sieve",
            "sieve_before2": "/etc/dovecot/sieve/users/%u.sieve",
            "sieve_after": "/etc/dovecot/sieve/after.sieve",
            "sieve_max_redirects": 32,
        },
        "protocol lmtp": {"mail_plugins": ["$mail_plugins", "sieve"]},
    }


def test_the_settings_of_2_4():
    told = sieve.settings({**SCRIPTS, "max_redirects": 32}, V24)
    assert told["sieve_max_redirects"] == 32
    assert told["protocol lmtp"] == {"mail_plugins": {"sieve": True}}
    blocks = {key: value for key, value in told.items() if key.startswith("sieve_script ")}
    assert {(block["type"], block["path"], block.get("precedence")) for block in blocks.values()} == {
        ("before", "/etc/dovecot/sieve/before.sieve", 1),
        ("before", "/etc/dovecot/sieve/users/%{user}.sieve", 2),
        ("personal", "~/sieve", None),
        ("after", "/etc/dovecot/sieve/after.sieve", 1),
    }
    assert blocks["sieve_script personal"]["active_path"] == "~/.dovecot.sieve"


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_scripts_of_users_alone(dialect):
    told = str(sieve.settings({}, dialect))
    assert "~/.dovecot.sieve" in told
    assert not any(word in told for word in ("before", "after", "redirects"))


@pytest.mark.parametrize("path", ["before.sieve", "~/x.sieve", "", "/a;name=b", "/a\nsieve_plugins = x", None])
@pytest.mark.parametrize("kind", ["before", "after"])
def test_what_is_no_path(kind, path):
    with pytest.raises(Untranslatable, match=f"dovecot_sieve_{kind} has .* which is no path of a script"):
        sieve.settings({kind: [path]}, V24)


@pytest.mark.parametrize(("version", "plugins"), [("2.3.19", "mail_plugins = $mail_plugins sieve"), ("2.4.1", "sieve = yes")])
def test_it_goes_with_the_quota_and_can_be_written(version, plugins):
    neutral = {
        "protocols": ["imaps", "lmtp", "sieve"],
        "ports": {"sieve": 4191, "imaps": 993},
        "quota": {"limit": "1G"},
        "sieve": SCRIPTS,
        "mail_max_userip_connections": 20,
    }
    told = translate(neutral, version)
    text = conf.render_wanted(conf.wanted_from(told))
    assert plugins in text
    assert "quota = count:User quota" in text or 'quota "User quota"' in text
    # Where 2.3 puts in what "$mail_plugins" stands for, it has to have read that.
    assert list(told).index("mail_plugins") < list(told).index("protocol lmtp")
    assert told["protocols"] == ["imap", "lmtp", "sieve"]
    assert told["service managesieve-login"] == {"inet_listener sieve": {"port": 4191}}
    without = conf.render_wanted(conf.wanted_from(translate({**neutral, "sieve": None, "protocols": ["imaps", "lmtp"]}, version)))
    assert "sieve" not in without


@pytest.mark.parametrize(
    ("neutral", "words"),
    [
        ({"protocols": ["lmtp", "sieve"], "sieve": {}}, None),
        ({"protocols": ["lmtp", "sieve"], "sieve": SCRIPTS}, None),
        ({"protocols": ["lmtp"], "sieve": None}, None),
        ({"protocols": ["lmtp", "sieve"]}, "dovecot_managesieve is true, but dovecot_sieve is not"),
        ({"protocols": ["imaps"], "sieve": {}}, "dovecot_lmtp_listeners is empty"),
        (
            {"protocols": ["lmtp"], "sieve": {"after": ["after.sieve"]}},
            "dovecot_sieve_after has 'after.sieve', which is no path of a script",
        ),
    ],
)
@pytest.mark.parametrize("version", ["2.3.19", "2.4.1"])
def test_what_is_wrong_with_it(neutral, words, version):
    found = problems({**DATABASES, **neutral}, version)
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def test_the_port_of_managesieve_is_looked_at_as_the_others():
    neutral = {**DATABASES, "protocols": ["lmtp", "sieve"], "sieve": {}, "listen": ["*"]}
    stranger = {"address": "0.0.0.0", "port": 4190, "process": "nginx"}
    assert problems(neutral, "2.4.1", listeners=[stranger]) == [
        "dovecot_ports: sieve would listen on port 4190, which another program of this host (nginx) has; give it another one."
    ]
    assert problems({**neutral, "ports": {"sieve": 4191}}, "2.4.1", listeners=[stranger]) == []
