# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import signal

import pytest
from ansible_collections.postroom.mail.plugins.module_utils import _host_mta, _host_sockets, _service_control, _services, _takeover
from ansible_collections.postroom.mail.plugins.module_utils._errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._services import State

STATUS = "Package: exim4-daemon-light\nStatus: install ok installed\nVersion: 4\nProvides: mail-transport-agent\n\n"
STATUS += "Package: exim4-base\nStatus: install ok installed\nVersion: 4\n"
INPUT = "var/spool/exim4/input"
ASIDE = "var/spool/handed-over-to-postfix/exim"


def exim_mail(sender, *recipients, option="", body="hello\n", header="Subject: a\n"):
    envelope = f"x-H\nroot 0 0\n<{sender}>\n1 0\n{option}XX\n{len(recipients)}\n" + "".join(f"{r}\n" for r in recipients)
    return f"{envelope}\n{len(header):03}  {header}", f"x-D\n{body}"


class Host:
    """A host of files below a folder, with an Exim as its table says, and a Postfix that takes what it is given."""

    def __init__(self, root, monkeypatch, installed=True):
        self.root = root
        self.calls = []
        self.given = []
        self.refused = {}
        self.pids = set()
        self.stubborn = False
        self.units = {"exim4": State(True, True, True)} if installed else {}
        self.write("var/lib/dpkg/status", STATUS if installed else STATUS.replace("install ok installed", "deinstall ok config-files"))
        monkeypatch.setattr(_services, "manager", lambda: "systemd")
        monkeypatch.setattr(_services, "has_start_link", lambda name: False)
        monkeypatch.setattr(_services, "states", lambda run, names, queue=None: {name: self.units.get(name, State()) for name in names})
        monkeypatch.setattr(_service_control._services, "master", lambda name, queue=None: None)
        monkeypatch.setattr(_host_mta, "processes", lambda server: sorted(self.pids))
        monkeypatch.setattr(_host_sockets, "listeners", lambda: [{"address": "", "port": 25, "process": "exim4"}] if self.pids else [])
        monkeypatch.setattr(_takeover.os, "kill", self.kill)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def queue(self, name, *mail, **parts):
        control, data = exim_mail(*mail, **parts)
        self.write(f"{INPUT}/{name}-H", control)
        self.write(f"{INPUT}/{name}-D", data)

    def kill(self, pid, number):
        self.calls.append(f"kill {pid} {signal.Signals(number).name}")
        if not self.stubborn or number == signal.SIGKILL:
            self.pids.discard(pid)

    def run(self, args, data=None):
        self.calls.append(" ".join(args))
        if args[0] == "systemctl" and args[1] in ("stop", "start"):
            self.units[args[-1]] = self.units[args[-1]]._replace(running=args[1] == "start")
        if args[0] == "systemctl" and args[1] in ("disable", "enable"):
            self.units[args[-1]] = self.units[args[-1]]._replace(enabled=args[1] == "enable")
        if args == ["postconf", "-hx", "sendmail_path"]:
            return 0, "/usr/sbin/sendmail\n", ""
        if args[0] == "/usr/sbin/sendmail":
            recipients = args[args.index("--") + 1 :]
            if recipients[0] in self.refused:
                return self.refused[recipients[0]]
            self.given.append((args[args.index("-f") + 1], *recipients, data))
        return 0, "", ""

    def takeover(self, **options):
        return _takeover.Takeover(self.run, root=str(self.root), timeout=0.2, **options)

    def files(self, path):
        return sorted(os.path.relpath(os.path.join(d, f), self.root / path) for d, _s, names in os.walk(self.root / path) for f in names)


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


def test_tells_what_is_there(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    host.queue("1a-b-d", "a@x.test", "b@x.test", option="-frozen 1\n")
    host.write(f"{INPUT}/1a-b-e-D", "a mail that is just being received has no -H file")
    host.write("etc/aliases", "a: b\n")
    host.pids = {7}
    (told,) = host.takeover().told
    assert (told["name"], told["queue"], told["held"], told["running"], told["listens"]) == ("exim", 1, 1, True, True)
    assert told["packages"] == ["exim4-daemon-light", "exim4-base"]
    assert told["services"] == {"exim4": {"running": True, "enabled": True}}
    assert told["spool"] == [f"/{INPUT}"]
    assert told["aliases"] == [str(host.root / "etc/aliases")]


def test_runs_nothing_where_there_is_nothing(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch, installed=False)
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    assert host.takeover().told == []
    assert host.calls == []


def test_a_queue_that_nobody_knows_cannot_be_told(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "opensmtpd"))
    assert host.takeover().told[0]["queue"] == 0
    host.write("var/spool/smtpd/queue/a1", "x")
    assert host.takeover().told[0]["queue"] is None


def test_a_link_is_no_second_alias_file(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "sendmail-bin"))
    host.write("etc/aliases", "a: b\n")
    (tmp_path / "etc/mail").mkdir()
    (tmp_path / "etc/mail/aliases").symlink_to("../aliases")
    assert host.takeover().told[0]["aliases"] == [str(tmp_path / "etc/aliases")]
    (tmp_path / "etc/mail/aliases").unlink()
    host.write("etc/mail/aliases", "c: d\n")
    assert host.takeover().told[0]["aliases"] == [str(tmp_path / "etc/mail/aliases"), str(tmp_path / "etc/aliases")]


def test_stop(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    host.pids = {7}
    result = host.takeover().stop()
    assert result["changed"]
    assert result["actions"] == ["disable exim4", "stop exim4", "end the processes of exim", "mark the queue of exim"]
    assert host.units["exim4"] == State(True, False, False)
    assert [(host.root / path).stat().st_mode & 0o777 for path in (ASIDE, os.path.dirname(ASIDE))] == [0o700, 0o700]
    assert [(mail["id"], mail["sender"], mail["recipients"]) for mail in result["mails"]] == [("1a-b-c", "a@x.test", ["b@x.test"])]
    again = host.takeover().stop()
    assert (again["changed"], again["actions"]) == (False, [])


def test_stop_in_check_mode_says_the_same_and_does_nothing(host):
    host.queue("1a-b-c", "a@x.test", "b@x.test")
    result = host.takeover(check_mode=True).stop()
    assert result["actions"] == ["disable exim4", "stop exim4", "mark the queue of exim"]
    assert host.units["exim4"] == State(True, True, True)
    assert not (host.root / ASIDE).exists()


def test_a_service_whose_script_ends_nothing(host, monkeypatch):
    def run(args, data=None):
        host.calls.append(" ".join(args))
        return 0, "", ""

    def states(run, names, queue=None):
        return {name: State(True, bool(host.pids), False) if name == "exim4" else State() for name in names}

    host.pids = {7}
    monkeypatch.setattr(_services, "states", states)
    takeover = host.takeover()
    takeover.run = run
    assert takeover.stop()["actions"][:2] == ["stop exim4", "end the processes of exim"]
    assert "systemctl stop -- exim4" in host.calls
    assert host.calls[-1] == "kill 7 SIGTERM"


def test_what_does_not_hear_is_killed(host):
    host.pids, host.stubborn = {7}, True
    host.takeover().stop()
    assert host.calls[-2:] == ["kill 7 SIGTERM", "kill 7 SIGKILL"]


def test_what_does_not_end_at_all_is_an_error(host, monkeypatch):
    host.pids = {7}
    monkeypatch.setattr(_takeover.os, "kill", lambda pid, number: None)
    with pytest.raises(_takeover.StillThere, match=r"exim did not end within 0\.2 s"):
        host.takeover().stop()


def test_a_port_that_stays_taken_is_an_error(host, monkeypatch):
    monkeypatch.setattr(_host_sockets, "listeners", lambda: [{"address": "", "port": 25, "process": None}])
    with pytest.raises(_takeover.StillThere, match="Whoever listens on port 25"):
        host.takeover().stop()


def test_start_links_go_too(host, monkeypatch):
    monkeypatch.setattr(_services, "has_start_link", lambda name: name == "exim4")
    assert "disable exim4 in /etc/rc?.d" in host.takeover().stop()["actions"]
    assert "update-rc.d exim4 disable" in host.calls


def test_aliases_that_lie_elsewhere_alone_are_linked(tmp_path, monkeypatch):
    host = Host(tmp_path, monkeypatch)
    host.write("var/lib/dpkg/status", STATUS.replace("exim4-daemon-light", "sendmail-bin"))
    host.write("etc/mail/aliases", "a: b\n")
    host.takeover().stop()
    assert (tmp_path / "etc/aliases").read_text() == "a: b\n"
    assert (tmp_path / "etc/aliases").is_symlink()


def test_warns_of_aliases_that_only_exim_understands(host):
    host.write("etc/aliases", "nobody: :blackhole:\n")
    takeover = host.takeover()
    takeover.stop()
    assert len(takeover.warnings) == 1
    assert "nobody: :blackhole:" in takeover.warnings[0]


def test_restore_starts_what_ran(host):
    before = host.takeover().told
    host.takeover().stop()
    assert host.takeover().restore(before)["actions"] == ["enable exim4", "start exim4"]
    assert host.units["exim4"] == State(True, True, True)
    assert host.takeover().restore([{"services": {"gone": {"running": True, "enabled": True}}}])["actions"] == []


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

    def move(path, target):
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(_takeover.shutil, "move", move)
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


def test_the_control_file_goes_first_and_nobody_else_hands_over_meanwhile(former, monkeypatch):
    former.queue("1a-b-c", "a@x.test", "b@x.test")
    moved, locked = [], []
    move = _takeover.shutil.move

    def watch(source, target):
        moved.append(os.path.basename(source))
        fd = os.open(former.root / "var/spool/handed-over-to-postfix", os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked.append(False)
        except BlockingIOError:
            locked.append(True)
        finally:
            os.close(fd)
        return move(source, target)

    monkeypatch.setattr(_takeover.shutil, "move", watch)
    former.takeover().hand_over()
    # A queue without its control file has no mail: a crash in between hands nothing over twice.
    assert moved == ["1a-b-c-H", "1a-b-c-D"]
    assert locked == [True, True]
