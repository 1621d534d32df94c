# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialect import translate
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import V23, V24
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.username import username_format
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Untranslatable

NEUTRAL = "%{user|username|lower}"


@pytest.mark.parametrize(
    ("neutral", "keep", "old", "new"),
    [
        pytest.param(NEUTRAL, [], "%Ln", NEUTRAL, id="no domain is kept"),
        pytest.param(
            NEUTRAL,
            ["shop.example", "Two.Example", "shop.example"],
            "%Ln%{if;%Ld;eq;shop.example;@shop.example;}%{if;%Ld;eq;two.example;@two.example;}",
            f'{NEUTRAL}%{{user | domain | lower | if("eq", "shop.example", "@shop.example", "")}}'
            '%{user | domain | lower | if("eq", "two.example", "@two.example", "")}',
            id="two",
        ),
        pytest.param("%Ln", ["a.example"], "%Ln%{if;%Ld;eq;a.example;@a.example;}", None, id="written the short way"),
        pytest.param("%{user|lower}", ["a.example"], "%Lu", "%{user|lower}", id="the whole name anyway"),
        pytest.param("%{user}", ["a.example"], "%u", "%{user}", id="the whole name as it is"),
        pytest.param("%{user|username}@%{user|domain|lower}", ["a.example"], "%n@%Ld", None, id="put together"),
    ],
)
def test_the_domain_stays_where_it_is_part_of_the_name(neutral, keep, old, new):
    assert username_format(neutral, keep, V23) == old
    assert new is None or username_format(neutral, keep, V24) == new


@pytest.mark.parametrize("domain", ["", "a b", "a;b", 'a"b', "a}", "%{x}", "$mydomain", "a..b", "-", ".example", "a.example\n"])
def test_nothing_but_a_domain_gets_into_the_format(domain):
    with pytest.raises(Untranslatable, match="is not a domain"):
        username_format(NEUTRAL, [domain], V24)


def test_it_is_part_of_the_translation():
    neutral = {"auth_username_format": NEUTRAL, "auth_username_keep_domains": ["a.example"]}
    assert translate(neutral, "2.3.19") == {"auth_username_format": "%Ln%{if;%Ld;eq;a.example;@a.example;}"}
    without = translate({**neutral, "auth_username_keep_domains": []}, "2.4.1")
    assert without["auth_username_format"] == NEUTRAL
    assert "auth_username_keep_domains" not in without
