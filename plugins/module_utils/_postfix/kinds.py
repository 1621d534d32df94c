# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The kinds of values of Postfix parameters: by the default on this host, and by postconf(5) for the rest.

Postfix itself checks a value only when the program that uses it starts: by then the mail host no longer answers.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

KindName = t.Literal["boolean", "number", "time", "word", "list", "choice", "choices", "text"]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind with its `name`; choice (one of them) and choices (a list of them) also have the words to choose from."""

    name: KindName
    choices: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        return self.name in ("list", "choices")


def _choice(choices: str) -> Kind:
    return Kind("choice", tuple(choices.split()))


def _choices(choices: str) -> Kind:
    return Kind("choices", tuple(choices.split()))


_CLIENT_LEVELS = "none may encrypt dane dane-only fingerprint verify secure"
_ADDRESS_CLASSES = "envelope_sender envelope_recipient header_sender header_recipient"
_LOCKS = "fcntl flock dotlock"
_TEMPFAIL = "defer defer_if_permit"

# Enumerations, from postconf(5): a pattern for the name, and what the value may be. The first match counts.
_ENUMERATIONS: tuple[tuple[str, Kind], ...] = (
    (r"(smtpd|tlsproxy|postscreen)_tls_security_level", _choice("none may encrypt")),
    (r"(smtp|lmtp)_tls_security_level|tlsproxy_client_(security_)?level", _choice(_CLIENT_LEVELS)),
    (r"\w+_tls_(mandatory_)?ciphers", _choice("export low medium high null")),
    (r"\w+_eecdh_grade", _choice("none auto strong ultra")),
    (
        r"\w+_loglevel",
        _choices("0 1 2 3 4 none routine debug ssl-expert ssl-developer summary untrusted peercert certmatch verbose cache ssl-debug"),
    ),
    (r"\w+_tls_dane_insecure_mx_policy", _choice("may encrypt dane")),
    (r"\w+_sasl(_\w+)?_security_options", _choices("noplaintext noactive nodictionary noanonymous forward_secrecy mutual_auth")),
    (r"inet_protocols", _choices("all ipv4 ipv6")),
    (r"mynetworks_style", _choice("host subnet class")),
    (r"(smtp|lmtp)_address_preference", _choice("any ipv4 ipv6")),
    (r"(smtp|lmtp)_host_lookup", _choices("dns native")),
    (r"(smtp|lmtp)_dns_support_level", _choice("disabled enabled dnssec")),
    (r"(smtp|lmtp)_address_verify_target", _choice("rcpt data")),
    (r"smtpd_forbid_bare_newline", _choice("yes no normalize note reject")),
    (r"postscreen_\w+_action", _choice("ignore enforce drop")),
    (r"(\w+_)?tempfail_action", _choice(_TEMPFAIL)),
    (r"milter_default_action", _choice("accept reject tempfail quarantine shutdown")),
    (r"notify_classes", _choices("bounce 2bounce data delay policy protocol resource software")),
    (r"(masquerade|canonical)_classes", _choices(_ADDRESS_CLASSES)),
    (r"sender_canonical_classes", _choices("envelope_sender header_sender")),
    (r"recipient_canonical_classes", _choices("envelope_recipient header_recipient")),
    (r"propagate_unmatched_extensions", _choices("alias canonical forward generic include virtual")),
    (r"allow_mail_to_(commands|files)", _choices("alias forward include")),
    (r"prepend_delivered_header", _choices("command file forward")),
    (
        r"receive_override_options",
        _choices("no_unknown_recipient_checks no_address_mappings no_header_body_checks no_milters"),
    ),
    (r"(mailbox_delivery|virtual_mailbox)_lock", _choices(_LOCKS)),
    (r"(smtpd|postscreen)_upstream_proxy_protocol", _choice("haproxy")),
    (r"header_from_format", _choice("standard obsolete")),
    (r"info_log_address_format", _choice("external internal")),
    (r"sendmail_fix_line_endings", _choice("always strict never")),
    (
        r"syslog_facility",
        _choice(
            "auth authpriv cron daemon ftp kern lpr mail news security syslog user uucp"
            " local0 local1 local2 local3 local4 local5 local6 local7"
        ),
    ),
)

# Parameters whose default looks like a number or a yes/no and whose value need not be one.
_NOT_BY_DEFAULT = re.compile(
    r"compatibility_level|mail_version|milter_protocol|maillog_file_permissions|stress|\w+_tcp_port|\w+_feedback"
    r"|(html|readme|manpage|sample|shlib|meta)_directory|mydomain|myhostname|\w+_(helo|lhlo|service|mail|process)_name"
)

# Parameters that hold a list, cut at commas and whitespace.
_LIST = re.compile(
    r"\w+(_maps?|_restrictions|_domains|_networks|_networks_only|_clients|_clientcerts|_classes|_exceptions|_exclusions|_protocols"
    r"|_exclude_ciphers|_keywords|_lists?|_milters|_hosts|_sites|_macros|_macro_defaults|_checks|_users|_commands|_names|_files"
    r"|_transports?|_relay|_relayhost|_interfaces|_destinations|_workarounds|_cert_match|_directories|_subdomains|_digests|_groups|_curves"
    r"|_cipherlist|_options|_actions|_environment|_prefixes|_ports|_mechanism_filter|_status_filter|_reply_filter|_command_filter"
    r"|_headers|_database)"
    r"|mydestination|mynetworks|relayhost|defer_transports|forward_path|master_service_disable|use_srv_lookup|permit_mx_backup_networks"
)

# Parameters that hold exactly one word: a name, a host, a file, an address.
_WORD = re.compile(
    r"myhostname|mydomain|myorigin|mail_owner|setgid_group|default_privs|compatibility_level|default_database_type"
    r"|always_bcc|content_filter|double_bounce_sender|recipient_delimiter|home_mailbox|virtual_mailbox_base|stress|smtpd_proxy_(ehlo|filter)"
    r"|smtpd_sasl_(path|local_domain|service)|multi_instance_(name|group|wrapper)|remote_header_rewrite_domain"
    r"|\w+(_directory|_file|_CAfile|_CApath|_service_name|_sasl_type|_digest|_bind_address6?|_notice_recipient|_helo_name|_lhlo_name"
    r"|_tcp_port|_servername|_socket_name)"
    r"|(mailq|newaliases|sendmail|openssl)_path"
)

_TLS_PROTOCOLS = re.compile(r"\w+_tls_(mandatory_)?protocols")

# Lists of restrictions that smtpd(8) evaluates; mua_* are the names that the distributions' master.cf proposes.
_RESTRICTIONS = re.compile(r"(smtpd|mua)_(client|helo|sender|relay|recipient|data|end_of_data|etrn)_restrictions")

# The usual result of a conditional default.
_CONDITIONALS = (
    (re.compile(r"\$\{\w+\?\{([^{}]*)\}:\{([^{}]*)\}\}"), r"\2"),
    (re.compile(r"\$\{\{[^{}]*\}[^{}]*\{[^{}]*\}\s*\?\s*\{([^{}]*)\}\s*:\s*\{([^{}]*)\}\}"), r"\2"),
)


def is_restriction_list(name: str) -> bool:
    """Return whether parameter *name* holds access restrictions of smtpd(8)."""
    return bool(_RESTRICTIONS.fullmatch(name))


def is_tls_protocols(name: str) -> bool:
    """Return whether parameter *name* holds TLS protocol versions."""
    return bool(_TLS_PROTOCOLS.fullmatch(name))


def is_proposed_name(name: str) -> bool:
    """Return whether *name* is one of those that the distributions' master.cf proposes for the administrator to define."""
    return name.startswith("mua_") and is_restriction_list(name)


def kind_of(name: str, defaults: t.Mapping[str, str]) -> Kind:
    """Return the kind of value that parameter *name* takes; *defaults* are this host's, empty when there is no Postfix."""
    for pattern, kind in _ENUMERATIONS:
        if re.fullmatch(pattern, name, re.ASCII):
            return kind
    if not _NOT_BY_DEFAULT.fullmatch(name):
        default = _plain_default(name, defaults)
        if default in ("yes", "no"):
            return Kind("boolean")
        if re.fullmatch(r"-?\d+", default):
            return Kind("number")
        if re.fullmatch(r"\d+[smhdw]", default):
            return Kind("time")
    if _WORD.fullmatch(name):
        return Kind("word")
    if _LIST.fullmatch(name):
        return Kind("list")
    return Kind("text")


def _plain_default(name: str, defaults: t.Mapping[str, str]) -> str:
    """Return the default with conditionals decided and ``$other`` followed; this is enough to tell the kind of value."""
    seen = {name}
    default = defaults.get(name, "")
    while True:
        decided = True
        while decided:  # from the inside out, for they nest
            before = default
            for pattern, replacement in _CONDITIONALS:
                default = pattern.sub(replacement, default)
            decided = default != before
        match = re.fullmatch(r"\$\{?(\w+)\}?", default)
        if not match or match[1] in seen:
            return default
        seen.add(match[1])
        default = defaults.get(match[1], "")
