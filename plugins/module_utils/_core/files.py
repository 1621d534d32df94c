# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only way in which this collection changes a file.

Read once, compute the wanted text, compare, stop there in check mode, stage a copy, validate the copy, rename.

The staged copy and its lock are those of `_core.locked_copy`. A symbolic link stays a link: the file it points to is
replaced, by a copy that is staged and locked beside that file too. What is staged is readable for nobody else until it has
its final owner and mode. While a stage is open (`_core.staging`), nothing is written: what is wanted is gathered there, and
read back as if it were in place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import grp
import os
import pwd
import re
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import staging
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import clear_up, locked

# How text and the bytes of a configuration file correspond: any byte survives a round trip.
ENCODING = "utf-8"
ERRORS = "surrogateescape"


@dataclasses.dataclass(frozen=True)
class Attributes:
    """Owner, group and mode of a file; None leaves the present ones (or, for a new file, root's and `mode` 0644)."""

    owner: str | None = None
    group: str | None = None
    mode: int | None = None

    def ids(self) -> tuple[int, int]:
        """Resolve owner and group to numbers; -1 stands for "leave it", as in chown(2). Raises `BadInput`."""
        return _uid(self.owner), _gid(self.group)


def mode_from(mode: str | None, path: str) -> int | None:
    """Return the number for `Attributes` that *mode* stands for; Ansible passes an unquoted 0640 as 416. Raises `BadInput`."""
    if mode is not None and not re.fullmatch(r"0[0-7]{3,4}", mode):
        raise BadInput(
            f'The mode {mode} of {path} is not understood: write it in quotes, in octal digits and with a leading zero, as in "0640".'
        )
    return None if mode is None else int(mode, 8)


Render = t.Callable[[t.Optional[str]], str]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The way in which `update` is to write a file; see there."""

    attributes: Attributes = Attributes()
    validate: t.Callable[[str], None] | None = None
    backup: bool = False
    written: str | None = None
    lock_timeout: float = 30.0


@dataclasses.dataclass(frozen=True)
class Change:
    """The work that `update` did, or would do in check mode."""

    path: str
    before: str | None
    after: str
    attributes_changed: bool = False
    backup_file: str | None = None

    @property
    def content_changed(self) -> bool:
        return self.before != self.after

    @property
    def changed(self) -> bool:
        return self.content_changed or self.attributes_changed


def read_text(path: str) -> str | None:
    """The text of *path*, or None when there is no such file. Raises `HostError` when it cannot be read."""
    stage = staging.current()
    if stage is not None:
        is_staged, text = stage.read(path)
        if is_staged:
            return text
    try:
        with open(path, encoding=ENCODING, errors=ERRORS, newline="") as f:
            return f.read()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise HostError(f"Cannot read {path}: {e.strerror}.") from e


def update(
    path: str,
    render: t.Callable[[str | None], str],
    *,
    validate: t.Callable[[str], None] | None = None,
    check_mode: bool = False,
    attributes: Attributes = Attributes(),
    backup: bool = False,
    written: str | None = None,
    lock_timeout: float = 30.0,
    read: t.Callable[[str], str | None] = read_text,
) -> Change:
    """Bring *path* to the text that *render* makes of its present text; leave every inode alone if it is right already.

    *render* gets the present text (None: no file) and returns the wanted one; it must be pure, for it runs again
    if another program has changed the file meanwhile. *validate* gets the wanted text and raises when the daemon would
    not take it; it runs in check mode too, and before anything is written next to the live file. *written* is a file
    beside *path* that has the wanted text already: it is renamed into place, so that a large text is written once.
    *lock_timeout* is in seconds; *read* gets the present text. Raises `HostError` (disk full, read-only, ...),
    `FileBusy`, and whatever *render* and *validate* raise.
    """
    stage = staging.current()
    if stage is not None:
        return stage.update(path, render, Wanted(attributes, validate, backup and not check_mode, written, lock_timeout), read)
    uid, gid = attributes.ids()
    before = read(path)
    after = render(before)
    if before == after:
        wrong = attributes_differ(path, uid, gid, attributes.mode)
        if not check_mode:
            for place in dict.fromkeys((path, os.path.realpath(path))):
                clear_up(place)
            if wrong:
                apply_attributes(os.path.realpath(path), uid, gid, attributes.mode)
        return Change(path, before, after, attributes_changed=wrong)
    if validate:
        validate(after)
    if check_mode:
        return Change(path, before, after)
    target = os.path.realpath(path)
    with contextlib.ExitStack() as stack:
        staged = stack.enter_context(locked(path, lock_timeout))
        if os.path.islink(path):
            # The renamed file is in the directory of the file that it replaces.
            staged = stack.enter_context(locked(target, lock_timeout))
            written = None
        now = read(path)
        if now != before:
            before, after = now, render(now)
            if before == after:
                return Change(path, before, after)
            if validate:
                validate(after)
        backup_file = back_up(path, before, attributes.mode, uid, gid, backup_name(path)) if backup and before is not None else None
        with open(written, "r+b") if written else contextlib.nullcontext(staged) as f:
            _put_in_place(f, written or f"{target}.tmp", path, None if written else after, attributes.mode, uid, gid)
    return Change(path, before, after, backup_file=backup_file)


def exists(path: str) -> bool:
    """Tell if *path* is there, or will be."""
    stage = staging.current()
    will_exist = stage.will_exist(path) if stage is not None else None
    return os.path.exists(path) if will_exist is None else will_exist


def is_directory(path: str) -> bool:
    """Tell if the directory *path* is there, or will be."""
    stage = staging.current()
    return os.path.isdir(path) or (stage is not None and path in stage.directories)


def remove(path: str, *, check_mode: bool = False) -> None:
    """Take the file *path* away, if it is there. Raises `HostError`."""
    stage = staging.current()
    if stage is not None:
        stage.remove(path)
    elif not check_mode:
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        except OSError as e:
            raise HostError(f"Cannot remove {path}: {e.strerror}.") from e


def make(path: str, maker: t.Callable[[], None], *, check_mode: bool = False) -> None:
    """Have *maker* put the file *path* in place, which is made of files that `update` writes: at once, or after these.

    In check mode a stage is told, too, so that it knows what would be changed.
    """
    stage = staging.current()
    if stage is not None:
        stage.make(path, maker)
    elif not check_mode:
        maker()


def set_attributes(path: str, uid: int, gid: int, mode: int | None) -> None:
    """Give *path* an owner, a group (-1: as they are) and a mode (None: as it is). Raises `HostError`."""
    stage = staging.current()
    if stage is not None:
        stage.attributes(path, uid, gid, mode)
    else:
        apply_attributes(path, uid, gid, mode)


def make_directory(path: str, *, uid: int = -1, gid: int = -1, mode: int = 0o755, parents: bool = False) -> None:
    """Make a directory, with those above it if *parents*; one that is there gets owner, group and mode. Raises `HostError`."""
    if parents and not is_directory(os.path.dirname(path)):
        make_directory(os.path.dirname(path), parents=True)
    stage = staging.current()
    if stage is not None:
        stage.directory(path, uid, gid, mode)
        return
    try:
        with _there_already(path):
            os.mkdir(path, 0o700)
        if attributes_differ(path, uid, gid, mode):
            apply_attributes(path, uid, gid, mode)
    except OSError as e:
        raise HostError(f"Cannot make the directory {path}: {e.strerror}.") from e


@contextlib.contextmanager
def _there_already(path: str) -> t.Iterator[None]:
    """Make nothing of a directory that is there; anything else that is there is an error, and stays as it is."""
    try:
        yield
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def diff(change: Change, *, secret: bool = False) -> dict[str, str]:
    """Return the ``diff`` of a module's result; for a *secret* file it only says that the file changed."""
    if secret:
        # Where only the owner or the mode is another, there is nothing to show at all.
        after = "[the content is not shown]\n" if change.content_changed else ""
        return {"before_header": change.path, "after_header": change.path, "before": "", "after": after}
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": _printable(change.before or ""),
        "after": _printable(change.after),
    }


def _printable(text: str) -> str:
    """Make *text* fit for JSON: a replacement character stands for bytes that are not UTF-8."""
    return text.encode(ENCODING, ERRORS).decode(ENCODING, "replace")


def write_aged(path: str, text: str) -> None:
    """Write a staged main.cf or master.cf with a time one hour back: Postfix waits two seconds for further edits of a newer one."""
    with open(path, "w", encoding=ENCODING, errors=ERRORS, newline="") as f:
        f.write(text)
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def fill(staged: t.BinaryIO, path: str, text: str | None, mode: int | None, uid: int, gid: int) -> None:
    """Fill the staged file, unless *text* is None, and give it the attributes of the live one or the wanted ones. Raises `OSError`."""
    target = os.path.realpath(path)
    if text is not None:
        staged.seek(0)
        staged.truncate()
        staged.write(text.encode(ENCODING, ERRORS))
        staged.flush()
    try:
        live: os.stat_result | None = os.stat(target)
    except FileNotFoundError:
        live = None
    if live:
        os.fchown(staged.fileno(), live.st_uid if uid == -1 else uid, live.st_gid if gid == -1 else gid)
        os.fchmod(staged.fileno(), stat.S_IMODE(live.st_mode) if mode is None else mode)
        copy_security_context(target, staged.fileno())
    else:
        os.fchown(staged.fileno(), uid, gid)
        os.fchmod(staged.fileno(), 0o644 if mode is None else mode)
    os.fsync(staged.fileno())


def _put_in_place(staged: t.BinaryIO, staged_path: str, path: str, text: str | None, mode: int | None, uid: int, gid: int) -> None:
    """Fill the staged file and rename it."""
    target = os.path.realpath(path)
    try:
        fill(staged, path, text, mode, uid, gid)
        os.rename(staged_path, target)
        fsync_directory(os.path.dirname(target))
    except OSError as e:
        raise HostError(f"Cannot write {path}: {e.strerror}; it was left as it is.") from e


def copy_security_context(source: str, target: str | int) -> None:
    """Keep the SELinux label (security.selinux); on a host without SELinux there is none to keep."""
    with contextlib.suppress(OSError):
        os.setxattr(target, "security.selinux", os.getxattr(source, "security.selinux"))


def fsync_directory(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def backup_name(path: str) -> str:
    """Return the name of a backup of *path* that is made now."""
    return f"{path}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"


def back_up(path: str, text: str, mode: int | None, uid: int, gid: int, copy: str) -> str:
    """Copy the live *text* beside its file as ``PATH.YYYY-MM-DD@HH:MM:SS~``, for nobody who may not read the wanted one either."""
    try:
        st = os.stat(path)
        if os.path.lexists(copy):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        # Unreadable first: the file may hold a secret. And nobody takes half a copy for a whole one.
        with locked(copy, 0) as out:
            out.truncate()
            out.write(text.encode(ENCODING, ERRORS))
            out.flush()
            os.fchown(out.fileno(), st.st_uid if uid == -1 else uid, st.st_gid if gid == -1 else gid)
            os.fchmod(out.fileno(), stat.S_IMODE(st.st_mode) & (0o7777 if mode is None else mode))
            os.rename(f"{copy}.tmp", copy)
    except OSError as e:
        raise HostError(f"Cannot back up {path} to {copy}: {e.strerror}; nothing was changed.") from e
    return copy


def attributes_differ(path: str, uid: int, gid: int, mode: int | None) -> bool:
    st = os.stat(path)
    return uid not in (-1, st.st_uid) or gid not in (-1, st.st_gid) or mode not in (None, stat.S_IMODE(st.st_mode))


def apply_attributes(path: str, uid: int, gid: int, mode: int | None) -> None:
    try:
        os.chown(path, uid, gid)
        if mode is not None:
            os.chmod(path, mode)
    except OSError as e:
        raise HostError(f"Cannot set the owner, group or mode of {path}: {e.strerror}.") from e


def _uid(owner: str | None) -> int:
    if owner is None:
        return -1
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        if owner.isdecimal():
            return int(owner)
        raise BadInput(f"There is no user '{owner}' on this host to own the file.") from None


def _gid(group: str | None) -> int:
    if group is None:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        if group.isdecimal():
            return int(group)
        raise BadInput(f"There is no group '{group}' on this host to own the file.") from None
