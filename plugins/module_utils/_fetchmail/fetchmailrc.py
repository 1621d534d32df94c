# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a fetchmail run control file from accounts, and check the accounts. Pure.

The options have fetchmail's own names; fetchmail(1) explains each. Sources: "THE RUN CONTROL FILE" and
"KEYWORD/OPTION SUMMARY" there.
"""

from __future__ import annotations

import collections
import ipaddress
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.folder_names import as_imap
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import parted

PROTOCOLS = ("pop3", "imap", "apop", "kpop", "sdps", "etrn", "odmr", "auto")
AUTHENTICATIONS = (
    "any", "password", "cram-md5", "external", "gssapi", "kerberos", "kerberos_v4", "kerberos_v5", "msn", "ntlm", "otp", "ssh",
)  # fmt: skip

NEEDING_PASSWORD = (None, "any", "password", "cram-md5", "ntlm", "msn", "otp")

# How an option's value stands behind its keyword.
TEXT, WORD, NUMBER, TEXTS, NUMBERS, FLAG = "text", "word", "number", "texts", "numbers", "flag"
ALONE = "alone"  # A flag without its "no".

GLOBALS = {
    "daemon": NUMBER, "postmaster": TEXT, "bouncemail": FLAG, "spambounce": FLAG, "softbounce": FLAG,
    "syslog": FLAG, "logfile": TEXT, "idfile": TEXT, "pidfile": TEXT, "invisible": FLAG, "showdots": FLAG,
}  # fmt: skip
# Those of a server come before those of its user, as fetchmail wants it.
SERVER = {
    "via": TEXT, "proto": WORD, "service": TEXT, "auth": WORD, "timeout": NUMBER, "interval": NUMBER, "interface": TEXT, "plugin": TEXT,
    "plugout": TEXT, "qvirtual": TEXT, "aka": TEXTS, "localdomains": TEXTS, "dns": FLAG, "checkalias": FLAG, "uidl": FLAG,
    "tracepolls": FLAG, "badheader": WORD, "principal": TEXT,
}  # fmt: skip
USER = {
    "ssl": FLAG, "sslproto": TEXT, "sslcertck": FLAG, "sslcertfile": TEXT, "sslcertpath": TEXT, "sslcommonname": TEXT,
    "sslfingerprint": TEXT, "sslcert": TEXT, "sslkey": TEXT, "folder": TEXTS, "smtphost": TEXTS, "smtpaddress": TEXT, "smtpname": TEXT,
    "lmtp": ALONE, "mda": TEXT, "antispam": NUMBERS, "preconnect": TEXT, "postconnect": TEXT, "keep": FLAG, "fetchall": FLAG,
    "rewrite": FLAG, "stripcr": FLAG, "forcecr": FLAG, "pass8bits": FLAG, "dropstatus": FLAG, "dropdelivered": FLAG, "mimedecode": FLAG,
    "idle": FLAG, "limit": NUMBER, "limitflush": FLAG, "warnings": NUMBER, "batchlimit": NUMBER, "fetchlimit": NUMBER,
    "fetchsizelimit": NUMBER, "fastuidl": NUMBER, "expunge": NUMBER, "flush": FLAG, "fetchdomains": TEXTS, "bsmtp": TEXT,
}  # fmt: skip

# The keyword is the option, save where that would be no name of a variable.
KEYWORDS = {"badheader": "bad-header"}

# Without "ssl" fetchmail takes TLS when it is offered, and sends the password in clear when somebody hides the offer; told
# which TLS it shall speak, it speaks no other, and insists.
STARTTLS = "tls1.2+"
MULTIDROP = "*"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class BadAccount(BadInput):
    """fetchmail cannot work with an account, or with a setting for all of them."""


def quote(text: str) -> str:
    """Return *text* as a string of the run control file, with any characters in it. Beyond ASCII the bytes stay as they are."""
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda one: f"\\x{ord(one[0]):02x}", text) + '"'


def render(accounts: t.Sequence[t.Mapping[str, t.Any]], settings: t.Mapping[str, t.Any]) -> str:
    """Return the whole file. An option that is None is left to fetchmail."""
    lines = [f"set {clause}" for clause in _clauses(GLOBALS, settings)]
    for account in accounts:
        server = _clauses(SERVER, {**account, "uidl": _uidl(account)})
        lines += ["", " ".join(["skip" if account.get("skip") else "poll", quote(account["poll"]), *server])]
        lines += [f"    {clause}" for clause in _envelope(account)]
        lines += [f"    {' '.join(_login(account))}"]
        lines += [f"        {clause}" for clause in _clauses(USER, {**account, "sslproto": _sslproto(account)})]
    return managed.HEADER + "\n".join(lines) + "\n"


def _login(account: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    yield f"user {quote(account['user'])} there"
    if account.get("password") is not None:
        yield f"password {quote(account['password'])}"
    if account.get("is"):
        yield " ".join(["is", *map(_local, account["is"]), "here"])


def _local(name: str) -> str:
    """Return a local name, or a name at the provider with the local one for it; the sign between them stands for itself."""
    return MULTIDROP if name == MULTIDROP else " = ".join(map(quote, name.split("=", 1)))


def _envelope(account: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    header = account.get("envelope")
    if header is not None:
        skipped = account.get("envelope_skip")
        yield "no envelope" if header == "" else " ".join(["envelope", *([str(skipped)] if skipped else []), quote(header)])


def _uidl(account: t.Mapping[str, t.Any]) -> bool | None:
    """POP3 itself does not mark fetched messages, and an account that keeps them there must get each one once."""
    given: bool | None = account.get("uidl")
    return True if given is None and account.get("keep") and account.get("proto") == "pop3" else given


def _sslproto(account: t.Mapping[str, t.Any]) -> str | None:
    given: str | None = account.get("sslproto")
    return STARTTLS if given is None and account.get("ssl") is False else given


def _clauses(keywords: t.Mapping[str, str], options: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, kind in keywords.items():
        keyword, value = KEYWORDS.get(name, name), options.get(name)
        if value is None or value == []:
            continue
        if kind in (FLAG, ALONE):
            if value or kind == FLAG:
                yield keyword if value else f"no {keyword}"
        elif kind in (WORD, NUMBER):
            yield f"{keyword} {value}"
        elif kind == NUMBERS:
            yield f"{keyword} {' '.join(map(str, value))}"
        else:
            words = [value] if kind == TEXT else map(as_imap, value) if name == "folder" else value
            yield f"{keyword} {' '.join(map(quote, words))}"


def by_owner(accounts: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str | None, list[t.Mapping[str, t.Any]]]:
    """Return the accounts of each file by owner; those of the host have no owner."""
    found: dict[str | None, list[t.Mapping[str, t.Any]]] = {}
    for account in accounts:
        found.setdefault(account.get("owner") or None, []).append(account)
    return found


def all_problems(accounts: t.Iterable[t.Mapping[str, t.Any]], settings: t.Mapping[str, t.Any]) -> list[str]:
    """Report the problems with all accounts of a host; a problem with a setting holds for each owner, and is reported once."""
    found = [sentence for together in by_owner(accounts).values() for sentence in problems(together, settings)]
    return list(dict.fromkeys(found))


def problems(accounts: t.Sequence[t.Mapping[str, t.Any]], settings: t.Mapping[str, t.Any]) -> list[str]:
    """Report each problem; *accounts* are those of one file. No sentence contains a password."""
    found = [sentence for account in accounts for sentence in _problems_of(account)]
    names = collections.Counter((account["poll"], account["user"]) for account in accounts)
    found += [
        f"The account {user} at {poll} is given {times} times; join them, or give each a poll of its own and name the server in via."
        for (poll, user), times in names.items()
        if times > 1
    ]
    idle = [account for account in accounts if account.get("idle")]
    if idle and len(accounts) > 1:
        found.append(
            f"The account {_name(idle[0])} is idle, and fetchmail would wait there for ever and never come to the others: take away idle,"
            " or give the account to an owner who has no other."
        )
    daemon = settings.get("daemon")
    if daemon is not None and daemon < 1:
        found.append(f"The setting daemon is {daemon}; write the seconds between two polls, at least 1.")
    if accounts and all(account.get("skip") for account in accounts):
        found.append(
            f"The account {_name(accounts[0])} is skipped, and so is each beside it: fetchmail would have nothing to do, and end. Take them"
            " out of the list instead."
        )
    found += [f"The setting {name} has a line break or another control character in it." for name, v in settings.items() if _bad_text(v)]
    return found


def _problems_of(account: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    who = f"The account {_name(account)}"
    yield from _problems_of_server(account, who)
    yield from _problems_of_login(account, who)
    yield from _problems_of_recipients(account, who)
    yield from _problems_of_fetching(account, who)
    yield from _problems_of_delivery(account, who)
    for name in sorted(["envelope_skip", *(k for k, kind in {**SERVER, **USER}.items() if kind == NUMBER)]):
        if isinstance(account.get(name), int) and account[name] < 0:
            yield f"{who} has {name} {account[name]}; it cannot be less than 0."


def _problems_of_server(account: t.Mapping[str, t.Any], who: str) -> t.Iterator[str]:
    for name, value in account.items():
        if name != "password" and any(map(_bad_text, value if isinstance(value, list) else [value])):
            yield f"{who} has a line break or another control character in {name}."
    for name in ("poll", "user"):
        if not account[name]:
            yield f"{who} has no {name}; fetchmail needs the server and the login there."
    for name in ("poll", "via"):
        host_and_port = parted(str(account.get(name) or ""))
        if host_and_port:
            yield (
                f"{who} has a port in {name}, where a name or an address belongs: write {name}: {host_and_port[0]} and service:"
                f" {host_and_port[1]}."
            )
    for host_and_port in filter(None, map(parted, map(str, account.get("smtphost") or []))):
        yield f"{who} has a port behind a colon in smtphost: write {host_and_port[0]}/{host_and_port[1]}."


def _problems_of_login(account: t.Mapping[str, t.Any], who: str) -> t.Iterator[str]:
    password = account.get("password")
    problem = None if password is None else core_password.problem_with(password, "for an account that logs in without one (auth)")
    if problem:
        yield f"The password of the account {_name(account)} {problem}."
    # ETRN has no login at all.
    if password is None and account.get("proto") != "etrn" and account.get("auth") in NEEDING_PASSWORD:
        yield f"{who} has no password, and a daemon cannot ask for one; set it, or an auth that needs none."


def _problems_of_recipients(account: t.Mapping[str, t.Any], who: str) -> t.Iterator[str]:
    if not account.get("is"):
        yield f"{who} does not say whose mail it is: set 'is' to a local user, or to several for a mailbox that they share."
    if any(not part.strip() for name in account.get("is") or [] for part in name.split("=", 1)):
        yield f"{who} has an empty name in 'is'; write 'bob', or 'robert=bob' for a user whom the provider calls robert."
    if any("=" in name and MULTIDROP in name.split("=", 1) for name in account.get("is") or []):
        yield f"{who} has a '*' beside a '=' in 'is', which fetchmail takes for a name; a '*' for all others stands alone."
    if _is_multidrop(account) and not account.get("envelope") and account.get("envelope") != "":
        yield (
            f"{who} is a mailbox of several, and does not say which header names the recipient: set envelope to the one that the"
            " provider writes, as X-Envelope-To or Delivered-To. From To and Cc alone mailing lists and blind copies come out wrong."
        )


def _problems_of_fetching(account: t.Mapping[str, t.Any], who: str) -> t.Iterator[str]:
    service = account.get("service")
    if service is not None and not _is_service(service):
        yield f"{who} has the service '{service}', which is neither a port from 1 to 65535 nor a name of /etc/services."
    if account.get("folder") and account.get("proto") not in ("imap", "auto", None):
        yield f"{who} has folders, and {account['proto']} knows no folders; use imap, or take them away."
    if account.get("idle") and account.get("proto") != "imap":
        yield f"{who} is idle, which only imap can be."
    if account.get("keep") and account.get("fetchall"):
        yield f"{who} has both keep and fetchall, and would bring every message again each time; take one away."
    if account.get("interface") and not _is_interface(account["interface"]):
        yield f"{who} has the interface '{account['interface']}'; write its name, an IPv4 address and perhaps a mask, as in eth0/192.0.2.1."
    if account.get("sslproto") == "" and account.get("ssl") is not False:
        yield f"{who} has an empty sslproto, which is for a connection without TLS; set ssl to false with it, or leave it out."


def _problems_of_delivery(account: t.Mapping[str, t.Any], who: str) -> t.Iterator[str]:
    if account.get("lmtp") and not (account.get("smtphost") and all("/" in host for host in account["smtphost"])):
        yield f"{who} is to be delivered through LMTP, and does not say where; set smtphost to HOST/PORT or to the path of a socket."
    if account.get("lmtp") and account.get("mda"):
        yield f"{who} has both lmtp and mda; its mail can go one way only."


def _is_multidrop(account: t.Mapping[str, t.Any]) -> bool:
    names = account.get("is") or []
    return len(names) > 1 or any(name == MULTIDROP or "=" in name for name in names)


def recipients(account: t.Mapping[str, t.Any]) -> list[str]:
    """Return the local recipients of an *account*, in the words of an inventory; none if another server takes the mail."""
    given = account.get("is", account.get("to")) or []
    names = [given] if isinstance(given, str) else list(given)
    if any(account.get(way) for way in ("smtphost", "lmtp", "mda", "skip")):
        return []
    return [name for name in (str(one).split("=", 1)[-1].strip() for one in names) if name not in ("", MULTIDROP)]


def warnings(accounts: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Report settings that work, and that an administrator must reconsider."""
    found = []
    for account in accounts:
        if account.get("sslcertck") is False and not account.get("sslfingerprint"):
            found.append(f"The account {_name(account)} takes any certificate: an attacker between the two hosts gets its password.")
        if account.get("ssl") is False and account.get("sslproto") == "":
            found.append(f"The account {_name(account)} sends its password and its mail in clear.")
    return found


def _name(account: t.Mapping[str, t.Any]) -> str:
    return f"{account['user']} at {account['poll']}"


def _bad_text(value: t.Any) -> bool:
    return isinstance(value, str) and bool(_CONTROL.search(value))


def _is_service(service: str) -> bool:
    return 1 <= int(service) <= 65535 if service.isascii() and service.isdecimal() else bool(_SERVICE.fullmatch(service))


def _is_interface(text: str) -> bool:
    name, *addresses = text.split("/")
    try:
        return bool(name) and 1 <= len(addresses) <= 2 and all(map(ipaddress.IPv4Address, addresses))
    except ValueError:
        return False
