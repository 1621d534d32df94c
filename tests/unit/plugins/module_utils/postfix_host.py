# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a Postfix made of canned answers, for the tests of what asks one."""

from __future__ import annotations

import os

from ansible_collections.postroom.mail.plugins.module_utils._postfix.main_cf import MainCf, references
from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import MasterCf

DEFAULTS = {
    "mail_version": "3.10.13",
    "daemon_directory": "/usr/lib/postfix/sbin",
    "known_tcp_ports": "lmtp=24, smtp=25, smtps=submissions=465, submission=587",
    "myhostname": "mail.example.org",
    "mydestination": "$myhostname, localhost",
    "mynetworks": "127.0.0.0/8",
    "relayhost": "",
    "inet_interfaces": "all",
    "inet_protocols": "all",
    "message_size_limit": "10240000",
    "mailbox_size_limit": "51200000",
    "virtual_mailbox_limit": "51200000",
    "smtpd_helo_required": "no",
    "smtpd_timeout": "300s",
    "smtpd_banner": "$myhostname ESMTP $mail_name",
    "mail_name": "Postfix",
    "smtpd_tls_security_level": "",
    "smtpd_sasl_auth_enable": "no",
    "smtpd_sasl_type": "cyrus",
    "smtpd_restriction_classes": "",
    "smtpd_client_restrictions": "",
    "smtpd_recipient_restrictions": "",
    "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    "alias_maps": "hash:/etc/aliases",
    "virtual_alias_maps": "$virtual_maps",
    "postscreen_denylist_action": "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}",
    "mailbox_transport": "",
    "default_transport": "smtp",
    "content_filter": "",
    "syslog_name": "postfix",
    "smtp_destination_recipient_limit": "$default_destination_recipient_limit",
    "default_destination_recipient_limit": "50",
}


class PostfixHost:
    """Answers like postconf(1), postmap(1) and postfix(1), and remembers what it was asked and what it saw."""

    def __init__(self, *, installed=True, types="hash texthash static", refuse=None):
        self.installed = installed
        self.types = types
        self.refuse = refuse or (lambda main_cf, master_cf: "")
        self.calls = []
        self.staged_modes = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        if not self.installed:
            return 127, "", f"{args[0]}: No such file or directory"
        if args[0] == "postconf" and args[-1] == "-d":
            return 0, "".join(f"{name} = {value}\n" for name, value in DEFAULTS.items()), ""
        if args[0] == "postconf" and args[-1] == "-m":
            return 0, "\n".join(self.types.split()) + "\n", ""
        if args[0] == "postconf" and args[-1] in ("-a", "-A"):
            return 0, "cyrus\ndovecot\n", ""
        directory = args[args.index("-c") + 1]
        main_cf, master_cf = self._read(directory, "main.cf"), self._read(directory, "master.cf")
        if args[0] == "postconf":
            return self._postconf_n(directory, main_cf, master_cf)
        self.staged_modes.append(os.stat(directory).st_mode & 0o777)
        reason = self.refuse(main_cf, master_cf)
        return (1, "", f"{args[0]}: fatal: {reason}\n") if reason else (0, "", "")

    def names(self):
        """The programs that were run, with their last word."""
        return [f"{args[0]} {args[-1]}" for args in self.calls]

    @staticmethod
    def _read(directory, name):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as f:
            return f.read()

    @staticmethod
    def _postconf_n(directory, main_cf, master_cf):
        values = MainCf(main_cf).values()
        overrides = [pair for service in MasterCf(master_cf).services().values() for pair in service.overrides]
        used = set(DEFAULTS).union(*map(references, DEFAULTS.values()))
        used |= set(values.get("smtpd_restriction_classes", "").replace(",", " ").split())
        for value in [*values.values(), *(value for _name, value in overrides)]:
            used |= references(value)
        lines = [f"warning: {directory}/main.cf: unused parameter: {name}={value}" for name, value in values.items() if name not in used]
        lines += [f"warning: {directory}/master.cf: unused parameter: {name}={value}" for name, value in overrides if name not in used]
        for _name, value in overrides:
            for name in references(value) - set(DEFAULTS) - set(values) - {own for own, _value in overrides}:
                lines.append(f"warning: {directory}/master.cf: undefined parameter: {name}")
        return 0, "", "".join(f"postconf: {line}\n" for line in lines)
