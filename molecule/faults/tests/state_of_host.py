# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a host that a change could touch, and what a change must not leave behind."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from mail_hosts import MailHost

# Of all daemons: below /etc, in the chroot, and in homes. A directory shows by its mode alone: what was staged in it and taken away
# again has changed its time.
_PLACES = "/etc /var/spool/postfix/etc/sasldb2 /home /var/vmail"
_NOT_OURS = r"-path '*/Maildir/*' -o -path '/var/vmail/*/Maildir*' -o -name '*.lock' -o -name '.pwd.lock'"
# What a program makes, not twice the same byte for byte: databases, and hashes of passwords.
_MADE = re.compile(r".*\.(db|svbin)|.*/sasldb2|/etc/dovecot/postroom-virtual-users")

_STAGED = re.compile(r"\.tmp$|/\.postroom-")

FILES = rf"""
find {_PLACES} ! \( {_NOT_OURS} \) \( -type f -o -type l \) -printf '%i %T@ %C@ %m %u %g %p %l\n' | sort -k7
find {_PLACES} ! \( {_NOT_OURS} \) -type f -exec sha256sum {{}} + | sort -k2
find {_PLACES} -type d ! -path '*/Maildir*' ! -path '/var/vmail/*/*/*' -printf '%m %u %g %p\n' | sort
"""

LEFT = r"""
find /etc /home /var/vmail /var/spool/postfix/etc \( -name '*.tmp' -o -name '.postroom-*' \) ! -path '*/Maildir/*'
find /var/lib/postroom /run/postroom -mindepth 1 ! -path /var/lib/postroom/lock
"""


def files(mail: MailHost) -> str:
    """Inode, times, owner, mode and content of every file."""
    return mail.out(FILES)


def contents(mail: MailHost) -> dict[str, str]:
    """Return the digest of each file by its path, without staged files; a file that is made of others only counts as there."""
    listed = re.findall(r"^([0-9a-f]{64})  (.*)$", files(mail), re.MULTILINE)
    return {path: "there" if _MADE.fullmatch(path) else digest for digest, path in listed if not _STAGED.search(path)}


def left(mail: MailHost) -> str:
    """Return the files that a run has left beside those of the host: staged copies, rooms, kept files."""
    return mail.out(LEFT)


def said(output: str, host: str) -> str:
    """Return the sentences of a play about its first failure on *host*."""
    found = re.search(rf'^fatal: \[{host}\]: .*"msg": "((?:[^"\\]|\\.)*)"', output, re.MULTILINE)
    assert found, output[-3000:]
    return found.group(1)


def is_a_sentence(text: str) -> bool:
    return text[:1].isprintable() and text.rstrip().endswith(".") and "Traceback" not in text and "nobody foresaw" not in text
