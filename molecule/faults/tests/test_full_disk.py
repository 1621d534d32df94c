# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk that is full, or can only be read, wherever a change writes: where it works, keeps, stages and renames."""

from __future__ import annotations

import contextlib

import pytest
from saved_changes import on_each
from state_of_host import contents, files, is_a_sentence, left

# Where a change writes, in its order, and what lies there that the daemons go on reading.
PLACES = [
    "/run/postroom",
    "/var/lib/postroom",
    "/etc/postfix",
    "/etc/dovecot/sieve/users",
    "/etc/dovecot",
    "/var/spool/postfix/etc",
    "/etc",
]
# Bytes that are left on the disk, up to more than is needed: it becomes full at another step with each.
ROOM = [4096 * pages for pages in (1, 3, 9, 27, 81)]


def read_only(place: str) -> str:
    return f"mount --rbind {place} {place} && mount -o remount,ro,bind {place}"


def full(place: str, room: int = 0) -> str:
    """A copy of *place* takes its place, on a disk with *room* bytes left; an empty one gets a page, because 0 is no limit."""
    return f"""
        mkdir -p /run/full && mount -t tmpfs -o mode=755 tmpfs /run/full && cp -a {place}/. /run/full/ &&
        chown --reference={place} /run/full && chmod --reference={place} /run/full &&
        size=$(($(df --output=used -B1 /run/full | tail -1) + {room})) &&
        mount -o remount,size=$((size ? size : 4096)) /run/full &&
        mount --rbind /run/full {place}
    """


@contextlib.contextmanager
def mounted(mail, place, command):
    mail.out(command)
    try:
        yield
    finally:
        mail.out(f"umount -l {place}; if mountpoint -q /run/full; then umount -l /run/full; fi")


def refused(mail, carry_out, place, command, words):
    """Return the faults of a run in which the change *latter* had to be refused; none if all is well."""
    with mounted(mail, place, command):
        before = files(mail)
        ran = carry_out(mail, "latter")
        after, leftovers = files(mail), left(mail)
    if not ran.failed:
        carry_out(mail, "former")
    sentence = ran.result.get("msg", "")
    is_well = ran.failed and is_a_sentence(sentence) and words in sentence and after == before and leftovers == ""
    return None if is_well else (mail.name, ran, sorted(set(before.splitlines()) ^ set(after.splitlines())), leftovers)


@pytest.mark.parametrize(("how", "words"), [(read_only, "Read-only file system"), (full, "No space left on device")])
@pytest.mark.parametrize("place", PLACES)
def test_a_disk_that_takes_nothing_is_one_sentence(mails, saved, mail_goes_on, place, how, words):
    assert on_each(mails, lambda mail: refused(mail, saved, place, how(place), words)) == [None, None]
    assert all(mail_goes_on[mail.name].goes_on() for mail in mails)


def fills_up(mail, carry_out, place):
    """With how much room the change is refused, as far as that is, with everything as it was."""
    found = []
    for room in ROOM:
        with mounted(mail, place, full(place, room)):
            before = files(mail)
            ran = carry_out(mail, "latter")
            after, leftovers = files(mail), left(mail)
            if not ran.failed:
                break
            sentence = ran.result["msg"]
            assert is_a_sentence(sentence), (room, ran)
            assert "No space left on device" in sentence, (room, ran)
            assert (after, leftovers) == (before, ""), (room, sentence)
            found.append(room)
    return found


@pytest.mark.parametrize("place", ["/etc", "/var/lib/postroom"])
def test_a_disk_that_fills_up_on_the_way_is_one_sentence(mails, saved, mail_goes_on, place):
    wanted = on_each(mails, contents)
    rooms = on_each(mails, lambda mail: fills_up(mail, saved, place))
    assert all(0 < len(room) < len(ROOM) for room in rooms), rooms
    # The last one held, on a disk that is no longer there: the daemons read what lies below it again.
    on_each(mails, lambda mail: mail.out("systemctl restart postfix dovecot"))
    on_each(mails, lambda mail: saved(mail, "latter"))
    assert [saved(mail, "former").failed for mail in mails] == [False, False]
    assert on_each(mails, contents) == wanted
    assert all(mail_goes_on[mail.name].goes_on() for mail in mails)
