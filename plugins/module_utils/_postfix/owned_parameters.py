# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Parameters of main.cf that postfix_parameters must not set, because another variable does. Pure.

The role postfix writes postfix_parameters. A parameter that another role writes as well would change with each run, and the
right to relay could change with it. tests/house compares these tables with the parameters that the roles write.
"""

from __future__ import annotations

import typing as t

_MODE, _SMARTHOSTS, _DOMAINS = "relay_policy_mode", "relay_policy_smarthosts", "relay_policy_domains"

# By role: the parameter, and the variable to use instead.
VARIABLES: dict[str, dict[str, str]] = {
    # Those by whose variables other parts of the collection go.
    "postfix": {
        "ask_quota": "postfix_quota_service",
        **{
            name: f"postfix_{name}"
            for name in (
                "inet_interfaces",
                "inet_protocols",
                "mydestination",
                "mydomain",
                "myhostname",
                "myorigin",
                "virtual_alias_domains",
                "virtual_mailbox_domains",
            )
        },
    },
    "relay_policy": {
        "mynetworks": "mail_networks",
        "mynetworks_style": _MODE,
        "smtpd_relay_restrictions": _MODE,
        "relay_domains": _DOMAINS,
        "relay_recipient_maps": _DOMAINS,
        "transport_maps": "relay_policy_transport",
        "relayhost": _SMARTHOSTS,
        "default_transport": _SMARTHOSTS,
        "sender_dependent_default_transport_maps": _SMARTHOSTS,
        "smtp_sasl_auth_enable": _SMARTHOSTS,
        "smtp_sasl_password_maps": _SMARTHOSTS,
        "smtp_sender_dependent_authentication": _SMARTHOSTS,
        "smtp_tls_policy_maps": _SMARTHOSTS,
        "smtp_tls_CAfile": "relay_policy_ca_file",
    },
    "sasl": {
        "smtpd_sasl_auth_enable": "sasl_auth_on_port_25",
        "smtpd_sasl_type": "sasl_provider",
        "smtpd_sasl_path": "sasl_path",
        "smtpd_sasl_local_domain": "sasl_realm",
        "smtpd_sender_login_maps": "sasl_aliases and sasl_virtual_aliases",
        "broken_sasl_auth_clients": "sasl_broken_auth_clients",
    },
}
# Parameters without a variable: the administrator's value stands, and the role does not write its own.
WITHOUT_VARIABLE = {
    "relay_policy": {"smtp_sasl_tls_security_options"},
    "sasl": {"smtpd_sasl_security_options", "smtpd_sasl_tls_security_options", "smtpd_tls_auth_only"},
}


def problems(by_hand: t.Iterable[str], role: str, written: t.Container[str] | None = None) -> list[str]:
    """Report each parameter in *by_hand* that *role* owns; one that the role writes only sometimes counts if it is *written*."""
    return [
        f"postfix_parameters sets {name}, which the role {role} owns: use {VARIABLES[role][name]}."
        for name in by_hand
        if name in VARIABLES[role] and (written is None or name in written)
    ]
