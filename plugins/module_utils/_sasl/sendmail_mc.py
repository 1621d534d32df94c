# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SMTP AUTH in the words of sendmail.mc, and the parts of the sendmail.cf that m4 makes of it. Pure.

All of it stands in one block at the end of sendmail.mc. There it has the last word, whatever stands above: m4 takes the
last definition, and sendmail.cf is put together only when all of sendmail.mc has been read.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

BLOCK = managed.Block(
    "dnl BEGIN: managed by postroom.mail; what is changed by hand from here to the end is overwritten.\n",
    "dnl END: managed by postroom.mail\n",
)
SUBMISSION = ("587", "submission")

# Between m4's quotes, and in a list of options, these would mean something.
_PLAIN_PATH = re.compile(r"/[^\s`',()#]+")
_REALM = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")

# The doors of the administrator's own lines are taken as m4 has them, not as they are written: no door but ours on 587, and
# no other with AUTH, nor with TLS that it did not offer before. "M=" may stand in a door already, and only its last one counts.
_OWN_DOORS = r"""dnl # No door of the lines above is on port 587 any longer.
define(`_AS_ONE_', ``$*'')dnl
ifelse(defn(`_DPO_'), `', `ifdef(`_NETINET6_',
`DAEMON_OPTIONS(`Name=MTA-v4, Family=inet')DAEMON_OPTIONS(`Name=MTA-v6, Family=inet6')', `DAEMON_OPTIONS(`Name=MTA')')')dnl
define(`_DPO_', _AS_ONE_(patsubst(defn(`_DPO_'),
`^O DaemonPortOptions=\(.*[, 	]\)?[Pp][A-Za-z]*[ 	]*=[ 	]*\(587\|submission\)\>.*')))dnl
"""
_NO_AUTH_THERE = r"""dnl # The others offer no AUTH (A), and no TLS (S) if only this block sets it up.
define(`_DPO_', _AS_ONE_(patsubst(defn(`_DPO_'), `^O DaemonPortOptions=.*$', `\&, M=A'ifdef(`confSERVER_CERT', `', `S'))))dnl
define(`_DPO_', _AS_ONE_(patsubst(defn(`_DPO_'),
`\([,=][ 	]*[Mm][A-Za-z]*[ 	]*=[ 	]*\)\([A-Za-z]+\)\(.*\), *M=\(.*\)$', `\1\4\2\3')))dnl
"""


class Wanted(t.NamedTuple):
    """The wanted AUTH. *blamed* are further words of DontBlameSendmail, for files that sendmail finds too open."""

    mechanisms: t.Sequence[str] = ("PLAIN", "LOGIN")
    realm: str = ""
    certificate: str = ""
    private_key: str = ""
    auth_on_port_25: bool = False
    blamed: t.Sequence[str] = ()


def check(wanted: Wanted) -> None:
    """Check the values. Raises `BadInput` for one that cannot be written into sendmail.mc."""
    for mechanism in wanted.mechanisms:
        if not _MECHANISM.fullmatch(mechanism.upper()):
            raise BadInput(f"'{mechanism}' is no name of a SASL mechanism, such as PLAIN.")
    if not wanted.mechanisms:
        raise BadInput("There is no mechanism, so nobody could log in: name at least PLAIN, which every client knows.")
    if wanted.realm and not _REALM.fullmatch(wanted.realm):
        raise BadInput(f"'{wanted.realm}' cannot be a realm in sendmail.mc, where it is made of letters, digits, dots and hyphens.")
    for path in (wanted.certificate, wanted.private_key):
        if not _PLAIN_PATH.fullmatch(path):
            raise BadInput(f"'{path}' cannot be named in sendmail.mc: give the absolute path of a file, without blanks and quotes.")


def block(wanted: Wanted, family: str = "inet") -> str:
    """Return the lines for the wanted AUTH; they open port 587 for the address *family*."""
    mechanisms = " ".join(dict.fromkeys(map(str.upper, wanted.mechanisms)))
    lines = [_OWN_DOORS, "" if wanted.auth_on_port_25 else _NO_AUTH_THERE, "undefine(`_AS_ONE_')dnl\n"]
    lines += [
        "define(`_NO_MSA_', `1')dnl\n",
        "dnl # Mail is taken there only from who has logged in (a).\n",
        f"DAEMON_OPTIONS(`Family={family}, Name=MSA, Port=submission, M=Ea')dnl\n",
        "dnl # No password without TLS (p), and nobody without name (y).\n",
        f"define(`confAUTH_MECHANISMS', `{mechanisms}')dnl\n",
        f"TRUST_AUTH_MECH(`{mechanisms}')dnl\n",
        "define(`confAUTH_OPTIONS', `A p y')dnl\n",
        f"define(`confAUTH_REALM', `{wanted.realm}')dnl\n" if wanted.realm else "",
        "dnl # TLS, unless the lines above have it.\n",
        "ifdef(`confSERVER_CERT', `', `",
        f"define(`confSERVER_CERT', `{wanted.certificate}')",
        f"define(`confSERVER_KEY', `{wanted.private_key}')dnl\n",
        "dnl # Without both of these sendmail offers no TLS.\n",
        f"define(`confCACERT', `{wanted.certificate}')",
        "define(`confCACERT_PATH', `/etc/ssl/certs')dnl\n",
        "define(`confTLS_SRV_OPTIONS', `V')dnl\n",
        "define(`confSERVER_SSL_OPTIONS', `+SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1 +SSL_OP_CIPHER_SERVER_PREFERENCE')dnl\n",
        "define(`confCIPHER_LIST', `ECDHE+AESGCM:ECDHE+CHACHA20')dnl\n",
        "')dnl\n",
    ]
    if wanted.blamed:
        name = "`confDONT_BLAME_SENDMAIL'"
        lines.append(f"define({name}, ifdef({name}, `defn({name})`,'')`{','.join(wanted.blamed)}')dnl\n")
    return "".join(lines)


def effective(cf: str) -> list[str]:
    """Return the effective lines of a sendmail.cf: no comments, which name the time and place of the build, and no empty lines."""
    return [line.rstrip() for line in cf.splitlines() if line.strip() and not line.startswith("#")]


def copy_of_source(cf: str, source: str) -> str | None:
    """Return the line before the copy of sendmail.mc, as comments, that a Makefile like Debian's puts at the end of sendmail.cf."""
    line = f"### {source} ###\n"
    return line if line in cf else None


def built(text: str, m4_output: str, live: str, source: str) -> str:
    """Return the sendmail.cf to write, in the way of the *live* one."""
    line = copy_of_source(live, source)
    if not line:
        return m4_output
    return m4_output + line + "".join(f"# {each}\n" for each in text.splitlines())


def options(cf: str, name: str) -> list[str]:
    """Return the values that a sendmail.cf gives to the option *name*, in order."""
    return [line.split("=", 1)[1].strip() for line in effective(cf) if re.match(rf"O\s+{name}\s*=", line)]


def family(cf: str) -> str:
    """Return the address family of a port that must serve the same clients as the other ports of *cf*.

    A door for IPv6 on every address serves IPv4 as well, and sendmail cannot have one for IPv4 beside it.
    """
    for door in options(cf, "DaemonPortOptions"):
        keys = {key.strip()[:1].upper(): value.strip() for key, _equals, value in (part.partition("=") for part in door.split(","))}
        if keys.get("F", "inet").lower() == "inet6" and "A" not in keys and keys.get("P") not in SUBMISSION:
            return "inet6"
    return "inet"


def own_auth(cf: str) -> str:
    """Return the line about AUTH in a sendmail.cf that was built without the block, or nothing."""
    return next((line for line in effective(cf) if re.match(r"O\s+AuthMechanisms\s*=|C\{TrustAuthMech\}", line)), "")


def difference(live: t.Sequence[str], other: t.Sequence[str]) -> str:
    """Return the first line in which two sendmail.cf differ, in words."""
    known = set(other)
    extra = next((line for line in live if line not in known), "")
    if extra:
        return f"it has the line '{extra}'"
    known = set(live)
    missing = next((line for line in other if line not in known), "")
    return f"it lacks the line '{missing}'" if missing else "its lines stand in another order"
