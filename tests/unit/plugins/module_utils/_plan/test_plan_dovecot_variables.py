# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_variables import completed
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Offers
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils._plan.dovecot_play import MAILBOXES, MARIADB, VARIABLES, facts


def value_of(variable, there, said, **variables):
    return completed({**VARIABLES, **variables}, there, Offers(**said))[variable]


@pytest.mark.parametrize(
    ("there", "said", "variable", "value"),
    [
        (facts(), {}, "listen", ["*", "::"]),
        (facts({"ipv6": False}), {}, "listen", ["*"]),
        ({}, {}, "listen", ["*"]),
        (facts(), {}, "recipient_delimiter", "+"),
        (facts(), {"recipient_delimiter": "-"}, "recipient_delimiter", "-"),
        (facts(), {}, "auth_penalty", False),
        (facts(), {"sasl_provider": "sasldb"}, "auth_penalty", True),
        (facts(), {}, "virtual_users", []),
        (facts(), {"virtual_mailboxes": MAILBOXES}, "virtual_users", MAILBOXES["accounts"]),
        (facts(), {}, "sieve", False),
        (facts(), {"sieve": True}, "sieve", True),
        (facts(), {"sieve_before": ["/a"]}, "sieve_before", ["/a"]),
        (facts(), {"sieve_after": ["/b"]}, "sieve_after", ["/b"]),
        (facts(), {}, "sieve_max_redirects", 4),
        (facts(), {"sieve_max_redirects": 9}, "sieve_max_redirects", 9),
        (facts(), {}, "managesieve", False),
        (facts(), {"managesieve": True}, "managesieve", True),
        (facts(), {"myhostname": "mx.example.org"}, "hostname", "mail.example.org"),
        (facts(), {}, "postmaster_address", "postmaster@example.org"),
        (facts(), {}, "tls_certificate", "/etc/ssl/mail.pem"),
        (facts(), {}, "tls_private_key", "/etc/ssl/mail.key"),
        (facts(), {}, "mail_privileged_group", ""),
        (facts(), {}, "auth_worker_limit", 100),
    ],
)
def test_what_the_inventory_does_not_say_the_host_and_the_other_roles_say(there, said, variable, value):
    name = f"dovecot_{variable}"
    assert VARIABLES[name] is None
    assert value_of(name, there, said) == value
    without = {other: said for other, said in VARIABLES.items() if other != name}
    assert completed(without, there, Offers(**said))[name] == value
    for own in ("mine", "", [], False, 0):
        assert value_of(name, there, said, **{name: own}) == own


@pytest.mark.parametrize(
    ("variables", "variable", "value"),
    [
        ({"dovecot_mail_location": "mbox:~/mail:INBOX=/var/mail/%u"}, "mail_privileged_group", "mail"),
        ({"dovecot_mail_location": "sdbox:~/mbox:"}, "mail_privileged_group", ""),
        ({"dovecot_mail_location": "mbox:~/mail", "dovecot_mail_privileged_group": ""}, "mail_privileged_group", ""),
        # With its own each process would have connections to the servers that these may not have to spare.
        ({"dovecot_databases": [MARIADB]}, "auth_worker_limit", 30),
        ({"dovecot_databases": [MARIADB], "dovecot_auth_worker_limit": 7}, "auth_worker_limit", 7),
        ({"host_fqdn": "mx.example.net"}, "hostname", "mx.example.net"),
        ({"host_domain": "example.net"}, "postmaster_address", "postmaster@example.net"),
    ],
)
def test_what_its_own_variables_say_of_each_other(variables, variable, value):
    assert value_of(f"dovecot_{variable}", facts(), {}, **variables) == value
