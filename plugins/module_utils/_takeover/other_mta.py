# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The mail servers that Postfix may replace on a host, with their packages, files and processes. Pure."""

from __future__ import annotations

import re
import typing as t


class Queue(t.NamedTuple):
    """A directory of waiting mail; `format` names its reader in `foreign_queue`, None where there is none."""

    directory: str
    format: str | None


class MailServer(t.NamedTuple):
    """The properties of a mail server.

    *packages* are those that make it the host's mail server, *companions* go with them. *processes* are the names in
    the process table, *services* those of the service manager, whichever of them a distribution has.
    *aliases* are the files it may read, the one it asks first at the front.
    """

    name: str
    packages: tuple[str, ...]
    companions: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    queues: tuple[Queue, ...] = ()
    aliases: tuple[str, ...] = ()


KNOWN = (
    MailServer(
        "exim",
        ("exim4-daemon-light", "exim4-daemon-heavy", "exim"),
        companions=("exim4", "exim4-base", "exim4-config"),
        services=("exim4", "exim4-base.timer", "exim"),
        processes=("exim4", "exim"),
        queues=(Queue("/var/spool/exim4/input", "exim"), Queue("/var/spool/exim/input", "exim")),
        aliases=("/etc/aliases",),
    ),
    MailServer(
        "sendmail",
        ("sendmail-bin", "sendmail"),
        companions=("sendmail-base", "sendmail-cf"),
        services=("sendmail", "sm-client"),
        processes=("sendmail-mta", "sendmail-msp", "sendmail"),
        queues=(
            Queue("/var/spool/mqueue", "sendmail"),
            Queue("/var/spool/mqueue-client", "sendmail"),
            Queue("/var/spool/clientmqueue", "sendmail"),
        ),
        aliases=("/etc/mail/aliases", "/etc/aliases"),
    ),
    MailServer(
        "nullmailer",
        ("nullmailer",),
        services=("nullmailer",),
        processes=("nullmailer-send",),
        queues=(Queue("/var/spool/nullmailer/queue", "nullmailer"),),
    ),
    # Started by cron for each run of its queue.
    MailServer("dma", ("dma",), processes=("dma",), queues=(Queue("/var/spool/dma", "dma"),), aliases=("/etc/aliases",)),
    MailServer(
        "opensmtpd",
        ("opensmtpd",),
        services=("opensmtpd",),
        processes=("smtpd",),
        queues=(Queue("/var/spool/smtpd/queue", None),),
        aliases=("/etc/aliases",),
    ),
    MailServer(
        "courier",
        ("courier-mta",),
        services=("courier", "courier-mta", "courier-mta-ssl", "courier-msa", "courierfilter"),
        processes=("courierd", "couriertcpd"),
        queues=(Queue("/var/lib/courier/msgs", None), Queue("/var/spool/courier/msgs", None)),
    ),
    MailServer(
        "masqmail", ("masqmail",), services=("masqmail",), processes=("masqmail",), queues=(Queue("/var/spool/masqmail/input", None),)
    ),
    # These send at once or not at all: they have neither a queue nor, as a rule, a process.
    MailServer("msmtp", ("msmtp-mta",), services=("msmtpd",), processes=("msmtpd",), aliases=("/etc/aliases",)),
    MailServer("ssmtp", ("ssmtp",)),
    MailServer("esmtp", ("esmtp-run", "esmtp")),
)

# The virtual package of every Debian package that is a host's mail server; they conflict with one another by it.
_PROVIDES = re.compile(r"^Provides:.*\bmail-transport-agent\b", re.MULTILINE)
# Addresses that only Exim (and, of the first two, nobody else) makes sense of in an alias.
_EXIM_ONLY = re.compile(r"(?<![\w.@-])(:(?:fail|blackhole|defer|unknown):)")


def in_dpkg_status(status: str) -> dict[str, str]:
    """Return every installed mail server but Postfix in the text of /var/lib/dpkg/status, known here or not: package and version."""
    found = {}
    for match in _PROVIDES.finditer(status):
        begin = status.rfind("\n\n", 0, match.start()) + 2 if "\n\n" in status[: match.start()] else 0
        end = status.find("\n\n", match.end())
        fields = dict(re.findall(r"^([\w-]+): (.*)$", status[begin : end if end != -1 else len(status)], re.MULTILINE))
        if fields.get("Status", "").endswith(" installed") and fields.get("Package") != "postfix":
            found[fields["Package"]] = fields.get("Version", "")
    return found


def names_for_rpm() -> list[str]:
    return sorted({package for server in KNOWN for package in server.packages})


def of_packages(packages: t.Iterable[str]) -> list[MailServer]:
    """Return the mail servers of these packages; of an unknown one, only the package."""
    names = list(packages)
    known = [server for server in KNOWN if set(server.packages) & set(names)]
    strangers = [name for name in names if not any(name in server.packages for server in known)]
    return known + [MailServer(name, (name,)) for name in strangers]


def exim_only_aliases(text: str) -> list[str]:
    """Return the lines of an alias file with targets that only Exim understands, such as ``nobody: :blackhole:``."""
    return [line.strip() for line in text.splitlines() if not line.startswith("#") and _EXIM_ONLY.search(line)]


def summary(server: dict[str, t.Any]) -> str:
    """Return the results of `facts.ask` about one mail server, in words."""
    does = [word for word, true in (("runs", server["running"]), ("listens on port 25", server["listens"])) if true]
    parts = [f"{server['name']} ({', '.join(server['packages'][:1])}) {' and '.join(does) or 'does not run'}"]
    if server["queue"] is None:
        parts.append(f"the number of mails in {_spools(server)} is not known")
    elif server["spool"]:
        parts.append(f"{_mails(server['queue'])} in its queue ({_spools(server)})")
    if server["held"]:
        parts.append(f"{server['held']} more {'is' if server['held'] == 1 else 'are'} held back there")
    if server["aliases"]:
        parts.append(f"its aliases are in {' and '.join(server['aliases'])}")
    return ", ".join(parts)


def _mails(count: int) -> str:
    return {0: "no mail waits", 1: "1 mail waits"}.get(count, f"{count} mails wait")


def _spools(server: dict[str, t.Any]) -> str:
    return ", ".join(server["spool"])
