# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import EXAMPLE, OWN, PUBLIC, Target, forms, names

SMALLEST = Target("example.org")
HOSTS = {
    "all of it": EXAMPLE,
    "a domain alone": SMALLEST,
    "one name for both": Target("example.org", "Example.ORG"),
    "IPv4": Target("example.org", "mail.example.org", ("192.0.2.1",)),
    "IPv6": Target("example.org", "mail.example.org", ("2001:db8::2", "2001:db8::3")),
    "beyond ASCII": Target("bücher.example", "post.bücher.example"),
}


def envelopes(target):
    return {(f.sender, f.recipient) for f in forms(target)}


@pytest.mark.parametrize("target", HOSTS.values(), ids=HOSTS)
def test_battery(target):
    target.check()
    battery = forms(target)
    assert len(battery) >= 60
    assert len({f.name for f in battery}) == len(battery)
    assert len({(f.sender, f.recipient, f.helo, f.before) for f in battery}) == len(battery)
    assert {f.name for f in battery} <= names()
    assert {f.origin for f in battery} == {PUBLIC, OWN}
    for form in battery:
        # Nothing is smuggled into the dialogue, and nothing is a table's own character.
        assert not re.search(r"[\x00-\x1f\x7f|]", f"{form.sender}{form.recipient}{form.helo}{form.before}")
        assert re.fullmatch(r"[A-Z][^\n|]*\.", form.tries)
        # Every form wants to get something somewhere where the host has no business.
        assert "example.com" in form.recipient.lower() or form.family in ("domain", "syntax", "gateway"), form


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("<>", "<somebody@example.com>"),
        ("<stranger@example.net>", "<somebody@example.com>"),
        ("<somebody@example.com>", "<somebody@example.com>"),
        ("<postmaster>", "<somebody@example.com>"),
        ("<postmaster@mail.example.org>", "<somebody@example.com>"),
        ("<postmaster@[198.51.100.25]>", "<somebody@example.com>"),
        ("<root@localhost>", "<somebody@example.com>"),
        *(
            ("<stranger@example.net>", recipient)
            for recipient in (
                "<somebody%example.com@[198.51.100.25]>",
                "<somebody%example.com@mail.example.org>",
                '<"somebody@example.com">',
                '<"somebody%example.com">',
                "<somebody@example.com@[198.51.100.25]>",
                "<somebody@example.com@[IPv6:2001:db8::1]>",
                '<"somebody@example.com"@[198.51.100.25]>',
                "<somebody@example.com@mail.example.org>",
                '<"somebody@example.com"@mail.example.org>',
                "<@[198.51.100.25]:somebody@example.com>",
                "<@mail.example.org:somebody@example.com>",
                "<@example.org,@localhost:somebody@example.com>",
                "<example.com!somebody>",
                "<example.com!somebody@[198.51.100.25]>",
                "<example.com!somebody@mail.example.org>",
                "<somebody@example.com@>",
                "<somebody%example.com>",
                '<"somebody@example.com"@example.edu>',
                "<somebody@no-such-host.example.org>",
                "<somebody@no-such-host.example.edu>",
                "<somebody@example.com.>",
                "<SOMEBODY@EXAMPLE.COM>",
                "<example.com!somebody%localhost@example.org>",
                "somebody@example.com",
                "<<somebody@example.com>>",
                "<somebody@example。com>",
            )
        ),
    ],
)
def test_what_others_have_tried_is_tried(sender, recipient):
    assert (sender, recipient) in envelopes(EXAMPLE)


@pytest.mark.parametrize(
    ("recipient", "own"),
    [
        ("<somebody%example.com@example.org>", True),
        ("<somebody%example.com@EXAMPLE.ORG>", True),
        ("<somebody%example.com@mail.example.org>", True),
        ("<somebody%example.com@[198.51.100.25]>", True),
        ("<somebody%example.com@[IPv6:2001:db8::1]>", True),
        ("<somebody%example.com@localhost>", True),
        ('<"somebody@example.com"@example.edu>', True),
        ("<somebody@example.com@example.org>", True),
        ("<somebody\\@example.com@example.org>", True),
        ("<@example.org:somebody%example.com@example.org>", True),
        ("<@example.org:somebody@example.com>", False),
        ("<somebody%example.com@no-such-host.example.org>", False),
        ("<somebody%example.com>", False),
        ("<example.com!somebody>", False),
        ('<"somebody@example.com">', False),
        ('<"somebody@example.org">', False),
        ("<somebody@example.com@>", False),
        ("<somebody@example.org@example.com>", False),
        ("<somebody@not-example.org>", False),
        ("<somebody@example.com> ORCPT=rfc822;postmaster@example.org", False),
        ('"postmaster@example.org" <somebody@example.com>', False),
        ("<somebody@example.com(@example.org)>", False),
        ("somebody@example.com", False),
    ],
)
def test_which_recipients_a_catch_all_may_keep(recipient, own):
    assert EXAMPLE.owns(recipient) is own


def test_what_is_not_known_about_the_host_is_left_out():
    assert not any("literal" in f.name for f in forms(SMALLEST) if "foreign" not in f.name)
    assert not any("host name" in f.name or "second domain" in f.name for f in forms(SMALLEST))
    v6 = [f for f in forms(HOSTS["IPv6"]) if "2001:db8::2]" in f.recipient + f.sender]
    assert len(v6) == 6
    assert not any("2001:db8::3" in f.recipient + f.sender for f in forms(HOSTS["IPv6"]))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"domain": "localhost"}, "domain 'localhost' is not a domain name of two or more parts."),
        ({"domain": "example.org>\r\nDATA"}, "is not a domain name"),
        ({"hostname": "192.0.2.1]"}, "hostname '192.0.2.1]' is not"),
        ({"other_domain": "@example.edu"}, "other_domain '@example.edu' is not"),
        ({"other_domain": "Example.org"}, "other_domain 'Example.org' is the host's main domain or name again"),
        ({"other_domain": "mail.example.org"}, "is the host's main domain or name again"),
        ({"addresses": ("mail.example.org",)}, "addresses has 'mail.example.org', which is neither"),
        ({"elsewhere": "example.com"}, "elsewhere 'example.com' is not a plain mail address"),
        ({"elsewhere": "a%b@example.com"}, "is not a plain mail address"),
        ({"stranger": "a@example.net> SIZE=1"}, "stranger 'a@example.net> SIZE=1' is not"),
        ({"elsewhere": "alice@example.org"}, "elsewhere 'alice@example.org' lies in example.org, which is the host's own"),
        ({"elsewhere": "alice@lists.Example.org"}, "lies in example.org"),
        ({"stranger": "x@example.edu"}, "stranger 'x@example.edu' lies in example.edu"),
    ],
)
def test_bad_input(more, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        dataclasses.replace(EXAMPLE, **more).check()


def test_domain_that_only_ends_alike_is_elsewhere():
    dataclasses.replace(EXAMPLE, elsewhere="x@not-example.org").check()
