# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wishes of a role for a host, and the messages between roles."""

from __future__ import annotations

import dataclasses
import typing as t

# Options of one of the collection's modules, in its words.
Options = t.Mapping[str, t.Any]
# What mail_info returns; empty before the host was asked, when a plan tells no more than the names to look up.
Facts = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class File:
    """A file that is written whole."""

    path: str
    content: str
    mode: str = "0644"
    secret: bool = False
    # Who reads it only when it is told to.
    service: str = ""


@dataclasses.dataclass(frozen=True)
class Part:
    """The wishes of one role for a host, in the words of the modules that bring them about.

    A parameter of main.cf or a setting of Dovecot with the value None is taken away. *problems* keep the host from being changed;
    each is a sentence that names the variable, the cause and the way out.
    """

    problems: t.Sequence[str] = ()
    warnings: t.Sequence[str] = ()
    packages: t.Sequence[str] = ()
    # Mail servers that the role takes over from, and whether their mail is still to be handed over.
    former_mail_servers: t.Sequence[Options] = ()
    has_waiting_mail: bool = False
    # Whether the host's own name is one that Postfix's package makes something of that no program of Postfix takes.
    is_nameless: bool = False
    # Names of which mail_info must say whether the host has an account.
    names_to_look_up: t.Sequence[str] = ()
    # mail_user
    accounts: t.Sequence[Options] = ()
    # postmap; those of state absent are taken away once main.cf names them no longer.
    tables: t.Sequence[Options] = ()
    # postfix_config
    parameters: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    open_relay: bool = False
    # postfix_service; those of state absent go once main.cf names them no longer.
    services: t.Sequence[Options] = ()
    # dovecot_setting, in the language of the Dovecot that is there
    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    # dovecot_user
    virtual_users: t.Sequence[Options] = ()
    files: t.Sequence[File] = ()
    # mail_service
    units: t.Sequence[Options] = ()
    # Files that nothing reads any more once the rest is in place.
    former_files: t.Sequence[str] = ()
    # Sockets that nobody serves once the daemon has been restarted, and that would stay where they are.
    former_sockets: t.Sequence[str] = ()
    # Files of somebody else's configuration that are replaced: what was there is kept beside them.
    foreign_files: t.Sequence[str] = ()
    # sasl_user, sasl_provider, mail_filter, fetchmail_config: all their options, or None where there is nothing to do.
    sasl_user: Options | None = None
    sasl_provider: Options | None = None
    mail_filter: Options | None = None
    fetchmail_config: Options | None = None
    # The same of mail_certificate and sendmail_auth. What only takes something away (a provider that needs nothing, AUTH of the state
    # absent) does so when nobody is sent there any more: first sendmail_auth, then, once main.cf is written, sasl_provider.
    certificate: Options | None = None
    sendmail_auth: Options | None = None
    # mail_probe: that the role's listeners answer, and that a message arrives and is taken out again.
    probes: t.Sequence[Options] = ()
    delivery: t.Sequence[Options] = ()

    @property
    def installs_by_itself(self) -> bool:
        """Tell if the role has more to do than to have its packages installed with those of the others."""
        return self.is_nameless or bool(self.former_mail_servers)


@dataclasses.dataclass(frozen=True)
class Offers:
    """The messages of the roles of a play to each other, so that none has to know the variables of another.

    Each word has one role that says it; in a play without that role it is as it stands here.
    """

    # _plan.roles: those of the play
    roles: t.Collection[str] = ()
    # The role host: the mailboxes without system accounts (_addresses.virtual_mailboxes), and accounts that are nobody's mailbox.
    virtual_mailboxes: t.Any = None
    accounts_without_mail: t.Sequence[str] = ()
    # postfix
    myhostname: str = ""
    replace_mta: bool = False
    recipient_delimiter: str = "+"
    parameters_by_hand: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    services_by_hand: t.Sequence[Options] = ()
    # Where port 25 of the host answers the host itself.
    smtp_host: str = ""
    # relay_policy: the domains that are relayed to, and whether whoever has logged in may relay on port 25
    relayed_domains: t.Sequence[str] = ()
    auth_on_port_25: bool = False
    # sasl
    sasl_provider: str = "dovecot"
    mta: str = "postfix"
    # dovecot
    mail_location: str = "maildir:~/Maildir"
    mailbox_uids: tuple[int, int] = (1000, 0)
    userdb_drivers: t.Sequence[str] = ("passwd",)
    dovecot_version: str = "2.4"
    quota_service: str = ""
    # filtering
    sieve: bool = False
    sieve_before: t.Sequence[str] = ()
    sieve_after: t.Sequence[str] = ()
    sieve_max_redirects: int = 4
    managesieve: bool = False
    mailbox_transport: str = "lmtp:unix:private/dovecot-lmtp"
    mailbox_transports: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    procmail_command: str = ""
    # fetchmail
    fetched_accounts: t.Sequence[Options] = ()


class Planner(t.Protocol):
    """A role's module in this package. The variables are as its own ``Variables`` says; tests/house holds these to the role's contract."""

    # All that it may want to have installed, on a host of any family; mail_info is asked about these.
    PACKAGES: t.Sequence[str]
    # A planner whose parts have names_to_look_up also says LOOKS_UP_NAMES = True.

    def offers(self, variables: t.Any, facts: Facts, offers: Offers) -> Offers: ...

    def plan(self, variables: t.Any, facts: Facts, offers: Offers) -> Part: ...
