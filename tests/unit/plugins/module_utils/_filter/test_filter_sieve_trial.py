# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter import sieve_trial
from ansible_collections.postroom.mail.plugins.module_utils._filter.sieve_trial import DoesNotCompile, Fails, NoTrial
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import Sample

INBOX = " * store message in folder: INBOX"
SUCCESS = "sieve-test: Info: final result: success\n"
SAMPLE = Sample("greeting", "alice", "Subject: a\n", "joe@y.example", {})
NOTHING = {"folder": [], "forward": [], "flag": [], "pipe": [], "discard": False, "reject": False, "vacation": False}


def printed(actions="  (none)", keep=INBOX):
    """Return the output of sieve-test of Dovecot 2.3 and 2.4 for one script."""
    return f"\nPerformed actions:\n\n{actions}\n\nImplicit keep:\n\n{keep}\n\n"


def one_of_several(path, actions="  (none)", keep=" * keep"):
    return f"## Executing script: {path}\n{printed(actions, keep)}"


VACATION = """\
 * send vacation message:
    => seconds : 259200
    => subject : Away
    => from    : Alice <alice@mail12.example>
    => handle  : I am away.
 * discard
until Monday

START MESSAGE
I am away.
 * discard
 * store message in folder: Trash
        + add IMAP flags: \\deleted
Performed actions:
END MESSAGE"""


@pytest.mark.parametrize(
    ("stdout", "fate"),
    [
        (printed(), {"folder": ["INBOX"]}),
        (printed(" * store message in folder: Lists.new", "  (none)"), {"folder": ["Lists.new"]}),
        (printed(" * store message in folder: a: b", "  (none)"), {"folder": ["a: b"]}),
        (printed(" * store message in folder: Copies\n        + preserve implicit keep"), {"folder": ["Copies", "INBOX"]}),
        (printed(" * store message in folder: New\n        + create mailbox if it does not exist", "  (none)"), {"folder": ["New"]}),
        (printed(INBOX, "  (none)"), {"folder": ["INBOX"]}),
        (
            printed(" * store message in folder: A\n        + add IMAP flags: \\seen", "  (none)"),
            {"folder": ["A"], "flag": ["\\Seen"]},
        ),
        (printed(keep=f"{INBOX}\n        + add IMAP flags: \\flagged $label1"), {"folder": ["INBOX"], "flag": ["\\Flagged", "$label1"]}),
        (printed(" * redirect message to: <joe@y.example>", "  (none)"), {"forward": ["joe@y.example"]}),
        (
            printed(" * redirect message to: <joe@y.example>\n * redirect message to: <jim@y.example>\n        + preserve implicit keep"),
            {"forward": ["joe@y.example", "jim@y.example"], "folder": ["INBOX"]},
        ),
        (printed(" * reject message with reason: No??mail", "  (none)"), {"reject": True}),
        (printed(" * discard", "  (none)"), {"discard": True}),
        # What looks like an action in the text of an answer is none.
        (printed(VACATION), {"vacation": True, "folder": ["INBOX"]}),
        (
            printed(f"{VACATION}\n * store message in folder: Away", "  (none)"),
            {"vacation": True, "folder": ["Away"]},
        ),
    ],
)
def test_what_one_script_does(stdout, fate):
    assert sieve_trial.read(stdout).result() == {**NOTHING, **fate}


FLAGGED = " * keep\n        + add IMAP flags: \\flagged"


@pytest.mark.parametrize(
    ("blocks", "fate"),
    [
        ([one_of_several("/s/0.sieve"), one_of_several("/s/1.sieve")], {"folder": ["INBOX"]}),
        ([one_of_several("/s/0.sieve", " * store message in folder: Junk", "  (none)")], {"folder": ["Junk"]}),
        # What the first one keeps is not in the inbox yet when the second one moves it, or throws it away.
        (
            [one_of_several("/s/0.sieve"), one_of_several("/s/1.sieve", " * store message in folder: P", "  (none)")],
            {"folder": ["P"]},
        ),
        ([one_of_several("/s/0.sieve"), one_of_several("/s/1.sieve", " * discard", "  (none)")], {"discard": True}),
        (
            [
                one_of_several("/s/0.sieve", " * store message in folder: B\n        + preserve implicit keep"),
                one_of_several("/s/1.sieve", " * store message in folder: P\n        + preserve implicit keep"),
                one_of_several("/s/2.sieve"),
            ],
            {"folder": ["B", "P", "INBOX"]},
        ),
        # Flags go on with the mail, and are told of twice.
        (
            [one_of_several("/s/0.sieve", keep=FLAGGED), one_of_several("/s/1.sieve", keep=FLAGGED)],
            {"folder": ["INBOX"], "flag": ["\\Flagged"]},
        ),
        (
            [
                one_of_several("/s/0.sieve", keep=FLAGGED),
                one_of_several("/s/1.sieve", " * store message in folder: P\n        + add IMAP flags: \\flagged work", "  (none)"),
            ],
            {"folder": ["P"], "flag": ["\\Flagged", "work"]},
        ),
    ],
)
def test_what_several_scripts_do(blocks, fate):
    assert sieve_trial.read("".join(blocks)).result() == {**NOTHING, **fate}


class Scripted:
    """Answers each command in its turn."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    def __call__(self, args, data=None):
        self.calls.append(args)
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("user", "recipient", "scripts", "arguments"),
    [
        ("alice", "alice@mail12.example", ["/s/0.sieve"], ["/s/0.sieve"]),
        ("carol@shop.example", "carol@shop.example", ["/s/0.sieve"], ["/s/0.sieve"]),
        (
            "alice",
            "alice@mail12.example",
            ["/s/0.sieve", "/s/1.sieve", "/s/2.sieve"],
            ["-s", "/s/0.sieve", "-s", "/s/1.sieve", "/s/2.sieve"],
        ),
    ],
)
def test_how_a_sample_is_tried(user, recipient, scripts, arguments):
    run = Scripted((0, printed(), SUCCESS))
    fate = sieve_trial.try_sample(run, scripts, SAMPLE._replace(user=user), "/s/message.sieve", "mail12.example")
    assert run.calls == [
        ["timeout", "-k", "5", "60", "sieve-test", "-u", user, "-f", "joe@y.example", "-r", recipient, *arguments, "/s/message.sieve"]
    ]
    assert fate.result() == {**NOTHING, "folder": ["INBOX"]}


REDIRECTS = "number of redirect actions exceeds policy limit (5 > 4)."


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        ((127, "", ""), NoTrial, "There is no sieve-test on this host to try samples with; install the package dovecot-sieve."),
        (
            (
                1,
                printed(),
                f"k: line 1: error: {REDIRECTS}\nsieve-test: Info: final result: failed; resolved with successful implicit keep\n",
            ),
            Fails,
            f"The sample greeting of alice ends with an error, and such a mail would only be kept: {REDIRECTS}",
        ),
        (
            (1, "", "a: line 1: error: first.\na: line 3: error: second.\n"),
            Fails,
            "The sample greeting of alice ends with an error, and such a mail would only be kept: first. second.",
        ),
        (
            (1, "", "sieve-test: Info: final result: temporary failure\n"),
            Fails,
            "The sample greeting of alice ends with an error, and such a mail would only be kept: "
            "sieve-test: Info: final result: temporary failure",
        ),
        (
            (89, "", "sieve-test: Error: connect(/run/dovecot/auth-userdb) failed\n\nsieve-test: Fatal: User lookup failed\n"),
            NoTrial,
            "The sample greeting of alice could not be tried: sieve-test: Error: connect(/run/dovecot/auth-userdb) failed"
            " | sieve-test: Fatal: User lookup failed",
        ),
        ((89, "", ""), NoTrial, "The sample greeting of alice could not be tried: sieve-test ended with 89"),
        ((0, "", ""), NoTrial, "The sample greeting of alice could not be tried: sieve-test ended with 0"),
    ],
)
def test_a_sample_that_cannot_be_tried(answer, kind, sentence):
    with pytest.raises(kind) as caught:
        sieve_trial.try_sample(Scripted(answer), ["/s/0.sieve"], SAMPLE, "/s/message.sieve", "mail12.example")
    assert (type(caught.value), str(caught.value)) == (kind, sentence)


SCRIPT = """\
# Managed by postroom.mail: what is changed in this file by hand is overwritten.
require ["fileinto"];

# first
if true {
    discard;
}

# second
if header :regex "subject" "(" {
    # inner
    if true {
        discard;
    }
}
"""
OWN = '# Managed by postroom.mail\n# what alice wants\nkeep;\nredirect "not an address";\n'


@pytest.mark.parametrize(
    ("text", "line", "place"),
    [
        (SCRIPT, 2, 'line 2 (require ["fileinto"];) of '),
        (SCRIPT, 4, "the rule first in "),
        (SCRIPT, 6, "the rule first in "),
        (SCRIPT, 10, "the rule second in "),
        (SCRIPT, 13, "the rule inner in "),
        # Without tests it was not made of rules.
        (OWN, 4, 'line 4 (redirect "not an address";) of '),
        (OWN, 5, "line 5 () of "),
        (OWN, 9, ""),
        (OWN, 0, ""),
    ],
)
def test_where_an_error_is(text, line, place):
    assert sieve_trial.rule_at(text, line) == place


UNTOUCHED = "and what is there was left as it is"


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        (
            "0: line 10: error: invalid regular expression '(' for regex match: parentheses not balanced.\n0: error: validation failed.\n"
            "sievec: Fatal: failed to compile sieve script '/tmp/x/0.sieve'\n",
            f"Dovecot does not take the rule second in the Sieve script of alice, {UNTOUCHED}:"
            " invalid regular expression '(' for regex match: parentheses not balanced.",
        ),
        (
            "0: error: parse failed.\nsievec: Fatal: failed to compile sieve script\nmore\n",
            f"Dovecot does not take the Sieve script of alice, {UNTOUCHED}:"
            " 0: error: parse failed. | sievec: Fatal: failed to compile sieve script",
        ),
    ],
)
def test_a_script_that_does_not_compile(stderr, sentence):
    with pytest.raises(DoesNotCompile) as caught:
        sieve_trial.compile_script(Scripted((89, "", stderr)), "/s/0.sieve", SCRIPT, "of alice")
    assert str(caught.value) == sentence


def test_a_script_that_compiles_or_cannot():
    run = Scripted((0, "", ""), (127, "", ""))
    assert sieve_trial.compile_script(run, "/s/0.sieve", SCRIPT, "of alice") is True
    assert sieve_trial.compile_script(run, "/s/0.sieve", SCRIPT, "of alice") is False
    # Never with a place to write to: sievec renames a file over it.
    assert run.calls == [["sievec", "/s/0.sieve"]] * 2


def test_what_is_staged_can_be_read_whatever_the_umask(tmp_path):
    umask = os.umask(0o077)
    try:
        path = sieve_trial.stage(str(tmp_path), "0", "# ä \udce4\n")
    finally:
        os.umask(umask)
    assert path == f"{tmp_path}/0.sieve"
    staged = tmp_path / "0.sieve"
    assert (staged.read_bytes(), staged.stat().st_mode & 0o777) == (b"# \xc3\xa4 \xe4\n", 0o644)
