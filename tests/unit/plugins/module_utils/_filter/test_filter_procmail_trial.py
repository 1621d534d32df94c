# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import types

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import rooms
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import Location
from ansible_collections.postroom.mail.plugins.module_utils._filter.procmail_trial import BadRecipes, Bench, NoProgram, NoTrial
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import parse

MAILDIR = Location("maildir", "$HOME/Maildir", "$HOME/Maildir/", ".")
FS = Location("maildir", "$HOME/Maildir", "$HOME/Maildir/", "/")
MBOX = Location("mbox", "$HOME/mail", "/var/mail/$LOGNAME", "/")
MAIL = "From: joe@y.example\nSubject: a\n\nhello\n"
NOTHING = {"folder": [], "forward": [], "flag": [], "pipe": [], "discard": False, "reject": False, "vacation": False}


def rules_of(*options):
    rules, problems = parse(list(options), "of alice")
    assert problems == []
    return rules


class FakeProcmail:
    """Writes the log that a real one would, and leaves what it is told to."""

    def __init__(self, place):
        self.place = place
        self.says = {}
        self.end = True
        self.leaves = {}
        self.answer = (0, "", "")
        self.shell_says = (0, "", "")
        self.commands, self.checked, self.texts, self.messages = [], [], [], []

    def __call__(self, args, data=None):
        if args == ["/bin/sh", "-n"]:
            self.checked.append(data)
            return self.shell_says
        self.commands.append(args)
        self.messages.append(data)
        directory = pathlib.Path(args[-1]).parent
        assert directory.parent == self.place
        self.modes = [directory.stat().st_mode & 0o777, *(path.stat().st_mode & 0o777 for path in directory.glob("mail/**/"))]
        self.record = (directory / "record").read_text()
        text = (directory / "rc").read_text()
        # The directory has another name each time.
        self.texts.append(text.replace(str(directory), "TRIAL"))
        self.record = self.record.replace(str(directory), "TRIAL")
        if self.answer[0] == 0 and not self.answer[2]:
            log = []
            for mark in re.findall(r'^LOG="([^"]*)\n"', text, re.MULTILINE):
                log += [mark] if self.end or mark != "postroom end" else []
                log += self.says.get(mark, [])
            (directory / "log").write_text("".join(f"{line}\n" for line in log))
            for name, content in self.leaves.items():
                path = directory / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        return self.answer


@pytest.fixture
def procmail(tmp_path, monkeypatch):
    account = types.SimpleNamespace(pw_name="alice", pw_uid=os.getuid(), pw_gid=os.getgid(), pw_dir=str(tmp_path / "home"))
    monkeypatch.setattr(pwd, "getpwnam", {"alice": account}.__getitem__)
    place = tmp_path / "place"
    for directory in (place, tmp_path / "home/bin"):
        directory.mkdir(parents=True)
    monkeypatch.setattr(rooms, "PLACE", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    yield FakeProcmail(place)
    assert list(place.iterdir()) == []


def bench(procmail, location=MAILDIR):
    return Bench(procmail, "alice", location, "example.org")


@pytest.mark.parametrize("euid", [0, 1000])
def test_procmail_runs_as_the_user_below_a_directory_of_his(procmail, monkeypatch, euid):
    # Who is not root has nobody else's rights.
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    for name in ("setgroups", "setegid", "seteuid"):
        monkeypatch.setattr(os, name, lambda value: None)
    bench(procmail).check(rules_of({"discard": True}), "of alice")
    command = procmail.commands[0]
    directory = os.path.dirname(command[-1])
    assert command[: -len(("procmail", "LOGFILE", "MAILDIR", "DEFAULT", "ORGMAIL", "rc"))] == [
        *(["timeout", "-k", "5", "120", "runuser", "-u", "alice", "--"] if euid == 0 else []),
        "/bin/sh",
        "-c",
        'command -v "$1" >/dev/null || exit 127; "$@" 3>&1 | timeout 60 cat',
        "sh",
    ]
    assert [word.replace(directory, "TRIAL") for word in command[-6:]] == [
        "procmail",
        "LOGFILE=TRIAL/log",
        "MAILDIR=TRIAL/mail",
        "DEFAULT=TRIAL/mail/",
        "ORGMAIL=TRIAL/mail/",
        "TRIAL/rc",
    ]
    assert procmail.modes == [0o700] * 5


def test_each_condition_is_read(procmail):
    inner = [{"name": "inner", "match": [{"larger": "1K"}], "folder": "Big"}]
    given = [
        {"name": "spam", "match": [{"header": "A", "regex": "x+"}, {"program": "true"}], "folder": "Junk"},
        {"name": "outer", "match_any": [{"regexp": "^b"}, {"smaller": 5}], "rules": inner},
    ]
    bench(procmail).check(rules_of(*given), "of alice")
    assert procmail.texts[0].split("* ! ()\n")[0] == (
        'SHELL=/bin/sh\nLOG="postroom rule 0\n"\n:0\n* ^A:.*x+\n{ }\n'
        'LOG="postroom rule 1\n"\n:0\n* ^b\n{ }\n:0\n* < 5\n{ }\n'
        'LOG="postroom rule 2\n"\n:0\n* > 1024\n{ }\n:0\n'
    )
    # What the rules do is read to its end, and not done.
    behind = procmail.texts[0].split("* ! ()\n")[1]
    assert behind.startswith("{\n")
    assert behind.endswith('}\nLOG="postroom end\n"\n')
    assert re.findall("^ *# (.*)", behind, re.MULTILINE) == ["spam", "outer", "inner"]
    assert procmail.messages[0].startswith("From: sender@elsewhere.example\n")
    assert procmail.checked == ["true\n"]


def test_a_long_line_gets_its_room(procmail):
    bench(procmail).check(rules_of({"match": [{"header": "A", "contains": "x" * 1000}], "discard": True}), "of alice")
    # Four times what is there, its recipe's other lines with it.
    assert procmail.texts[0].split("\n")[:2] == ["LINEBUF=6104", "SHELL=/bin/sh"]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (
            {"postroom rule 0": ['procmail: Invalid regexp "^Subject:.*("']},
            'procmail does not take the rule first of alice: Invalid regexp "^Subject:.*(".',
        ),
        (
            {"postroom rule 1": ["procmail: Bad substitution of", "x"]},
            "procmail does not take the rule second of alice: Bad substitution of.",
        ),
        ({"postroom rule 1": ["procmail: Skipped }"]}, "procmail does not take the rule second of alice: Skipped }."),
    ],
)
def test_what_procmail_does_not_take(procmail, says, sentence):
    procmail.says = says
    with pytest.raises(BadRecipes) as caught:
        bench(procmail).check(rules_of({"name": "first", "folder": "A"}, {"name": "second", "folder": "B"}), "of alice")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "line",
    [
        'procmail: Program failure (1) of "false"',
        "procmail: Rescue of unfiltered data succeeded",
        "procmail: Lock failure on a.lock",
        'procmail: Forcing lock on "a.lock"',
        "procmail: Timeout, terminating x",
        "From sender@elsewhere.example  Mon Nov 23 04:00:00 2026",
        "sh: 1: what: not found",
    ],
)
def test_what_is_about_the_mail_alone(procmail, line):
    procmail.says = {"postroom rule 0": [line]}
    bench(procmail).check(rules_of({"folder": "A"}), "of alice")


def test_rules_without_an_end(procmail):
    procmail.end = False
    with pytest.raises(BadRecipes) as caught:
        bench(procmail).check(rules_of({"folder": "A"}), "of alice")
    assert str(caught.value) == "procmail does not find the end of the rules of alice; what is there was left as it is."


@pytest.mark.parametrize("answer", [(127, "", ""), (1, "", "runuser: failed to execute /bin/sh: No such file or directory\n")])
def test_procmail_is_not_there(procmail, answer):
    procmail.answer = answer
    for trial in (lambda: bench(procmail).check([], "of alice"), lambda: bench(procmail).try_sample([], {}, MAIL)):
        with pytest.raises(NoTrial) as caught:
            trial()
        assert str(caught.value) == "There is no procmail on this host to try its rules with; install the package procmail."


def test_a_user_who_is_not_there(procmail):
    with pytest.raises(KeyError):
        Bench(procmail, "carl", MAILDIR, "example.org")


# Programs -----------------------------------------------------------------------------------------------------------


def installed(monkeypatch, home):
    """Of all programs, /usr/bin/there, and two in the home."""
    place = {"there": "/usr/bin/there", "/usr/bin/there": "/usr/bin/there", f"{home}/bin/own": "own", "own": "own"}
    asked = []
    monkeypatch.setattr(shutil, "which", lambda name, path=None: asked.append(path) or place.get(name))
    return asked


@pytest.mark.parametrize(
    "command",
    ["there -x", "/usr/bin/there", "A=1 B=2 there", "own", "$HOME/bin/own", "${HOME}/bin/own", "~/bin/own", "'there' it", "test -s x",
     "# nothing", "$(what) x", "(what)", "{ what; }", "$WHAT x", "what's this", "A=1", "[ -f x ]"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["pipe", "program"])
def test_a_program_that_is_there_or_not_ours_to_tell(procmail, monkeypatch, command, kind):
    asked = installed(monkeypatch, procmail.place.parent / "home")
    rule = {"pipe": command} if kind == "pipe" else {"match": [{"program": command}], "discard": True}
    bench(procmail).check(rules_of(rule), "of alice")
    assert procmail.checked == [f"{command}\n"]
    assert set(asked) <= {f"{procmail.place.parent}/home/bin:/usr/local/bin:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("what -x", "what"),
        ("/opt/what", "/opt/what"),
        ("A=1 what", "what"),
        ("$HOME/what", "HOME/what"),
        ("~/bin/what | cat", "HOME/bin/what"),
    ],
)
def test_a_program_that_is_not_there(procmail, monkeypatch, command, program):
    home = procmail.place.parent / "home"
    installed(monkeypatch, home)
    with pytest.raises(NoProgram) as caught:
        bench(procmail).check(rules_of({"name": "outer", "rules": [{"name": "odd", "pipe": command}]}), "of alice")
    program = program.replace("HOME", str(home))
    assert str(caught.value) == (
        f"The rule odd of alice starts '{program}', which is not on this host: install it, or write its whole path."
    )
    assert procmail.commands == []


def test_a_command_that_the_shell_does_not_understand(procmail):
    procmail.shell_says = (2, "", "sh: 1: Syntax error\nsh: 2: Syntax error: Unterminated quoted string\n")
    with pytest.raises(NoProgram) as caught:
        bench(procmail).check(rules_of({"name": "odd", "match_any": [{"program": "a 'b"}], "folder": "A"}), "of alice")
    assert str(caught.value) == (
        "The rule odd of alice has the command 'a 'b', which the shell does not understand:"
        " sh: 2: Syntax error: Unterminated quoted string."
    )


# Samples ------------------------------------------------------------------------------------------------------------

RULES = (
    {"name": "lists", "match": [{"header": "List-Id", "exists": True}], "folder": "Lists.new"},
    {"name": "umlaut", "rules": [{"match": [{"header": "a", "is": "b"}], "folder": "Ä", "flag": "\\Seen"}]},
    {"name": "inbox", "match": [{"header": "c", "is": "d"}], "folder": "INBOX"},
    {"name": "pipes", "match": [{"header": "e", "is": "f"}], "pipe": "one | two", "copy": True},
    {"name": "filter", "match": [{"header": "g", "is": "h"}], "pipe": "filter", "recipe_flags": "f"},
    {"name": "more", "match": [{"header": "i", "is": "j"}], "pipe": "three"},
)


@pytest.mark.parametrize(
    ("leaves", "fate"),
    [
        ({"mail/new/1.host": ""}, {"folder": ["INBOX"]}),
        ({"mail/cur/1.host:2,": ""}, {"folder": ["INBOX"]}),
        ({"mail/.Lists.new/new/1.host": ""}, {"folder": ["Lists.new"]}),
        ({"mail/.&AMQ-/cur/1.host:2,S": ""}, {"folder": ["Ä"], "flag": ["\\Seen"]}),
        ({"mail/.&AMQ-/cur/1.host:2,FS": "", "mail/new/1.host": ""}, {"folder": ["Ä", "INBOX"], "flag": ["\\Flagged", "\\Seen"]}),
        ({"mail/cur/1.host:2,F": "", "mail/cur/2.host:2,FRDT": ""}, {
            "folder": ["INBOX", "INBOX"], "flag": ["\\Flagged", "\\Answered", "\\Deleted", "\\Draft"],
        }),
        ({"forwards": "a@b.example\nc@b.example\n"}, {"forward": ["a@b.example", "c@b.example"]}),
        ({"answers": "answered\n", "mail/new/1.host": ""}, {"folder": ["INBOX"], "vacation": True}),
        # Who is answered, and whose mail is thrown away.
        ({"answers": "answered\n"}, {"vacation": True, "discard": True}),
        ({"pipe.1": ""}, {"pipe": ["one | two"]}),
        ({"pipe.2": "", "pipe.1": "", "mail/new/1.host": ""}, {"folder": ["INBOX"], "pipe": ["one | two", "three"]}),
        ({}, {"discard": True}),
    ],
)  # fmt: skip
def test_what_becomes_of_a_sample(procmail, leaves, fate):
    procmail.leaves = leaves
    assert bench(procmail).try_sample(rules_of(*RULES), {}, MAIL).result() == {**NOTHING, **fate}
    assert procmail.messages == [MAIL]


@pytest.mark.parametrize(
    ("location", "leaves", "folder"),
    [
        (MBOX, {"mail/inbox": "x"}, ["INBOX"]),
        (MBOX, {"mail/Work": "x"}, ["Work"]),
        (MBOX, {"mail/Work": "x", "mail/inbox": "x"}, ["Work", "INBOX"]),
        (FS, {"mail/Work/new/1.host": "x"}, ["Work"]),
        (FS, {"mail/new/1.host": "x"}, ["INBOX"]),
    ],
)
def test_where_a_sample_is_found(procmail, location, leaves, folder):
    procmail.leaves = leaves
    fate = bench(procmail, location).try_sample(rules_of({"folder": "Work"}), {}, MAIL)
    assert fate.result() == {**NOTHING, "folder": folder}


def test_in_a_trial_nothing_leaves_and_nothing_is_kept(procmail):
    given = [{"forward": "a@b.example", "copy": True}, {"pipe": "mine"}]
    variables = {"UMASK": "077", "LOGFILE": "$HOME/log", "INCLUDERC": "$HOME/more", "VERBOSE": "on"}
    bench(procmail).try_sample(rules_of(*given), variables, MAIL)
    text = procmail.texts[0]
    assert re.findall(r"^(?:UMASK|MAILDIR|DEFAULT|SENDMAIL|SENDMAILFLAGS|LOGFILE|INCLUDERC|VERBOSE)=.*", text, re.MULTILINE) == [
        'UMASK="077"',
        "MAILDIR=TRIAL/mail",
        "DEFAULT=TRIAL/mail/",
        "SENDMAIL=/bin/sh",
        "SENDMAILFLAGS=TRIAL/record",
    ]
    assert "mine" not in text
    assert text.endswith(":0 w\n| cat >>TRIAL/pipe.1\n")


@pytest.mark.parametrize(
    ("arguments", "name", "line"),
    [
        (["-oi", "a@b.example", "c@b.example"], "forwards", "-oi\na@b.example\nc@b.example\n"),
        (["-t", "-f", ""], "answers", "answered\n"),
    ],
)
def test_what_would_be_sent_is_written_down(procmail, tmp_path, arguments, name, line):
    bench(procmail).try_sample([], {}, MAIL)
    (tmp_path / "record").write_text(procmail.record.replace("TRIAL", str(tmp_path)))
    subprocess.run(["/bin/sh", tmp_path / "record", *arguments], input=MAIL, text=True, check=True)
    assert (tmp_path / name).read_text() == line
