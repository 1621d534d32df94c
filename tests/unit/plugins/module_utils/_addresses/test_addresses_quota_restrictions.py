# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._addresses.quota_restrictions import plan
from ansible_collections.postroom.mail.plugins.module_utils._postfix import restrictions

NAMES = {"mydomain": "example.org", "myhostname": "mail.example.org"}
ASKED = "check_recipient_access inline:{example.org=ask_quota}"


@pytest.mark.parametrize(
    ("domains", "more", "classes", "told"),
    [
        pytest.param(["Example.org"], {}, ["ask_quota"], [ASKED], id="one domain"),
        pytest.param(
            ["$myhostname", "$mydomain", "shop.example", "hash:/etc/more"],
            {},
            ["ask_quota"],
            ["check_recipient_access inline:{mail.example.org=ask_quota, example.org=ask_quota, shop.example=ask_quota}"],
            id="several",
        ),
        pytest.param(
            ["example.org"],
            {"others": ["lists.example.org", "elsewhere.example", "example.org", "myexample.org"]},
            ["ask_quota"],
            ["check_recipient_access inline:{example.org=ask_quota, lists.example.org=DUNNO}"],
            id="another's below it",
        ),
        pytest.param(["example.org"], {"planned": "check_x y"}, ["ask_quota"], ["check_x y", ASKED], id="after what is there"),
        pytest.param(
            ["example.org"], {"live": {"smtpd_restriction_classes": "mine, theirs"}}, ["mine", "theirs", "ask_quota"], [ASKED], id="classes"
        ),
        pytest.param(["example.org"], {"live": {"smtpd_restriction_classes": "ask_quota"}}, ["ask_quota"], [ASKED], id="again"),
        pytest.param(
            ["example.org"],
            {"by_hand": {"smtpd_restriction_classes": ["mine"]}, "live": {"smtpd_restriction_classes": "old"}},
            ["mine", "ask_quota"],
            [ASKED],
            id="classes of the inventory",
        ),
        pytest.param(["example.org"], {"by_hand": {"smtpd_recipient_restrictions": "permit"}}, ["ask_quota"], "permit", id="by hand"),
        pytest.param([], {"live": {"smtpd_restriction_classes": "ask_quota"}}, None, None, id="no more"),
        pytest.param(
            [], {"live": {"smtpd_restriction_classes": "mine ask_quota"}, "planned": "x y"}, ["mine"], ["x y"], id="no more of ours"
        ),
    ],
)
def test_who_is_asked_about(domains, more, classes, told):
    found = plan(domains, names=NAMES, **more)
    assert found == {"classes": classes, "restrictions": told, "problems": []}
    if isinstance(told, list) and "check_x y" not in told and told != ["x y"]:
        restrictions.check("smtpd_recipient_restrictions", ", ".join(told), classes or [], lambda _name: False)


@pytest.mark.parametrize(
    ("live", "complained"),
    [
        ("check_client_access hash:/etc/mine", True),
        ("check_recipient_access inline:{example.org=ask_quota}", False),
        ("check_recipient_access hash:/etc/postfix/recipient_access", False),
        ("", False),
    ],
)
def test_nobody_elses_restrictions_are_replaced(live, complained):
    found = plan(["example.org"], live={"smtpd_recipient_restrictions": live})["problems"]
    assert len(found) == complained
    assert all("postconf -X smtpd_recipient_restrictions" in said for said in found)
    assert plan([], live={"smtpd_recipient_restrictions": live})["problems"] == []
    # Whoever planned the others says what they would replace.
    assert plan(["example.org"], live={"smtpd_recipient_restrictions": live}, planned="check_x y")["problems"] == []
