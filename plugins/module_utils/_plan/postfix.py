# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the role postfix, and its messages to the other roles. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._plan import (
    postfix_parameters,
    postfix_problems,
    postfix_services,
    postfix_tables,
    postfix_variables,
    proof,
)
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Offers, Part
from ansible_collections.postroom.mail.plugins.module_utils._postfix import owned_parameters
from ansible_collections.postroom.mail.plugins.module_utils._postfix.facts import NOT_INSTALLED

Variables = postfix_variables.Variables

LOOKS_UP_NAMES = True
# All that it may want to have installed.
PACKAGES = ("postfix", *postfix_tables.TYPE_PACKAGES.values(), "procmail")


def offers(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Offers:
    wishes = postfix_variables.in_full(variables, facts, offers)
    return dataclasses.replace(
        offers,
        myhostname=wishes["postfix_myhostname"],
        replace_mta=wishes["postfix_replace_mta"],
        recipient_delimiter=wishes["postfix_recipient_delimiter"],
        parameters_by_hand=wishes["postfix_parameters"],
        services_by_hand=wishes["postfix_services"],
        smtp_host=proof.address_to_greet(wishes["postfix_inet_interfaces"], wishes["postfix_inet_protocols"]),
    )


def plan(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Part:
    """Plan the part of the role. Before the host has answered, *facts* are empty: the names to look up do not depend on them."""
    postfix = {**NOT_INSTALLED, "managed_tables": [], "foreign_tables": [], **facts.get("postfix", {})}
    wishes = postfix_variables.in_full(variables, facts, offers)
    if not facts:
        return Part(problems=[], names_to_look_up=postfix_tables.names_to_look_up(wishes, variables, offers))
    addresses = postfix_tables.addresses(wishes, variables, facts, offers)
    types = postfix_tables.types_with_packages(wishes)
    # In check mode a package may have yet to be installed: then it is told that it would be, and no more of its tables.
    may_be_missing = types if variables.get("ansible_check_mode") and postfix["installed"] else []
    tables = postfix_tables.plan(wishes, postfix, addresses, [kind for kind in may_be_missing if kind not in postfix["map_types"]])
    to_build = [*postfix_tables.always(addresses), *tables.tables]
    always = postfix_parameters.always(wishes, postfix, offers, addresses)
    quota, quota_problems = postfix_parameters.quota(wishes, postfix, offers, tables.parameters.get("smtpd_recipient_restrictions"))
    others = facts.get("other_mail_servers", [])
    former = [server for server in others if server["installed"]]
    return Part(
        problems=[
            *owned_parameters.problems(wishes["postfix_parameters"], "postfix"),
            *addresses["problems"],
            *tables.problems,
            *quota_problems,
            *postfix_problems.unwritable(wishes["postfix_parameters"], wishes["postfix_services"]),
            *postfix_problems.foreign(wishes, postfix, facts.get("host", {}), to_build, always),
            *postfix_problems.limits(wishes, addresses),
        ],
        warnings=addresses["warnings"],
        packages=["postfix", *(postfix_tables.TYPE_PACKAGES[kind] for kind in types), *(["procmail"] if offers.procmail_command else [])],
        former_mail_servers=former,
        has_waiting_mail=wishes["postfix_replace_mta"] and any(server["queue"] for server in others),
        is_nameless=_is_nameless(postfix, facts.get("host", {})),
        names_to_look_up=addresses["look_up"],
        tables=[*to_build, *tables.former],
        parameters={**always, **postfix_parameters.at_times(wishes, postfix, offers, addresses), **tables.parameters, **quota},
        services=postfix_services.services(wishes, offers.procmail_command),
        probes=proof.of_smtp(offers.smtp_host, submission=wishes["postfix_submission"]),
    )


def _is_nameless(postfix: Facts, host: Facts) -> bool:
    """Tell if the package would make a myhostname of digits, which no program of Postfix takes, and its installation fail of it."""
    return host.get("os_family") == "Debian" and not postfix["installed"] and re.match(r"[0-9.]+$", str(host.get("fqdn"))) is not None
