# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A passwd-file on this host: who may read it, what this Dovecot can check, and that it sees the change."""

from __future__ import annotations

import grp
import os
import pwd
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files, secrets, staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._passwords import hashes, passwd_file

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

GROUP = "dovecot"  # That of the processes that read the file.

# What Dovecot takes for a login name when auth_username_chars is not set.
USERNAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@")


class SchemeMissing(HostError):
    """This host's Dovecot cannot check hashes of the wanted scheme."""


class NoAccount(BadInput):
    """A uid or gid is given by a name that the host does not know."""


class DryHasher(hashes.Hasher):
    """For check mode before Dovecot is installed: its libraries are not there yet, and what they would make is not needed."""

    def make(self, wanted: t.Sequence[tuple[str, hashes.Claim]]) -> list[str]:
        return [f"{{{scheme}}}" for scheme, _who in wanted]


def attributes(owner: str | None, group: str | None, mode: int | None) -> files.Attributes:
    """Readable for Dovecot and nobody else, unless something else is asked for."""
    readers = group or (GROUP if has_group() else None)
    return files.Attributes(owner or "root", readers or "root", (0o640 if readers else 0o600) if mode is None else mode)


def has_group() -> bool:
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        return False
    return True


def judge(option: str, value: t.Any, _user: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """Return the extra fields without those that are not for everybody's eyes, such as the password for a proxy, and the latter."""
    return secrets.in_dictionary(value) if option == "extra_fields" else None


class Host:
    """The questions to the host, each asked once and only when it matters."""

    def __init__(self, run: Run, *, check_mode: bool) -> None:
        self._run = run
        self._check_mode = check_mode
        self.warnings: list[str] = []

    def hasher(self, users: t.Sequence[passwd_file.User], crypt: hashes.CryptLibrary, sodium: hashes.Library) -> hashes.Hasher:
        """Return the maker and checker of hashes. Raises `SchemeMissing` for a scheme that this Dovecot could not check."""
        wanted = {user.scheme or hashes.DEFAULT for user in users if user.present and user.password}
        wanted |= {stored.scheme for user in users if user.present and user.hash for stored in [hashes.parse(user.hash)] if stored}
        rare = sorted(wanted - set(hashes.EVERYWHERE))
        if rare:
            # This only lists the names of schemes.
            rc, stdout, _stderr = self._run(["doveadm", "pw", "-l"])
            if rc == 127 and self._check_mode:
                return DryHasher(crypt, sodium)
            there = {hashes.scheme_name(name) for name in stdout.split()}
            missing = [scheme for scheme in rare if there and scheme not in there]
            if missing:
                raise SchemeMissing(
                    f"The Dovecot of this host cannot check passwords in the scheme {missing[0]}; of those that can be made here it has"
                    f" {', '.join(scheme for scheme in hashes.MADE if scheme in there)}."
                )
        return hashes.Hasher(crypt, sodium)

    def attributes(self, owner: str | None, group: str | None, mode: int | None) -> files.Attributes:
        """Return the owner, group and mode of the file by `attributes`. Raises `BadInput` for an owner that the host does not know."""
        wanted = attributes(owner, group, mode)
        try:
            wanted.ids()
        except BadInput as e:
            self._later_or_fail(e)
            return files.Attributes(mode=wanted.mode)
        return wanted

    def check_accounts(self, users: t.Sequence[passwd_file.User]) -> None:
        """Dovecot passes over a user whose uid or gid is a name that nobody has. Raises `NoAccount`."""
        for field, ask in (("uid", pwd.getpwnam), ("gid", grp.getgrnam)):
            for name in dict.fromkeys(getattr(user, field) for user in users if user.present):
                if not name or name.isdecimal():
                    continue
                try:
                    ask(name)
                except KeyError:
                    self._later_or_fail(
                        NoAccount(
                            f"There is no {'user' if field == 'uid' else 'group'} '{name}' on this host, and Dovecot passes over a user"
                            f" whose {field} it does not know; create it first."
                        )
                    )

    def check_directory(self, path: str) -> None:
        """Raises `BadInput` when there is no directory to put the file into."""
        directory = os.path.dirname(os.path.realpath(path))
        if os.path.isdir(path):
            raise BadInput(f"{path} is a directory; name the file in it.")
        if not os.path.isdir(directory):
            self._later_or_fail(BadInput(f"There is no directory {directory} for the file {path}; create it, or install Dovecot, first."))

    def _later_or_fail(self, error: BadInput) -> None:
        """Fail, or warn in check mode, where an earlier task may make the missing thing and was not carried out."""
        if not self._check_mode:
            raise error
        self.warnings.append(str(error))

    def remark(self, users: t.Sequence[passwd_file.User]) -> None:
        """Warn of users who could not log in although the file is right."""
        present = [user for user in users if user.present]
        odd = [user.name for user in present if not USERNAME_CHARS.issuperset(user.name)]
        if odd:
            allowed = self._setting("auth_username_chars")
            refused = [name for name in odd if allowed and not set(allowed).issuperset(name)]
            if refused:
                self.warnings.append(
                    f"Dovecot's setting auth_username_chars does not allow all characters of {_some(refused)}, so nobody can log in."
                )
        # Dovecot makes lower-case what is ASCII, and nothing else.
        upper = [user.name for user in present if re.search("[A-Z]", user.name)]
        if upper and any(word in self._setting("auth_username_format") for word in ("%L", "lower")):
            self.warnings.append(
                f"Dovecot makes login names lower-case (its setting auth_username_format), so it does not find {_some(upper)};"
                " write such a name in lower case."
            )
        weak = [user.name for user in present if user.hash and user.hash[1:].split("}")[0].split(".")[0].upper() in hashes.WEAK]
        if weak and self._setting("auth_allow_weak_schemes") == "no":
            self.warnings.append(
                f"This Dovecot refuses the hash of {_some(weak)} as too weak, unless its setting auth_allow_weak_schemes is yes."
            )

    def _setting(self, name: str) -> str:
        """A setting of Dovecot; nothing where it is not installed or has no such setting."""
        return self._run(["doveconf", "-h", name])[1].strip()


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def update(
    path: str,
    users: t.Sequence[passwd_file.User],
    hasher: hashes.Hasher,
    *,
    exclusive: bool,
    wanted: files.Attributes,
    backup: bool,
    check_mode: bool,
) -> tuple[files.Change, passwd_file.Plan]:
    """Bring the file to the wanted users; what was done, and of whom."""
    plans: list[passwd_file.Plan] = []

    def render(before: str | None) -> str:
        plans.append(passwd_file.plan(users, before, exclusive, hasher))
        return plans[-1].text

    old = _seconds(path)
    change = files.update(path, render, check_mode=check_mode, attributes=wanted, backup=backup)
    if change.content_changed and not check_mode:
        staging.effect(lambda: _age(path, old))
    return change, plans[-1]


def _age(path: str, old: int) -> None:
    """Have the file look newer than the *old* one.

    Dovecot reads it anew when its size or the second of its last change is another. A new password is often as long as the old one,
    so a second change within one second must look like one of the next.
    """
    if _seconds(path) <= old:
        os.utime(path, (old + 1, old + 1))


def _seconds(path: str) -> int:
    """Return the time of the file's last change; before all time when there is none."""
    try:
        return int(os.stat(path).st_mtime)
    except FileNotFoundError:
        return -1
