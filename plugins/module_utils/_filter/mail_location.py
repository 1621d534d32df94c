# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a user: Dovecot's ``mail_location``, read for a program that writes into them itself. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.folder_names import modified_utf7

MAILDIR, MBOX = "maildir", "mbox"

# Dovecot's variables, as a shell calls the same.
_VARIABLES = {
    "%u": "$LOGNAME", "%n": "$LOGNAME", "%Lu": "$LOGNAME", "%Ln": "$LOGNAME", "%{user}": "$LOGNAME", "%{user|username}": "$LOGNAME",
    "%{user|lower}": "$LOGNAME", "%{user|username|lower}": "$LOGNAME", "%h": "$HOME", "%{home}": "$HOME",
}  # fmt: skip


class BadLocation(BadInput):
    """A mail_location has an unknown form, or only Dovecot can write into it."""


class Location(t.NamedTuple):
    """*base* and *inbox* are paths in the language of a shell, such as ``$HOME/Maildir``."""

    driver: str
    base: str
    inbox: str
    separator: str

    def folder(self, name: str) -> str:
        """Return the path of the folder that IMAP calls *name*; a Maildir's ends in a slash."""
        if name.upper() == "INBOX":
            return self.inbox
        on_disk = modified_utf7(name)
        if self.driver == MBOX:
            return f"{self.base}/{on_disk}"
        return f"{self.base}/{'' if self.separator == '/' else '.'}{on_disk}/"

    def problem_with(self, folder: str) -> str | None:
        """Tell why *folder* cannot exist there, in words to follow its name."""
        other = "/" if self.separator == "." else None
        if other and other in folder:
            return f"has a '{other}', which is part of no name in a Maildir: levels are parted by '{self.separator}'"
        if self.driver == MAILDIR and self.separator == "/" and folder.split("/")[-1] in ("new", "cur", "tmp"):
            return "is a directory in which a Maildir keeps its mail"
        return None


def separator_of(mail_location: str) -> str:
    """Return the separator between the levels of a folder's name, as Dovecot sets it without a namespace."""
    driver, _path, options = _parts(mail_location)
    return "." if driver == MAILDIR and options.get("LAYOUT", "").lower() != "fs" else "/"


def parse(mail_location: str) -> Location:
    """Return the folders, if a program other than Dovecot can write to them: Maildir and mbox. Raises `BadLocation`."""
    driver, path, options = _parts(mail_location)
    if driver not in (MAILDIR, MBOX):
        raise BadLocation(
            f"Only Dovecot can write into mail_location '{mail_location}': let Sieve sort the mail (engine: sieve), or keep it as maildir"
            " or mbox."
        )
    base = _path(path, mail_location)
    usual = f"{base}/" if driver == MAILDIR else f"{base}/inbox"
    inbox = _path(options["INBOX"], mail_location) if "INBOX" in options else usual
    if driver == MAILDIR and not inbox.endswith("/"):
        inbox += "/"
    return Location(driver, base, inbox, separator_of(mail_location))


def _parts(mail_location: str) -> tuple[str, str, dict[str, str]]:
    driver, _colon, rest = mail_location.partition(":")
    path, *options = rest.split(":")
    if not path or not driver.isalnum():
        raise BadLocation(f"mail_location '{mail_location}' is not understood: write it as DRIVER:PATH, for example maildir:~/Maildir.")
    return driver.lower(), path, dict(option.partition("=")[::2] for option in options)


def _path(text: str, mail_location: str) -> str:
    path = re.sub(r"^~(?=/|$)", "$HOME", text)
    path = re.sub(r"%\{[^{}]*\}|%L?[a-zA-Z]", lambda one: _VARIABLES.get(one[0], one[0]), path).rstrip("/")
    path = re.sub(r"\$(HOME|LOGNAME)(?=\w)", r"${\1}", path)
    if not re.fullmatch(r"(\$HOME|\$LOGNAME|\$\{HOME\}|\$\{LOGNAME\}|[A-Za-z0-9_./@+-])+", path) or ".." in path:
        raise BadLocation(
            f"The path {text} in mail_location '{mail_location}' is not understood: for a host whose mail procmail sorts, write it with ~,"
            " %u, %n or %h at most."
        )
    return path
