# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only way in which this collection changes a file.

Read once, compute the wanted text, compare, stop there in check mode, stage a copy, validate the copy, rename.

The staged copy is ``PATH.tmp``, locked with flock(2). That is Postfix's own protocol for editing ``main.cf`` and
``master.cf`` (``edit_file(3)`` in its source), so a ``postconf -e`` that runs at the same time waits for us and we for
it, and neither loses the other's edit. A symbolic link stays a link: the file it points to is replaced, by a copy that is
staged and locked beside that file too. What is staged is readable for nobody else until it has its final owner and mode.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import grp
import os
import pwd
import re
import stat
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError

# How text and the bytes of a configuration file correspond: any byte survives a round trip.
ENCODING = "utf-8"
ERRORS = "surrogateescape"


class FileBusy(HostError):
    """Another program holds the lock on the file for longer than the time limit."""


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
    """Return the text of *path*, or None when there is no such file. Raises `HostError` when it cannot be read."""
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
    uid, gid = attributes.ids()
    before = read(path)
    after = render(before)
    if before == after:
        wrong = _attributes_differ(path, uid, gid, attributes.mode)
        if not check_mode:
            for place in dict.fromkeys((path, os.path.realpath(path))):
                _clear_up(place)
            if wrong:
                _apply_attributes(os.path.realpath(path), uid, gid, attributes.mode)
        return Change(path, before, after, attributes_changed=wrong)
    if validate:
        validate(after)
    if check_mode:
        return Change(path, before, after)
    target = os.path.realpath(path)
    with contextlib.ExitStack() as stack:
        staged = stack.enter_context(_locked(path, lock_timeout))
        if os.path.islink(path):
            # The renamed file is in the directory of the file that it replaces.
            staged = stack.enter_context(_locked(target, lock_timeout))
            written = None
        now = read(path)
        if now != before:
            before, after = now, render(now)
            if before == after:
                return Change(path, before, after)
            if validate:
                validate(after)
        backup_file = _backup(path, before, attributes.mode, uid, gid) if backup and before is not None else None
        with open(written, "r+b") if written else contextlib.nullcontext(staged) as f:
            _put_in_place(f, written or f"{target}.tmp", path, None if written else after, attributes.mode, uid, gid)
    return Change(path, before, after, backup_file=backup_file)


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


@contextlib.contextmanager
def _locked(path: str, timeout: float) -> t.Iterator[t.BinaryIO]:
    """Hold the lock on ``PATH.tmp``; the file is gone, or has become PATH, when the block ends."""
    staged_path = f"{path}.tmp"
    deadline = time.monotonic() + timeout
    while True:
        try:
            staged = _open_staged(staged_path)
        except OSError as e:
            raise HostError(f"Cannot write {staged_path}: {e.strerror}; {path} was left as it is.") from e
        if _flock_until(staged, deadline) and _is_same_file(staged, staged_path):
            if _is_private(staged):
                break
            # Left behind, or laid there: somebody else may have it open, and would read what is written to it.
            os.unlink(staged_path)
        staged.close()
        if time.monotonic() >= deadline:
            raise FileBusy(
                f"{path} is being edited by another program (postconf, or a second run of the play), which holds"
                f" {staged_path} for more than {timeout:g} s; try again when it has finished."
            )
    try:
        yield staged
    finally:
        # Only while the lock is held is the name ours to remove; after a rename it is no longer there.
        with contextlib.suppress(FileNotFoundError):
            if _is_same_file(staged, staged_path):
                os.unlink(staged_path)
        # On a full disk closing fails again, with what could not be written; the first failure says it better.
        with contextlib.suppress(OSError):
            staged.close()


def _open_staged(staged_path: str) -> t.BinaryIO:
    fd = os.open(staged_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EEXIST, "it is no file")
    return os.fdopen(fd, "r+b")


def _is_private(f: t.BinaryIO) -> bool:
    """Return whether no other user could open the file, now or before: a file that was made with another mode has kept it."""
    st = os.fstat(f.fileno())
    return st.st_uid == os.geteuid() and st.st_nlink == 1 and not st.st_mode & 0o077


def _clear_up(path: str) -> None:
    """Remove the staged copy that a killed run left, unless another run is at work with it."""
    staged_path = f"{path}.tmp"
    if os.path.lexists(staged_path):
        with contextlib.suppress(OSError), _open_staged(staged_path) as staged:
            fcntl.flock(staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(staged, staged_path):
                os.unlink(staged_path)


def _flock_until(f: t.BinaryIO, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)


def _is_same_file(f: t.BinaryIO, path: str) -> bool:
    """Return whether the open file still is the file *path*: the former holder may have renamed or removed it."""
    try:
        return os.path.samestat(os.fstat(f.fileno()), os.lstat(path))
    except FileNotFoundError:
        return False


def _put_in_place(staged: t.BinaryIO, staged_path: str, path: str, text: str | None, mode: int | None, uid: int, gid: int) -> None:
    """Fill the staged file, unless *text* is None, give it the attributes of the live one or the wanted ones, and rename it."""
    target = os.path.realpath(path)
    try:
        if text is not None:
            staged.seek(0)
            staged.truncate()
            staged.write(text.encode(ENCODING, ERRORS))
            staged.flush()
        os.fsync(staged.fileno())
        try:
            live: os.stat_result | None = os.stat(target)
        except FileNotFoundError:
            live = None
        if live:
            os.fchown(staged.fileno(), live.st_uid if uid == -1 else uid, live.st_gid if gid == -1 else gid)
            os.fchmod(staged.fileno(), stat.S_IMODE(live.st_mode) if mode is None else mode)
            copy_security_context(target, staged_path)
        else:
            os.fchown(staged.fileno(), uid, gid)
            os.fchmod(staged.fileno(), 0o644 if mode is None else mode)
        os.rename(staged_path, target)
        fsync_directory(os.path.dirname(target))
    except OSError as e:
        raise HostError(f"Cannot write {path}: {e.strerror}; it was left as it is.") from e


def copy_security_context(source: str, target: str) -> None:
    """Keep the SELinux label (security.selinux); on a host without SELinux there is none to keep."""
    with contextlib.suppress(OSError):
        os.setxattr(target, "security.selinux", os.getxattr(source, "security.selinux"))


def fsync_directory(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _backup(path: str, text: str, mode: int | None, uid: int, gid: int) -> str:
    """Copy the live *text* to ``PATH.YYYY-MM-DD@HH:MM:SS~``, readable for no user who may not read the wanted one either."""
    copy = f"{path}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"
    try:
        st = os.stat(path)
        # Created unreadable first: the file may hold a secret.
        fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(text.encode(ENCODING, ERRORS))
            os.fchown(out.fileno(), st.st_uid if uid == -1 else uid, st.st_gid if gid == -1 else gid)
            os.fchmod(out.fileno(), stat.S_IMODE(st.st_mode) & (0o7777 if mode is None else mode))
    except OSError as e:
        raise HostError(f"Cannot back up {path} to {copy}: {e.strerror}; nothing was changed.") from e
    return copy


def _attributes_differ(path: str, uid: int, gid: int, mode: int | None) -> bool:
    st = os.stat(path)
    return uid not in (-1, st.st_uid) or gid not in (-1, st.st_gid) or mode not in (None, stat.S_IMODE(st.st_mode))


def _apply_attributes(path: str, uid: int, gid: int, mode: int | None) -> None:
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
