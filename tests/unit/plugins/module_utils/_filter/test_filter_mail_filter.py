# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import shutil

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_filter import Foreign, NoUser
from ansible_collections.postroom.mail.plugins.module_utils._filter.procmail_trial import BadRecipes
from ansible_collections.postroom.mail.plugins.module_utils._filter.procmail_trial import NoTrial as NoProcmail
from ansible_collections.postroom.mail.plugins.module_utils._filter.sieve_trial import DoesNotCompile, NoTrial
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import Unexpected
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.filter_host import FILED, FakeHost

HEADER = "# Managed by postroom.mail: what is changed in this file by hand is overwritten.\n"
SIEVE = "etc/dovecot/sieve"
BEFORE, AFTER, OWN = f"{SIEVE}/before.sieve", f"{SIEVE}/after.sieve", f"{SIEVE}/users/alice.sieve"
SYSTEM, HOME = "etc/procmailrc", "home/bob/.procmailrc"

SPAM = {"name": "spam", "match": [{"header": "X-Spam-Flag", "is": "yes"}], "folder": "Junk"}
REST = {"name": "rest", "discard": True}
ALICE = {"name": "alice", "rules": [REST]}
BOB = {"name": "bob", "engine": "procmail", "rules": [REST]}
SAMPLE = {"name": "offer", "user": "alice", "mail": "X-Spam-Flag: yes\n\nhello\n"}

SPAM_TEXT = (
    f'{HEADER}require ["fileinto", "mailbox"];\n\n# spam\nif header :is "X-Spam-Flag" "yes" {{\n'
    '    fileinto :create "Junk";\n    stop;\n}\n'
)
REST_TEXT = f"{HEADER}\n# rest\nif true {{\n    discard;\n    stop;\n}}\n"
FOREIGN = "# Somebody's own.\n"
NO_SIEVEC = "There is no sievec on this host to compile scripts with; install the package dovecot-sieve."
NO_PROCMAIL = "There is no procmail on this host to try its rules with; install the package procmail."

BOTH = {"rules": [SPAM], "users": [ALICE, BOB]}
WISHES = [
    {},
    {"rules": [SPAM], "rules_after": [REST], "users": [ALICE]},
    BOTH,
    {"engine": "procmail", "rules": [SPAM], "users": [{"name": "alice", "rules": [SPAM, REST]}]},
    {"users": [{"name": "alice", "script": "keep;"}, {"name": "carol@shop.example", "rules": [SPAM]}]},
]


def compiled(script):
    return f"sievec /{script} ROOM/{os.path.basename(script).removesuffix('.sieve')}.svbin"


@pytest.fixture
def host(tmp_path, monkeypatch):
    return FakeHost(tmp_path, monkeypatch)


def test_scripts_of_the_site_and_of_a_user(host):
    umask = os.umask(0o077)
    try:
        outcome = host.bring(rules=[SPAM], rules_after=[REST], users=[ALICE])
    finally:
        os.umask(umask)
    assert [host.read(name) for name in (BEFORE, AFTER, OWN)] == [SPAM_TEXT, REST_TEXT, REST_TEXT]
    assert [host.mode(name) for name in (BEFORE, AFTER, OWN)] == [0o644, 0o644, 0o640]
    assert [host.mode(name.replace(".sieve", ".svbin")) for name in (BEFORE, AFTER, OWN)] == [0o644, 0o644, 0o640]
    assert [host.mode(name) for name in (SIEVE, f"{SIEVE}/users")] == [0o755, 0o755]
    assert (outcome.changed, host.paths(outcome)) == (True, [f"/{BEFORE}", f"/{AFTER}", f"/{OWN}"])
    # All are compiled before the first is written.
    staged = [f"sievec ROOM/{number}.sieve" for number in range(3)]
    assert host.calls == [*staged, *(compiled(name) for name in (BEFORE, AFTER, OWN))]
    # The compiler's result can be read by everybody, until it has the mode of its script.
    assert {mode for mode, _path in host.compiled_where} == {0o700}
    assert [shown["after"] for shown in outcome.diff] == [SPAM_TEXT, REST_TEXT, REST_TEXT]
    assert (outcome.samples, host.warnings) == ([], [])


def test_recipes_of_the_site_and_of_a_user(host):
    outcome = host.bring(engine="procmail", rules=[SPAM], users=[{**BOB, "variables": {"UMASK": "077"}}])
    begin = f"{HEADER}SHELL=/bin/sh\n"
    places = (
        "POSTROOM_DIRECTORY=`test -d $HOME/Maildir || mkdir -p -m 700 $HOME/Maildir`\nMAILDIR=$HOME/Maildir\nDEFAULT=$HOME/Maildir/\n"
        "ORGMAIL=$DEFAULT\n"
    )
    system = '\n# spam\n:0\n* ^X-Spam-Flag:[ \t]*yes[ \t]*$\n"$MAILDIR/.Junk/"\n'
    assert host.read(SYSTEM) == f"{begin}DROPPRIVS=yes\n{places}{system}"
    assert host.read(HOME) == f'{begin}UMASK="077"\n{places}\n# rest\n:0\n/dev/null\n'
    assert (host.mode(SYSTEM), host.mode(HOME)) == (0o644, 0o600)
    assert (outcome.changed, host.paths(outcome)) == (True, [f"/{SYSTEM}", f"/{HOME}"])
    runs = [call for call in host.calls if " procmail " in call]
    assert len(runs) == 2
    if os.geteuid() == 0:
        # Those of the site are for anybody, those of a user are tried with that user's rights.
        assert [call.split(" -- ")[0] for call in runs] == [f"timeout -k 5 120 runuser -u {name}" for name in ("nobody", "bob")]


def test_a_whole_script(host):
    host.bring(users=[{"name": "alice", "script": "require [];\nkeep;\n\n\n"}])
    assert host.read(OWN) == f"{HEADER}require [];\nkeep;\n"


@pytest.mark.parametrize("wanted", WISHES)
def test_a_second_run_changes_nothing(host, wanted):
    host.bring(**wanted)
    before = host.tree()
    outcome = host.bring(**wanted)
    assert (outcome.changed, outcome.paths, outcome.diff) == (False, [], [])
    assert (host.calls, host.tree()) == ([], before)


@pytest.mark.parametrize(("first", "then"), [(one, other) for one in WISHES for other in WISHES if one is not other])
def test_check_mode_tells_and_does_nothing(host, first, then):
    host.bring(**first)
    before = host.tree()
    foretold = host.bring(**then, check_mode=True)
    assert host.tree() == before
    done = host.bring(**then)
    assert foretold.changed
    assert vars(foretold) == vars(done)


def test_what_nobody_needs_any_more_is_taken_away(host):
    bare = set(host.tree())
    host.bring(**BOTH)
    host.write("home/alice/.procmailrc", f"{HEADER}# of another play\n")
    outcome = host.bring()
    assert host.paths(outcome) == [f"/{SYSTEM}", "/home/alice/.procmailrc", f"/{HOME}", f"/{OWN}", f"/{BEFORE}"]
    assert set(host.tree()) - bare == {SIEVE, f"{SIEVE}/users"}
    assert [shown["after"] for shown in outcome.diff] == [""] * 5


@pytest.mark.parametrize("name", [BEFORE, AFTER, OWN, SYSTEM, HOME, f"{SIEVE}/users/README"])
def test_what_somebody_else_wrote_is_not_taken_away(host, name):
    host.write(name, FOREIGN)
    before = host.tree()
    outcome = host.bring()
    assert (outcome.changed, host.tree()) == (False, before)


@pytest.mark.parametrize("what", ["a pipe", "endless"])
def test_one_home_stops_nobody_else(host, what):
    if what == "a pipe":
        os.mkfifo(host.root / HOME)
        said = "is no file."
    else:
        (host.root / HOME).write_text(HEADER)
        os.truncate(host.root / HOME, 300 << 30)
        said = "is larger than 1048576 bytes."
    # Of what is not ours, nothing is to be said.
    assert (host.bring().changed, host.warnings) == (False, [])
    users = [{**ALICE, "engine": "procmail", "rules": [SPAM]}, BOB]
    outcome = host.bring(users=users)
    assert (outcome.skipped_users, host.paths(outcome)) == (["bob"], ["/home/alice/.procmailrc"])
    assert host.warnings == [f"The user 'bob' was left out, and all others were served: {host.root / HOME} {said}"]
    assert host.bring(users=users).changed is False


def test_a_home_that_cannot_be_written_any_more_is_told(host, monkeypatch):
    host.bring(users=[BOB])

    def refused(path, *rest, **more):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "unlink", refused)
    assert host.bring().skipped_users == ["bob"]
    assert host.warnings[0].endswith(".procmailrc: Permission denied.")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("name", [BEFORE, OWN, SYSTEM, HOME])
def test_what_somebody_else_wrote_stays_or_is_kept(host, name, check_mode):
    host.write(name, FOREIGN, 0o600)
    before = host.tree()
    if name == HOME:
        assert host.bring(**BOTH, check_mode=check_mode).skipped_users == ["bob"]
        said = host.warnings[0].removeprefix("The user 'bob' was left out, and all others were served: ")
        assert host.read(HOME) == FOREIGN
    else:
        with pytest.raises(Foreign) as caught:
            host.bring(**BOTH, check_mode=check_mode)
        said = str(caught.value)
        assert host.tree() == before
    assert said == (
        f"/{name} was written by somebody else, and would be lost: carry its rules over into the inventory and move it away, or set"
        " 'replace', which keeps a copy beside it."
    )
    host.bring(**BOTH, replace=True)
    assert host.read(name).startswith(HEADER)
    kept = list((host.root / name).parent.glob(f"{os.path.basename(name)}.*~"))
    assert [path.read_text() for path in kept] == [FOREIGN]
    # Our own file needs no copy.
    host.bring(rules=[REST], users=[{**ALICE, "rules": [SPAM]}, {**BOB, "rules": [SPAM]}], replace=True)
    assert list((host.root / name).parent.glob(f"{os.path.basename(name)}.*~")) == kept


def test_an_empty_file_is_nobodys(host):
    host.write(HOME, "\n")
    host.bring(users=[BOB])
    assert host.read(HOME).startswith(HEADER)
    assert os.listdir(host.root / "home/bob") == [".procmailrc"]


@pytest.mark.parametrize("state", ["absent", "older", "of an older Dovecot"])
def test_what_dovecot_could_not_refresh_is_compiled_anew(host, monkeypatch, state):
    host.bring(rules=[SPAM])
    binary = host.root / BEFORE.replace(".sieve", ".svbin")
    if state == "absent":
        binary.unlink()
    elif state == "older":
        os.utime(binary, (1, 1))
    else:
        os.utime(host.root / BEFORE, (1, 1))
        os.utime(binary, (2, 2))
        # Its own time tells when it was installed.
        monkeypatch.setattr(shutil, "which", lambda name, path=None: str(host.root / "usr/bin/sievec"))
    before = host.tree()
    foretold = host.bring(rules=[SPAM], check_mode=True)
    assert (foretold.changed, foretold.paths, host.calls, host.tree()) == (True, [], [], before)
    outcome = host.bring(rules=[SPAM])
    assert (outcome.changed, outcome.paths, host.calls) == (True, [], [compiled(BEFORE)])
    assert host.bring(rules=[SPAM]).changed is False


def test_who_may_read_a_file_is_mended(host):
    host.bring(**BOTH)
    for name in (BEFORE, OWN, SYSTEM, HOME):
        (host.root / name).chmod(0o666)
    outcome = host.bring(**BOTH)
    assert host.paths(outcome) == [f"/{SYSTEM}", f"/{HOME}", f"/{BEFORE}", f"/{OWN}"]
    assert [host.mode(name) for name in (BEFORE, OWN, SYSTEM, HOME)] == [0o644, 0o640, 0o644, 0o600]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_script_that_does_not_compile_leaves_all_alone(host, check_mode):
    host.does_not_compile = "# rest"
    before = host.tree()
    with pytest.raises(DoesNotCompile) as caught:
        host.bring(**BOTH, check_mode=check_mode)
    sentence = "Dovecot does not take the rule rest in the Sieve script of alice, and what is there was left as it is: this is odd."
    assert (str(caught.value), host.tree()) == (sentence, before)


@pytest.mark.parametrize("check_mode", [True, False])
def test_recipes_that_procmail_does_not_take_leave_all_alone(host, check_mode):
    host.procmail_says = ['procmail: Invalid regexp "("']
    before = host.tree()
    with pytest.raises(BadRecipes) as caught:
        host.bring(users=[BOB], check_mode=check_mode)
    assert (str(caught.value), host.tree()) == ('procmail does not take the rule rest of bob: Invalid regexp "(".', before)


@pytest.mark.parametrize(
    ("program", "wanted", "kind", "sentence"),
    [("sievec", {"rules": [SPAM]}, NoTrial, NO_SIEVEC), ("procmail", {"users": [BOB]}, NoProcmail, NO_PROCMAIL)],
)
def test_an_engine_that_is_not_there(host, program, wanted, kind, sentence):
    host.programs.remove(program)
    before = host.tree()
    with pytest.raises(kind) as caught:
        host.bring(**wanted)
    assert (str(caught.value), host.tree()) == (sentence, before)
    # The packages may come before it does in the same play.
    assert host.bring(**wanted, check_mode=True).changed
    assert (host.warnings, host.tree()) == ([f"Unless the play mends it before: {sentence}"], before)


@pytest.mark.parametrize(
    ("gone", "sentence", "path"),
    [
        ("user", "There is no user 'bob' on this host, so procmail cannot sort its mail; add the user to mail_users.", "~bob/.procmailrc"),
        ("home", "The user 'bob' gets mail that procmail must sort, and has no home directory /home/bob; make it.", "~bob/.procmailrc"),
    ],
)
def test_a_user_who_is_not_there(host, gone, sentence, path):
    if gone == "user":
        host.users.remove("bob")
    else:
        (host.root / "home/bob").rmdir()
    before = host.tree()
    with pytest.raises(NoUser) as caught:
        host.bring(**BOTH)
    assert (str(caught.value), host.tree()) == (sentence, before)
    outcome = host.bring(**BOTH, check_mode=True)
    assert host.paths(outcome) == [f"/{SYSTEM}", path, f"/{BEFORE}", f"/{OWN}"]
    assert (host.warnings, host.tree()) == ([f"Unless the play mends it before: {sentence}"], before)


# Samples ------------------------------------------------------------------------------------------------------------

NOTHING = {"folder": [], "forward": [], "flag": [], "pipe": [], "discard": False, "reject": False, "vacation": False}


def test_a_sample_is_tried_with_all_scripts_at_each_run(host):
    host.sieve_test = (0, FILED, "")
    for _run in range(2):
        outcome = host.bring(rules=[SPAM], rules_after=[SPAM], users=[ALICE], samples=[{**SAMPLE, "expect": {"folder": "Junk"}}])
        assert host.seen == [SPAM_TEXT, REST_TEXT, SPAM_TEXT, "X-Spam-Flag: yes\n\nhello\n"]
        # Whoever else is on the host does not get into the directory.
        assert host.seen_modes == (0o710, 0o644)
        assert outcome.samples == [
            {
                "name": "offer",
                "user": "alice",
                "engine": "sieve",
                **NOTHING,
                "folder": ["Junk"],
                "summary": "offer (alice, sieve): folder Junk",
            }
        ]
    assert outcome.changed is False


def test_a_sample_of_procmail(host):
    host.delivered = {"mail/.Junk/new/1.host": "x"}
    outcome = host.bring(rules=[SPAM], users=[BOB], samples=[{**SAMPLE, "user": "bob", "expect": {"folder": ["Junk"]}}])
    assert re.findall("^# (spam|rest)$", host.seen[0], re.MULTILINE) == ["spam", "rest"]
    assert host.seen[1] == "X-Spam-Flag: yes\n\nhello\n"
    assert [one["summary"] for one in outcome.samples] == ["offer (bob, procmail): folder Junk"]


def test_a_sample_without_any_rules_is_in_the_inbox(host):
    outcome = host.bring(samples=[SAMPLE])
    assert [one["summary"] for one in outcome.samples] == ["offer (alice, sieve): folder INBOX"]
    assert host.calls == []


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("user", "found"), [("alice", "folder INBOX"), ("bob", "folder INBOX")])
def test_a_sample_that_would_go_elsewhere_leaves_all_alone(host, user, found, check_mode):
    before = host.tree()
    with pytest.raises(Unexpected) as caught:
        host.bring(**BOTH, samples=[{**SAMPLE, "user": user, "expect": {"discard": True}}], check_mode=check_mode)
    assert str(caught.value) == (f"The sample offer of {user} expects discard True, but the rules give: {found}; nothing was changed.")
    assert host.tree() == before


@pytest.mark.parametrize(
    ("program", "user", "kind", "sentence"),
    [
        ("sieve-test", "alice", NoTrial, "There is no sieve-test on this host to try samples with; install the package dovecot-sieve."),
        ("sievec", "alice", NoTrial, NO_SIEVEC),
        ("procmail", "bob", NoProcmail, NO_PROCMAIL),
    ],
)
def test_samples_need_the_engine_though_nothing_else_is_new(host, program, user, kind, sentence):
    host.bring(**BOTH)
    host.programs.remove(program)
    before = host.tree()
    with pytest.raises(kind) as caught:
        host.bring(**BOTH, samples=[{**SAMPLE, "user": user}])
    assert (str(caught.value), host.tree()) == (sentence, before)
    outcome = host.bring(**BOTH, samples=[{**SAMPLE, "user": user}], check_mode=True)
    assert (outcome.changed, outcome.samples, host.warnings) == (False, [], [f"Unless the play mends it before: {sentence}"])


def test_a_binary_that_cannot_be_made_anew(host):
    host.bring(rules=[SPAM])
    (host.root / BEFORE.replace(".sieve", ".svbin")).unlink()
    host.programs.remove("sievec")
    with pytest.raises(NoTrial) as caught:
        host.bring(rules=[SPAM])
    assert str(caught.value) == NO_SIEVEC


@pytest.mark.parametrize(
    ("user", "change", "kind", "sentence"),
    [
        (
            "alice",
            ("sieve_test", (89, "", "sieve-test: Fatal: Unknown user\n")),
            NoTrial,
            "The sample offer of alice could not be tried: sieve-test: Fatal: Unknown user",
        ),
        (
            "carl",
            ("users", ["root", "nobody", "alice", "bob"]),
            NoUser,
            "There is no user 'carl' on this host to try the sample offer with.",
        ),
    ],
)
def test_a_sample_that_cannot_be_tried_yet(host, user, change, kind, sentence):
    setattr(host, *change)
    wanted = {"rules": [SPAM], "users": [BOB, {"name": "carl", "engine": "procmail"}], "samples": [{**SAMPLE, "user": user}]}
    before = host.tree()
    with pytest.raises(kind) as caught:
        host.bring(**wanted)
    assert (str(caught.value), host.tree()) == (sentence, before)
    outcome = host.bring(**wanted, check_mode=True)
    assert (outcome.samples, host.warnings) == ([], [f"Unless the play mends it before: {sentence}"])
