# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter import mail_location, procmailrc
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import parse

MAILDIR, MBOX = "maildir:~/Maildir", "mbox:~/mail:INBOX=/var/mail/%u"
MATCH = [{"regexp": "^X:"}]


def rules_of(*given):
    rules, problems = parse(list(given), "of alice")
    assert problems == []
    return rules


def writer(location=MAILDIR, **options):
    return procmailrc.Writer(mail_location.parse(location), "example.org", **options)


def recipe(location=MAILDIR, trial=None, **options):
    (rule,) = rules_of({"name": "r", **options})
    blank, comment, *lines = writer(location, trial=trial).rule(rule)
    assert (blank, comment) == ("", "# r")
    return lines


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"folder": "Lists.a"}, [":0", '"$MAILDIR/.Lists.a/"']),
        ({"folder": "INBOX"}, [":0", '"$DEFAULT"']),
        ({"folder": "Entwürfe $x"}, [":0", '"$MAILDIR/.Entw&APw-rfe \\$x/"']),
        ({"folder": "A", "copy": True, "match": MATCH}, [":0 c", "* ^X:", '"$MAILDIR/.A/"']),
        ({"folder": "A", "recipe_flags": "HB D", "match": MATCH}, [":0 HBD", "* ^X:", '"$MAILDIR/.A/"']),
        ({"folder": "A", "recipe_flags": "Ac"}, [":0 Ac", '"$MAILDIR/.A/"']),
        ({"discard": True}, [":0", "/dev/null"]),
        ({"pipe": "cat >>$HOME/x", "recipe_flags": "hw", "lock": "x.lock"}, [":0 hw:x.lock", "| cat >>$HOME/x"]),
        ({"pipe": "cat", "lock": True}, [":0:", "| cat"]),
        (
            {"flag": ["\\Flagged", "\\Seen"], "folder": "A", "match": MATCH},
            [":0", "* ^X:", "{", "    POSTROOM_FLAGS=${POSTROOM_FLAGS}F", "    POSTROOM_FLAGS=${POSTROOM_FLAGS}S", "    :0",
             '    "$MAILDIR/.A/"', "}"],
        ),
        ({"flag": "\\Seen"}, [":0", "{", "    POSTROOM_FLAGS=${POSTROOM_FLAGS}S", "}"]),
        (
            {"forward": ["a@b.example", "c'd@e.example"], "match": MATCH},
            [":0", "* ^X:", "* $ ! ^X-Loop:[ \t]*$\\LOGNAME@example[.]org[ \t]*$", "{", "    :0 fhw",
             '    | formail -A "X-Loop: $LOGNAME@example.org"', "    :0 w", '    ! a@b.example "c\'d@e.example"', "}"],
        ),
        (
            {"rules": [{"name": "in", "discard": True}], "match": MATCH},
            [":0", "* ^X:", "{", "    # in", "    :0", "    /dev/null", "}"],
        ),
    ],
)  # fmt: skip
def test_a_rule_as_a_recipe(options, lines):
    assert recipe(**options) == lines


def test_a_file_of_mbox_is_locked():
    assert recipe(MBOX, folder="A") == [":0:", '"$MAILDIR/A"']


def test_a_copy_ends_with_its_block():
    lines = recipe(forward="a@b.example", copy=True)
    assert lines[0] == ":0 c"
    assert lines[-4:] == ["    ! a@b.example", "    :0", "    /dev/null", "}"]


def test_a_name_does_not_go_on_in_the_next_line():
    (rule,) = rules_of({"name": "a\\", "discard": True})
    assert writer().rule(rule)[1] == "# a"


def test_a_file_says_where_the_mail_is():
    text = writer().file(rules_of({"name": "r", "discard": True}), {"LOGFILE": "$HOME/log"}, system=False)
    assert text.splitlines() == [
        "# Managed by postroom.mail: what is changed in this file by hand is overwritten.",
        "SHELL=/bin/sh",
        'LOGFILE="$HOME/log"',
        "POSTROOM_DIRECTORY=`test -d $HOME/Maildir || mkdir -p -m 700 $HOME/Maildir`",
        "MAILDIR=$HOME/Maildir",
        "DEFAULT=$HOME/Maildir/",
        "ORGMAIL=$DEFAULT",
        "",
        "# r",
        ":0",
        "/dev/null",
    ]


def test_the_file_of_the_host_has_no_privileges():
    assert writer().file([], {}, system=True).splitlines()[1:3] == ["SHELL=/bin/sh", "DROPPRIVS=yes"]


def test_flags_are_put_into_the_name_at_the_end():
    assert "TRAP=" not in writer().file(rules_of({"discard": True}), {}, system=False)
    assert procmailrc.FLAGS_TRAP in writer().file(rules_of({"flag": "\\Seen"}), {}, system=False)
    assert procmailrc.FLAGS_TRAP in writer(uses_flags=True).file(rules_of({"discard": True}), {}, system=False)


def test_long_lines_have_room():
    text = writer().file(rules_of({"pipe": "echo " + "x" * 3000}), {}, system=False)
    assert f"LINEBUF={2048 + 4 * 3007}" in text.splitlines()


def test_a_trial_has_no_effect():
    given = writer(trial=procmailrc.Trial("/tmp/t"))
    rules = rules_of({"pipe": "rm -r /"}, {"pipe": "formail -A x", "recipe_flags": "f"}, {"forward": "a@b.example"}, {"folder": "A"})
    text = given.file(rules, {"LOGFILE": "/x", "INCLUDERC": "/y", "A": "b"}, system=False)
    assert given.pipes == ["rm -r /"]
    assert "rm -r /" not in text
    assert "| cat >>/tmp/t/pipe.1" in text
    assert "| formail -A x" in text
    lines = text.splitlines()
    assert {"MAILDIR=/tmp/t/mail", "DEFAULT=/tmp/t/mail/", "SENDMAIL=/bin/sh", "SENDMAILFLAGS=/tmp/t/record", 'A="b"'} <= set(lines)
    assert "/x" not in text
    assert "/y" not in text


def test_an_answer_is_for_people_and_once():
    text = "\n".join(recipe(vacation={"text": "I'm $HOME\nsoon", "subject": '$(id) "x"', "addresses": ["me@b.example"]}))
    assert ":0 Whc:$HOME/.procmail-vacation.lock" in text
    assert "* ! ^FROM_DAEMON" in text
    assert "* $ ^TO_($\\LOGNAME@example[.]org|me@b[.]example)" in text
    assert "| formail -rD 8192 $HOME/.procmail-vacation" in text
    # What is in it is no word of the shell.
    assert '-I "Subject: \\$(id) \\"x\\""' in text
    assert "printf '%s\\n' 'I'\"'\"'m $HOME' soon)" in text
    assert "Content-Type" not in text
    assert "charset=UTF-8" in "\n".join(recipe(vacation={"text": "grüße", "subject": "ü"}))
    assert "Subject: =?utf-8?" in "\n".join(recipe(vacation={"text": "x", "subject": "ü"}))


def test_how_postfix_starts_it():
    start = '/usr/bin/procmail -t -a "$EXTENSION" SHELL=/bin/sh'
    assert procmailrc.command(mail_location.parse(MBOX)) == f"{start} DEFAULT=/var/mail/$LOGNAME ORGMAIL=/var/mail/$LOGNAME"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"reject": "no"}, "has reject, which procmail does not support; Sieve does (engine: sieve)."),
        ({"discard": True, "recipe_flags": "I"}, "has the recipe flag I; procmail writes i for errors in writing that do not count."),
        ({"discard": True, "recipe_flags": "xHz"}, "has the recipe flags xz, which procmail does not know"),
        ({"discard": True, "recipe_flags": "f"}, "has the recipe flag f, for a program whose output replaces the mail: give it a pipe."),
        ({"flag": "\\Seen", "recipe_flags": "c"}, "has the recipe flag c, which goes with folder, forward, pipe or rules"),
        ({"pipe": "cat \\"}, "has a line that ends with a backslash, and would go on in the next one: remove it."),
        ({"folder": "a/b"}, "has the folder 'a/b', which has a '/'"),
        ({"folder": "A", "lock": True}, "has a lock for a folder of a Maildir, which needs none"),
        ({"flag": "$work"}, "has the flag '$work', which procmail cannot set; Sieve can"),
        ({"vacation": {"text": "x", "days": 3}}, "has a vacation with days, and procmail does not know how long ago it answered"),
        (
            {"discard": True, "match_any": [{"larger": 1}, {"smaller": 2}], "recipe_flags": "E"},
            "has both match_any and one of the recipe flags",
        ),
        ({"rules": [{"name": "r", "reject": "no"}]}, "has reject, which procmail does not support"),
    ],
)
def test_what_procmail_cannot(options, problem):
    (said,) = procmailrc.problems(rules_of({"name": "r", **options}), {}, mail_location.parse(MAILDIR), "of alice")
    assert said.startswith(f"The rule r of alice {problem}")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"folder": "a/b"}, "has the folder 'a/b', for which procmail makes no directory; Sieve does"),
        ({"flag": "\\Seen"}, "has the flag '\\Seen', which procmail cannot set in mbox; Sieve can"),
    ],
)
def test_what_it_cannot_in_mbox(options, problem):
    (said,) = procmailrc.problems(rules_of({"name": "r", **options}), {}, mail_location.parse(MBOX), "of alice")
    assert said.startswith(f"The rule r of alice {problem}")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MAILDIR", "/x", "is set by the collection itself"),
        ("SHELLMETAS", "", "is set by the collection itself"),
        ("POSTROOM_FLAGS", "S", "is set by the collection itself"),
        ("A-B", "x", "is no name of one."),
        ("A", "`id`", "must be a text without quotes"),
        ("A", 'x" B="', "must be a text without quotes"),
        ("A", "x\nB=y", "must be a text without quotes"),
        ("A", "x\\", "must be a text without quotes"),
        ("A", ["x"], "must be a text without quotes"),
    ],
)
def test_variables_that_cannot_be(name, value, problem):
    (said,) = procmailrc.problems([], {name: value}, mail_location.parse(MAILDIR), "of alice")
    assert said.startswith(f"The variable {name} of alice {problem}")
