# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes of an inventory in the variables of the role postfix, as sentences. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, Options
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_tables import Addresses
from ansible_collections.postroom.mail.plugins.module_utils._plan.postfix_variables import Variables
from ansible_collections.postroom.mail.plugins.module_utils._postfix import foreign_config, values
from ansible_collections.postroom.mail.plugins.module_utils._postfix.service import wanted_from
from ansible_collections.postroom.mail.plugins.module_utils._postfix.wide_networks import too_wide


def unwritable(parameters: t.Mapping[str, t.Any], services: t.Sequence[Options]) -> t.Iterator[str]:
    """Give a sentence for each value that no main.cf and no master.cf can hold. The modules find what only the host's Postfix knows."""
    for name, value in parameters.items():
        try:
            values.check_name(str(name))
            if value is not None:
                values.render(str(name), value)
        except BadInput as e:
            yield f"postfix_parameters: {e}"
    for service in services:
        try:
            wanted_from({"overrides": None, **service})
        except BadInput as e:
            yield f"postfix_services: {e}"


def foreign(
    wishes: Variables, postfix: Facts, host: Facts, tables: t.Sequence[Options], parameters: t.Mapping[str, t.Any]
) -> t.Iterator[str]:
    """Give a sentence for the settings and tables of somebody else that would be lost."""
    # On a host whose main.cf is this collection's already, with no table of anybody else beside it, there is nothing to look for.
    if wishes["postfix_replace_config"] or (postfix["managed_tables"] and not postfix["foreign_tables"]):
        return
    lost = foreign_config.lost(tables, parameters, postfix=postfix, host=host, by_hand=wishes["postfix_parameters"])
    if lost:
        yield (
            f"The Postfix of this host was set up by somebody else, and this would be lost: {'; '.join(lost)}. Carry it over into"
            " the inventory (mail_aliases, mail_virtual_aliases, mail_virtual_domains, postfix_mydestination, or postfix_parameters for a"
            " whole value), and set postfix_replace_config to true; main.cf and the tables are then kept as backups beside the new ones."
        )


def limits(wishes: Variables, found: Addresses) -> t.Iterator[str]:
    """Limits that hold nobody, or everybody."""
    if int(wishes["postfix_smtpd_client_auth_rate_limit"]) < 0:
        yield "postfix_smtpd_client_auth_rate_limit is less than 0: write how often a client may try to log in, or 0 for no limit."
    wide = [word for item in wishes["postfix_smtpd_client_event_limit_exceptions"] for word in too_wide(str(item))]
    if wide:
        yield (
            f"postfix_smtpd_client_event_limit_exceptions has {', '.join(wide)}, so that nearly everybody may guess passwords without"
            " limit: name the networks of your own clients, or set postfix_smtpd_client_auth_rate_limit to 0 where no limit is meant."
        )
    expansion = wishes["postfix_parameters"].get("virtual_alias_expansion_limit")
    if re.fullmatch(r"\s*-?[0-9]+\s*", str(expansion)) and int(str(expansion)) < found["expansion"]:
        yield (
            f"virtual_alias_expansion_limit in postfix_parameters is {expansion}, and a virtual alias comes to"
            f" {found['expansion']} addresses, so that all mail for it would be put off for ever: raise it, or leave it out."
        )
    # Of these no smtpd would start.
    if min(int(wishes["postfix_smtpd_soft_error_limit"]), int(wishes["postfix_smtpd_hard_error_limit"])) < 1:
        yield "postfix_smtpd_soft_error_limit or postfix_smtpd_hard_error_limit must be at least 1: write a number of errors."
