# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup tables that the role postfix wants, and where the addresses in them lead. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._addresses import plan as addresses_plan
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Options
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_variables import Variables
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import words
from ansible_collections.postroom.mail.plugins.module_utils._tables import plan as tables_plan

# What _addresses.plan has found out.
Addresses = t.Mapping[str, t.Any]

MAIL_ACCOUNTS = "/etc/postfix/mail_accounts"
VIRTUAL_MAILBOXES = "/etc/postfix/virtual_mailboxes"
# The parameters that name the tables that are not always there.
USES = {
    "virtual_mailbox_maps": VIRTUAL_MAILBOXES,
    "mailbox_transport_maps": "/etc/postfix/mailbox_transports",
    "relocated_maps": "/etc/postfix/relocated",
    "canonical_maps": "/etc/postfix/canonical",
    "sender_canonical_maps": "/etc/postfix/sender_canonical",
    "recipient_canonical_maps": "/etc/postfix/recipient_canonical",
    "smtp_generic_maps": "/etc/postfix/generic",
    "smtpd_client_restrictions": "check_client_access /etc/postfix/client_access",
    "smtpd_sender_restrictions": "check_sender_access /etc/postfix/sender_access",
    "smtpd_recipient_restrictions": "check_recipient_access /etc/postfix/recipient_access",
}
# The types of tables that come in packages of their own.
TYPE_PACKAGES = {kind: f"postfix-{kind}" for kind in ("cdb", "ldap", "lmdb", "mysql", "pcre", "pgsql", "sqlite")}
_PARENTS = "parent_domain_matches_subdomains"


def addresses(wishes: Variables, variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Addresses:
    """Return the destination of every address, and the mistakes in these."""
    by_hand, live = wishes["postfix_parameters"], facts.get("postfix", {}).get("parameters", {})
    parents = by_hand.get(_PARENTS)
    return addresses_plan.plan(
        wishes["postfix_aliases"],
        **_of_the_book(wishes, variables, facts, offers),
        relocated=wishes["postfix_relocated"],
        tables={
            "postfix_relocated": wishes["postfix_relocated"],
            "postfix_canonical": wishes["postfix_canonical"],
            "postfix_sender_canonical": wishes["postfix_sender_canonical"],
            "postfix_recipient_canonical": wishes["postfix_recipient_canonical"],
            "postfix_generic": wishes["postfix_generic"],
        },
        access={
            "postfix_client_access": wishes["postfix_client_access"],
            "postfix_sender_access": wishes["postfix_sender_access"],
            "postfix_recipient_access": wishes["postfix_recipient_access"],
        },
        classes=_words(by_hand.get("smtpd_restriction_classes")),
        relay_domains=offers.relayed_domains,
        commands=wishes["postfix_allow_mail_to_commands"],
        files=wishes["postfix_allow_mail_to_files"],
        uids=offers.mailbox_uids,
        without_mail=offers.accounts_without_mail,
        transports=wishes["postfix_mailbox_transports"],
        # Where it is not set, it names access tables.
        parents="smtpd_access_maps" in str(live.get(_PARENTS, "smtpd_access_maps") if parents is None else parents),
    )


def names_to_look_up(wishes: Variables, variables: t.Mapping[str, t.Any], offers: Offers) -> list[str]:
    """The names of which the host must say whether it has an account; they do not depend on its answers."""
    return addresses_plan.names_to_look_up(wishes["postfix_aliases"], **_of_the_book(wishes, variables, {}, offers))


def _of_the_book(wishes: Variables, variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> dict[str, t.Any]:
    """Return the inventory of addresses, in the words of _addresses.plan."""
    return {
        "virtual_aliases": wishes["postfix_virtual_aliases"],
        "users": variables["host_users"],
        "accounts": facts.get("accounts", {}),
        "system_aliases": facts.get("aliases", {}),
        "destinations": wishes["postfix_mydestination"],
        "virtual_domains": wishes["postfix_virtual_alias_domains"],
        "mailbox_domains": wishes["postfix_virtual_mailbox_domains"],
        "mailboxes": wishes["postfix_virtual_mailboxes"],
        "names": {
            "myhostname": wishes["postfix_myhostname"],
            "mydomain": wishes["postfix_mydomain"],
            "myorigin": wishes["postfix_myorigin"],
        },
        "delimiter": wishes["postfix_recipient_delimiter"],
        "fetched": offers.fetched_accounts,
    }


def _words(value: t.Any) -> list[str]:
    return [word for item in (value if isinstance(value, (list, tuple)) else [value]) for word in words(str(item or ""))]


def always(found: Addresses) -> list[Options]:
    """The tables that are there with entries or without."""
    return [
        {"path": "/etc/postfix/aliases", "format": "aliases", "entries": found["aliases"]},
        # The system's own aliases stay as they are; they only must not lack their compiled form.
        {"path": "/etc/aliases", "format": "aliases", "exclusive": False, "entries": {}},
        {"path": "/etc/postfix/virtual", "entries": found["virtual_aliases"]},
        # Of the host's accounts those that have mail, and those that have none.
        {"path": MAIL_ACCOUNTS, "type": "regexp", "entries": found["mail_account_rows"]},
        {"path": "/etc/postfix/other_accounts", "type": "regexp", "entries": found["other_account_rows"]},
    ]


def plan(wishes: Variables, postfix: Facts, found: Addresses, types_to_come: t.Collection[str]) -> tables_plan.Plan:
    """The tables that are there as long as they have entries, those of the inventory, and the parameters that name both."""
    entries = {
        VIRTUAL_MAILBOXES: {address: address for address in wishes["postfix_virtual_mailboxes"]},
        "/etc/postfix/relocated": wishes["postfix_relocated"],
        "/etc/postfix/canonical": wishes["postfix_canonical"],
        "/etc/postfix/sender_canonical": wishes["postfix_sender_canonical"],
        "/etc/postfix/recipient_canonical": wishes["postfix_recipient_canonical"],
        "/etc/postfix/generic": wishes["postfix_generic"],
        "/etc/postfix/client_access": wishes["postfix_client_access"],
        "/etc/postfix/sender_access": wishes["postfix_sender_access"],
        "/etc/postfix/recipient_access": found["recipient_access"],
        "/etc/postfix/mailbox_transports": wishes["postfix_mailbox_transports"],
    }
    # bob+lists@example.org is bob, for whom the accounts are asked; their answer is made an address again.
    rows = {"/etc/postfix/catch_all_names": found["name_rows"], "/etc/postfix/catch_all_accounts": found["account_rows"]}
    return tables_plan.plan(
        [
            *({"path": path, "entries": listed} for path, listed in entries.items()),
            *({"path": path, "type": "regexp", "entries": listed} for path, listed in rows.items()),
        ],
        USES,
        default_type=default_type(postfix),
        live=postfix["parameters"],
        managed=postfix["managed_tables"],
        more_tables=wishes["postfix_tables"],
        more_parameters=wishes["postfix_parameters"],
        services=wishes["postfix_services"],
        types_to_come=types_to_come,
    )


def default_type(postfix: Facts) -> str:
    """The type of table that this host's Postfix compiles by default."""
    return postfix["default_database_type"] or "hash"


def types_with_packages(wishes: Variables) -> list[str]:
    """Of the types that come in packages of their own those that the inventory's tables have."""
    used = [table.get("type") for table in wishes["postfix_tables"]]
    return [kind for kind in TYPE_PACKAGES if kind in used]
