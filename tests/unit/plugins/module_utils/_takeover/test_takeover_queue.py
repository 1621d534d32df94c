# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import signal

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._takeover import takeover as _takeover
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.former_host import ASIDE, INPUT, Host, exim_mail


@pytest.fixture
def host(tmp_path, monkeypatch):
    (tmp_path / "var/spool").mkdir(parents=True)
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def former(tmp_path, monkeypatch):
    """A host from whose Exim Postfix has taken over."""
    host = Host(tmp_path, monkeypatch, installed=False)
    (tmp_path / ASIDE).mkdir(parents=True)
    return host


def test_hand_over(former):
    former.queue("1a-b-c", "a@x.test", "b@x.test", "-c@x.test", body="hé\n.\nende")
    former.queue("1a-b-d", "", "b@x.test")
    result = former.takeover().hand_over()
    assert former.given == [("a@x.test", "b@x.test", "-c@x.test", "Subject: a\n\nhé\n.\nende"), ("", "b@x.test", "Subject: a\n\nhello\n")]
    assert [call.split(" -- ")[0] for call in former.calls[1:]] == [
        "/usr/sbin/sendmail -G -i -f a@x.test -B8BITMIME",
        "/usr/sbin/sendmail -G -i -f ",
    ]
    assert (result["changed"], result["handed_over"], result["kept"]) == (True, 2, 0)
    assert former.files(INPUT) == []
    assert former.files(f"{ASIDE}/input") == ["1a-b-c-D", "1a-b-c-H", "1a-b-d-D", "1a-b-d-H"]
    assert former.takeover().told == []
    assert former.takeover().hand_over()["changed"] is False


def test_what_postfix_does_not_take_stays(former):
    former.queue("1a-b-c", "a@x.test", "b@x.test")
    former.queue("1a-b-d", "a@x.test", "c@x.test")
    former.queue("1a-b-e", "a@x.test", "d@x.test", option="-frozen 1\n")
    former.refused["b@x.test"] = (75, "", "sendmail: fatal: message file too big\n")
    result = former.takeover().hand_over()
    assert [(mail["id"], mail["reason"]) for mail in result["mails"]] == [
        ("1a-b-c", "sendmail: fatal: message file too big"),
        ("1a-b-e", "it was held back"),
        ("1a-b-d", ""),
    ]
    assert (result["handed_over"], result["kept"]) == (1, 2)
    assert former.files(INPUT) == ["1a-b-c-D", "1a-b-c-H", "1a-b-e-D", "1a-b-e-H"]
    del former.refused["b@x.test"]
    assert former.takeover().hand_over()["handed_over"] == 1
    assert [mail[1] for mail in former.given] == ["c@x.test", "b@x.test"]


def test_an_interrupted_run_goes_on(former):
    for letter in "cde":
        former.queue(f"1a-b-{letter}", "a@x.test", f"{letter}@x.test")

    class Killed(Exception):
        pass

    def run(args, data=None):
        if args[-1] == "d@x.test":
            raise Killed
        return former.run(args, data)

    takeover = former.takeover()
    takeover.run = run
    with pytest.raises(Killed):
        takeover.hand_over()
    former.takeover().hand_over()
    assert [mail[1] for mail in former.given] == ["c@x.test", "d@x.test", "e@x.test"]


def test_a_signal_is_heard_between_two_mails(former):
    for letter in "cd":
        former.queue(f"1a-b-{letter}", "a@x.test", f"{letter}@x.test")

    def run(args, data=None):
        if args[-1] == "c@x.test":
            signal.raise_signal(signal.SIGTERM)
        return former.run(args, data)

    before = signal.getsignal(signal.SIGTERM)
    takeover = former.takeover()
    takeover.run = run
    with pytest.raises(_takeover.Interrupted, match="after 1 mails"):
        takeover.hand_over()
    assert signal.getsignal(signal.SIGTERM) == before
    former.takeover().hand_over()
    assert [mail[1] for mail in former.given] == ["c@x.test", "d@x.test"]


def test_a_mail_whose_recipients_all_have_it_is_put_aside(former):
    former.queue("1a-b-c", "a@x.test", "b@x.test")
    former.write(f"{INPUT}/1a-b-c-J", "b@x.test\n")
    assert former.takeover().hand_over()["handed_over"] == 1
    assert former.given == []
    assert former.files(f"{ASIDE}/input") == ["1a-b-c-D", "1a-b-c-H", "1a-b-c-J"]


def test_hand_over_in_check_mode(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    result = host.takeover(check_mode=True).hand_over()
    assert (result["changed"], result["handed_over"]) == (True, 1)
    assert result["diff"] == {"before": f"/{INPUT}/1a-b-c: from <a@x.test> to b@x.test\n", "after": ""}
    assert host.given == []
    assert host.files(INPUT) == ["1a-b-c-D", "1a-b-c-H"]


def test_of_a_mail_server_that_is_still_there_nothing_is_taken(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    assert host.takeover().hand_over()["handed_over"] == 0


def test_without_postfix_there_is_one_sentence(former):
    former.queue("1a-b-c", "a@x.test", "b@x.test")
    takeover = former.takeover()
    takeover.run = lambda args, data=None: (127, "", "not found")
    with pytest.raises(_takeover.NoPostfix, match="install it first"):
        takeover.hand_over()


def test_a_file_that_cannot_be_moved_is_named(former, monkeypatch):
    former.queue("1a-b-c", "a@x.test", "b@x.test")

    def rename(name, target, *, src_dir_fd):
        raise OSError(28, "No space left on device", name)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(HostError, match=r"1a-b-c.*No space left on device.*again"):
        former.takeover().hand_over()


def test_a_queue_spread_over_folders(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch, installed=False)
    (tmp_path / "var/spool/handed-over-to-postfix/sendmail").mkdir(parents=True)
    host.write("var/spool/mqueue/q1/qf/qf1a", "V8\nSa@x.test\nRPFD:b@x.test\nH??Subject: a\n.\n")
    host.write("var/spool/mqueue/q1/df/df1a", "hello\n")
    host.write("var/spool/mqueue/q1/qf/hf1b", "V8\nquarantined\n")
    assert (host.takeover().told[0]["queue"], host.takeover().told[0]["held"]) == (1, 1)
    host.takeover().hand_over()
    assert host.given == [("a@x.test", "b@x.test", "Subject: a\n\nhello\n")]
    assert host.files("var/spool/mqueue") == ["q1/qf/hf1b"]


def laid_by_its_owner(host):
    """Lay all that the owner of a former mail server's spool can lay there; return the mail that stays, by its reason."""
    host.write("secret", "root:hash")
    attacks = {
        "1a-b-c": ("D", lambda path: path.symlink_to(host.root / "secret"), "its file 1a-b-c-D is a link"),
        "1a-b-d": ("H", os.mkfifo, "its file 1a-b-d-H is no file"),
        "1a-b-e": ("H", lambda path: path.write_text(exim_mail("a@x.test", "b@x.test")[0].replace("XX\n1\n", f"XX\n{'1' * 5000}\n")),
                   "there is no number of recipients in its -H file"),
        "1a-b-f": ("H", lambda path: path.write_text(exim_mail("a@x.test", "b\0@x.test")[0]), "an address in it has a control character"),
        "1a-b-g": ("D", lambda path: os.truncate(path, 300 << 30) if path.touch() is None else None,
                   "its file 1a-b-g-D is larger than 134217728 bytes"),
    }  # fmt: skip
    for name, (part, lay, _reason) in attacks.items():
        host.queue(name, "a@x.test", "mallory@x.test")
        path = host.root / INPUT / f"{name}-{part}"
        path.unlink()
        lay(path)
    return {name: reason for name, (_part, _lay, reason) in attacks.items()}


def test_files_that_somebody_laid_are_kept_and_told_and_the_others_go(former):
    reasons = laid_by_its_owner(former)
    former.queue("1a-b-z", "a@x.test", "b@x.test")
    assert former.takeover().told[0]["queue"] == 6
    result = former.takeover().hand_over()
    assert {mail["id"]: mail["reason"] for mail in result["mails"]} == {**reasons, "1a-b-z": ""}
    assert [mail[:2] for mail in former.given] == [("a@x.test", "b@x.test")]
    assert (result["handed_over"], result["kept"]) == (1, 5)


def test_a_queue_behind_a_link_cannot_be_told(former):
    former.write("elsewhere/1a-b-c-H", "x")
    (former.root / "var/spool/exim4").mkdir()
    os.chmod(former.root / "var/spool/exim4", 0o777)
    (former.root / INPUT).symlink_to(former.root / "elsewhere")
    assert former.takeover().told[0]["queue"] is None
    assert former.takeover().hand_over()["mails"] == []


def test_the_control_file_goes_first_and_nobody_else_hands_over_meanwhile(former, monkeypatch):
    former.queue("1a-b-c", "a@x.test", "b@x.test")
    moved, locked = [], []
    rename = os.rename

    def watch(source, target, **options):
        moved.append(os.path.basename(source))
        fd = os.open(former.root / "var/spool/handed-over-to-postfix", os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked.append(False)
        except BlockingIOError:
            locked.append(True)
        finally:
            os.close(fd)
        return rename(source, target, **options)

    monkeypatch.setattr(os, "rename", watch)
    former.takeover().hand_over()
    # A queue without its control file has no mail: a crash in between hands nothing over twice.
    assert moved == ["1a-b-c-H", "1a-b-c-D"]
    assert locked == [True, True]
