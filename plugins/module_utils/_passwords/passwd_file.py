# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dovecot's passwd-file: ``user:password:uid:gid:gecos:home:shell:extra fields``.

Everything else stays byte for byte: comments, other users, the order, and the hash of a password that is already
the wanted one.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._core import users as core_users
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._passwords import hashes

FIELDS = ("uid", "gid", "gecos", "home")
NOBODY_KNOWS = "{CRYPT}*"  # The password of a user who was given none: no password has this hash.
CONTROL = r"[\x00-\x1f\x7f]"
_NOT_IN_NAME = re.compile(rf"[:/]|{CONTROL}")
_NOT_IN_FIELD = re.compile(rf":|{CONTROL}")

Extra = dict[str, t.Optional[str]]  # The value of a field; None for one that stands by its name alone.


class BadUser(BadInput):
    """A user has a name or a field that no passwd-file can hold."""


class Hasher(t.Protocol):
    """Checks and makes password fields."""

    def verify(self, pairs: t.Sequence[tuple[hashes.Stored, hashes.Claim]]) -> list[bool]: ...

    def make(self, wanted: t.Sequence[tuple[str, hashes.Claim]]) -> list[str]: ...


@dataclasses.dataclass(frozen=True)
class User:
    """A wanted user; None leaves the present value."""

    name: str
    password: str | None = dataclasses.field(default=None, repr=False)
    hash: str | None = dataclasses.field(default=None, repr=False)
    scheme: str | None = None
    realm: str | None = None
    uid: str | None = None
    gid: str | None = None
    gecos: str | None = None
    home: str | None = None
    extra: Extra | None = dataclasses.field(default=None, repr=False)
    present: bool = True

    @property
    def claim(self) -> hashes.Claim:
        return hashes.claim(self.password or "", self.name, self.realm)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A user in the file."""

    name: str
    password: str = dataclasses.field(default="", repr=False)
    uid: str = ""
    gid: str = ""
    gecos: str = ""
    home: str = ""
    shell: str = ""
    extra: str = dataclasses.field(default="", repr=False)

    def line(self) -> str:
        return ":".join((self.name, self.password, self.uid, self.gid, self.gecos, self.home, self.shell, self.extra))


@dataclasses.dataclass
class Plan:
    """The changes to make, the names in the order given, and the resulting text."""

    text: str = dataclasses.field(default="", repr=False)
    create: list[str] = dataclasses.field(default_factory=list)
    modify: dict[str, list[tuple[str, str, str]]] = dataclasses.field(default_factory=dict)
    passwords: list[str] = dataclasses.field(default_factory=list)
    remove: list[str] = dataclasses.field(default_factory=list)

    def lines(self) -> tuple[str, str]:
        """Return the lines of the diff, before and after: names and changes, never a hash or the value of an extra field."""
        before, after = [], []
        for name in self.create:
            after.append(f"{name}: user\n")
        for name, changes in self.modify.items():
            for field, old, new in changes:
                if field in FIELDS:
                    before.append(f"{name}: {field} {old}\n")
                    after.append(f"{name}: {field} {new}\n")
                else:
                    after.append(f"{name}: {field} [{new}]\n")
        for name in self.passwords:
            after.append(f"{name}: [password changed]\n")
        for name in self.remove:
            before.append(f"{name}: user\n")
        return "".join(before), "".join(after)


def parse_line(line: str) -> Entry | None:
    """Return the user of a line; None for a line that Dovecot skips."""
    line = line.rstrip("\r")
    if not line or line.startswith((":", "#")):
        return None
    # Whatever stands behind the shell are the extra fields, colons included.
    return Entry(*line.split(":", 7))


def extra_fields(text: str) -> Extra:
    """Return the extra fields by name."""
    fields = (item.partition("=") for item in text.split(" ") if item)
    return {name: value if equals else None for name, equals, value in fields}


def render_extra(extra: Extra) -> str:
    return " ".join(name if value is None else f"{name}={value}" for name, value in extra.items())


# --- the wanted users ----------------------------------------------------------------------------------------------


def users_from(given: t.Sequence[t.Mapping[str, t.Any]], scheme: str | None = None, realm: str | None = None) -> list[User]:
    """Check the module's ``users`` and make `User` objects of them. Raises `BadUser` with all problems."""
    found = problems(given, scheme)
    if found:
        raise BadUser(" ".join(found))
    return [_user(options, scheme, realm) for options in given]


def problems(given: t.Sequence[t.Mapping[str, t.Any]], scheme: str | None = None) -> list[str]:
    """Report each problem of *given*; no sentence contains a password or hash."""
    found = list(_problems_of_scheme(scheme, "users"))
    found += [sentence for options in given for sentence in problems_of(options, scheme)]
    return found + core_users.repeated(options["name"] for options in given)


def problems_of(options: t.Mapping[str, t.Any], default_scheme: str | None) -> t.Iterator[str]:
    """Report each problem of a single user."""
    name = options["name"]
    who = f"of user {name!r}"
    password, given_hash, scheme = options.get("password"), options.get("password_hash"), options.get("scheme")
    if not name or _NOT_IN_NAME.search(name) or name.startswith("#") or name in (".", ".."):
        yield (
            f"{name!r} cannot be a user's name: a passwd-file's names are not empty, have no colon, slash or line break in them"
            " and do not begin with '#'."
        )
    yield from _problems_of_scheme(scheme, f"user {name!r}")
    yield from _problems_of_secret(password, given_hash, scheme or default_scheme, who)
    if password is not None and given_hash is not None:
        yield f"The user {name!r} has both a password and a password_hash; give one of them."
    for field in FIELDS:
        value = str(options.get(field) or "")
        if not value:
            continue
        if _NOT_IN_FIELD.search(value):
            yield f"The {field} {who} has a colon or a line break in it, which a passwd-file cannot hold."
        elif field in ("uid", "gid") and value in ("0", "root"):
            yield f"The {field} {who} is root's, and Dovecot serves no mail as root; name another account."
        elif field == "home" and not value.startswith(("/", "%")):
            yield f"The home {who} must be an absolute path, and '{value}' is not."
    extra = options.get("extra_fields") or {}
    for field, value in extra.items():
        yield from _problems_of_extra(str(field), value, who)
    if extra.get("nopassword") not in (None, False) and (password is not None or given_hash is not None):
        yield f"The user {name!r} has both a password and the extra field nopassword, which lets everybody in; give one of them."


def _problems_of_secret(password: t.Any, given_hash: t.Any, scheme: str | None, who: str) -> t.Iterator[str]:
    if password is not None:
        wrong = core_password.problem_with(password, "for a user who cannot log in")
        if wrong:
            yield f"The password {who} {wrong}."
    if given_hash is not None:
        wrong = core_password.not_text(given_hash)
        if not wrong and _NOT_IN_FIELD.search(given_hash):
            wrong = "has a colon or a line break in it, which a passwd-file cannot hold"
        wrong = wrong or hashes.problem_with(given_hash, scheme)
        if wrong:
            yield f"The password_hash {who} {wrong}."


def _problems_of_scheme(scheme: str | None, whose: str) -> t.Iterator[str]:
    if scheme is not None and hashes.scheme_name(scheme) not in hashes.MADE:
        yield f"The scheme '{scheme}' of {whose} is none that a password can be stored in here; there are {', '.join(hashes.MADE)}."


def _problems_of_extra(field: str, value: t.Any, who: str) -> t.Iterator[str]:
    if not re.fullmatch(r"[^\s=\x00-\x1f\x7f]+", field):
        yield f"The extra field {field!r} {who} has no name that Dovecot could read: it must not be empty and have no space and no '='."
    elif value is not False and secrets.misread(field, value):
        yield f"The extra field {field} {who} {secrets.misread(field, value)}."
    elif isinstance(value, (dict, list)):
        yield f"The extra field {field} {who} must be one text, number or boolean."
    elif re.search(rf"\s|{CONTROL}", str(value)):
        yield f"The extra field {field} {who} has a space or a line break in its value, where Dovecot begins the next field."


def _user(options: t.Mapping[str, t.Any], default_scheme: str | None, realm: str | None) -> User:
    scheme = options.get("scheme") or default_scheme
    given_hash, extra = options.get("password_hash"), options.get("extra_fields")
    return User(
        name=options["name"],
        password=options.get("password"),
        hash=None if given_hash is None else hashes.field_from(given_hash, scheme),
        scheme=None if scheme is None else hashes.scheme_name(scheme),
        realm=realm,
        present=options.get("state", "present") == "present",
        # A false boolean is a field that shall not be there, a true one a field that needs no value.
        extra=None
        if extra is None
        else {
            str(field): None if value is True else str(value) for field, value in extra.items() if value is not None and value is not False
        },
        **{field: None if options.get(field) is None else str(options[field]) for field in FIELDS},
    )


# --- from what is there to what is wanted --------------------------------------------------------------------------


def plan(users: t.Sequence[User], before: str | None, exclusive: bool, hasher: Hasher) -> Plan:
    """Compare *users* with the file's text."""
    lines = (before or "").split("\n")
    if not lines[-1]:
        lines.pop()
    entries: dict[str, Entry] = {}
    for line in lines:
        entry = parse_line(line)
        if entry:
            entries.setdefault(entry.name, entry)  # Of two lines for a user Dovecot takes the first.
    wanted = {user.name: user for user in users}
    result = Plan()
    new = _new_entries([user for user in users if user.present], entries, hasher, result)
    kept: list[str] = []
    done: set[str] = set()
    for line in lines:
        entry = parse_line(line)
        if entry is None:
            kept.append(line)
        elif entry.name in wanted:
            if entry.name in done:
                result.modify.setdefault(entry.name, []).append(("second line", "", "removed"))
            elif entry.name in new:
                kept.append(line if new[entry.name] == entry else new[entry.name].line())
                done.add(entry.name)
        elif not exclusive:
            kept.append(line)
    kept += [new[name].line() for name in result.create]
    result.remove = [name for name in entries if name not in new and (exclusive or name in wanted)]
    result.text = "".join(f"{line}\n" for line in kept)
    # A last line without its end is no change by itself.
    if before is not None and result.text == f"{before}\n":
        result.text = before
    return result


def _new_entries(users: t.Sequence[User], entries: t.Mapping[str, Entry], hasher: Hasher, result: Plan) -> dict[str, Entry]:
    """Return the entry of each user; all passwords are checked and made in one go."""
    passwords = _passwords(users, entries, hasher, result)
    new = {}
    for user in users:
        old = entries.get(user.name)
        extra = _wanted_extra(user, old)
        same_extra = old is not None and extra == extra_fields(old.extra)
        new[user.name] = entry = dataclasses.replace(
            old or Entry(user.name),
            password=passwords[user.name],
            extra=old.extra if old and same_extra else render_extra(extra),
            **{field: getattr(user, field) for field in FIELDS if getattr(user, field) is not None},
        )
        if old is None:
            result.create.append(user.name)
            continue
        changes = [(field, getattr(old, field), getattr(entry, field)) for field in FIELDS if getattr(old, field) != getattr(entry, field)]
        changes += _extra_changes(extra_fields(old.extra), extra)
        if changes:
            result.modify[user.name] = changes
    return new


def _wanted_extra(user: User, old: Entry | None) -> Extra:
    extra = user.extra if user.extra is not None else extra_fields(old.extra) if old else {}
    if user.password is None and user.hash is None:
        return extra
    # With this, any password would do, and Dovecot takes it for an error beside one.
    return {field: value for field, value in extra.items() if field != "nopassword"}


def _extra_changes(old: Extra, new: Extra) -> t.Iterator[tuple[str, str, str]]:
    for field in dict.fromkeys([*old, *new]):
        if field not in new:
            yield field, "", "removed"
        elif field not in old:
            yield field, "", "added"
        elif old[field] != new[field]:
            yield field, "", "changed"


def _passwords(users: t.Sequence[User], entries: t.Mapping[str, Entry], hasher: Hasher, result: Plan) -> dict[str, str]:
    """Return the password field of each user: the present one if it matches, else a new one."""
    fields: dict[str, str] = {}
    check: list[tuple[User, hashes.Stored]] = []
    make: list[User] = []
    for user in users:
        old = entries.get(user.name)
        stored = hashes.parse(old.password) if old else None
        if user.password is not None:
            # Another scheme that was not asked for is no reason to write a good password anew.
            if stored and user.scheme in (None, stored.scheme):
                check.append((user, stored))
            else:
                make.append(user)
        elif user.hash is not None:
            fields[user.name] = old.password if old and stored == hashes.parse(user.hash) else user.hash
        elif "nopassword" in _wanted_extra(user, old):
            fields[user.name] = ""  # Dovecot wants it empty beside this.
        else:
            fields[user.name] = (old.password if old else "") or NOBODY_KNOWS
    right = hasher.verify([(stored, user.claim) for user, stored in check])
    for (user, _stored), known in zip(check, right):
        if known:
            fields[user.name] = entries[user.name].password
        else:
            make.append(user)
    made = hasher.make([(user.scheme or hashes.DEFAULT, user.claim) for user in make])
    fields.update(zip((user.name for user in make), made))
    for user in users:
        old = entries.get(user.name)
        if fields[user.name] != (old.password if old else NOBODY_KNOWS) and (old or fields[user.name]):
            result.passwords.append(user.name)
    return fields
