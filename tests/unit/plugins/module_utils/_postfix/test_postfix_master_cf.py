# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix.lines import logical_lines, split
from ansible_collections.postroom.mail.plugins.module_utils._postfix.master_cf import (
    BadOverride,
    MasterCf,
    Service,
    check_override,
    parse_service,
    render_args,
)
from hypothesis import given
from hypothesis import strategies as st

DASHES = ("-",) * 5
SHIPPED = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
#     Instead of specifying complex restrictions here,
#  -o smtpd_sasl_auth_enable=yes
# Choose one: enable submissions for loopback clients only, or for any client.
pickup    unix  n       -       y       60      1       pickup
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
#       -o smtp_helo_timeout=5
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -o x -d ${recipient}
"""

NAMES = st.sampled_from(["smtp", "submission", "127.0.0.1:10025"])
COLUMN = st.sampled_from(["-", "y", "n"])
VALUES = st.text(st.sampled_from("abc=,$:/ "), max_size=6).map(str.strip)
SERVICES = st.builds(
    Service,
    NAMES,
    st.sampled_from(["inet", "unix"]),
    st.tuples(COLUMN, COLUMN, COLUMN, st.just("-"), st.just("-")),
    st.sampled_from(["smtpd", "pipe"]),
    st.lists(st.tuples(st.sampled_from(["syslog_name", "smtpd_banner"]), VALUES), max_size=3).map(tuple),
    st.sampled_from([(), ("-v",)]),
    st.sampled_from([(), ("flags=R", "argv=/bin/true", "-o", "x")]),
)
LINES = st.one_of(
    SERVICES.map(lambda service: "\n".join(service.render())),
    SERVICES.map(lambda service: "\n".join(f"#{line}" for line in service.render())),
    st.sampled_from(["", "# comment", "  # inside", "  -o a=b", "too few fields", "\t", "#  -o a=b"]),
    st.text(max_size=10),
)
FILES = st.builds(lambda lines, end: "\n".join(lines) + end, st.lists(LINES, max_size=8), st.sampled_from(["", "\n"]))


@given(st.one_of(FILES, st.text()))
def test_parsing_and_rendering_is_the_identity(text):
    assert str(MasterCf(text)) == text


@given(SERVICES)
def test_a_rendered_service_reads_as_itself(service):
    (line,) = logical_lines(split("\n".join(service.render())))
    assert parse_service(line.text) == service


@given(FILES, SERVICES)
def test_putting_a_service_changes_no_other(text, service):
    before, after = MasterCf(text), MasterCf(text).put(service)
    assert after.services() == {**before.services(), service.key: service}
    assert str(MasterCf(str(after)).put(service)) == str(after)


@given(FILES, SERVICES)
def test_putting_a_service_keeps_every_line_that_is_not_its_own(text, service):
    # A new line ends as the first of the file does, which may be in CR LF.
    lines = split(text)
    own = set()
    for line in logical_lines(lines):
        present = None if line.orphan else parse_service(line.text)
        if present and present.key == service.key:
            own.update(line.physical)
    kept = [line.rstrip("\r\n") for line in split(str(MasterCf(text).put(service)))]
    for line in service.render():
        kept.remove(line)
    assert sorted(kept) == sorted(line.rstrip("\r\n") for n, line in enumerate(lines) if n not in own)


@given(FILES, SERVICES)
def test_removing_and_commenting_out_change_no_other(text, service):
    rest = {key: value for key, value in MasterCf(text).services().items() if key != service.key}
    assert MasterCf(text).remove(*service.key).services() == rest
    disabled = MasterCf(text).comment_out(*service.key)
    assert disabled.services() == rest
    assert str(disabled.comment_out(*service.key)) == str(disabled)


@given(FILES, SERVICES)
def test_switching_on_and_off_piles_up_no_comments(text, service):
    once = MasterCf(text).put(service).comment_out(*service.key)
    twice = once.put(service).comment_out(*service.key)
    assert str(twice.put(service).comment_out(*service.key)) == str(twice)


def test_a_comment_stays_between_two_lines_that_are_the_same():
    service = Service("relay", "unix", ("-",) * 5, "smtp", (("a", "b"), ("a", "b")))
    text = "relay unix - - - - - smtp\n  -o a=b\n# why\n  -o c=d\n"
    once = str(MasterCf(text).put(service))
    assert once.endswith("\n  -o a=b\n# why\n  -o a=b\n")
    assert str(MasterCf(once).put(service)) == once


def test_switching_on_and_off_leaves_one_comment_behind():
    service = Service("submission", "inet", ("n", "-", "y", "-", "-"), "smtpd", (("syslog_name", "x"),))
    once = MasterCf(SHIPPED).put(service).comment_out(*service.key)
    assert str(once).count("#submission inet") == 2
    assert str(once.put(service).comment_out(*service.key)) == str(once)


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("smtp inet n - y - - smtpd", Service("smtp", "inet", ("n", "-", "y", "-", "-"), "smtpd")),
        ("a unix - - - 300? 0 qmgr -v", Service("a", "unix", ("-", "-", "-", "300?", "0"), "qmgr", (), ("-v",))),
        ("a unix - - - - - smtpd -o x=y -oz=1", Service("a", "unix", DASHES, "smtpd", (("x", "y"), ("z", "1")))),
        ("a unix - - - - - smtpd -o { x = y z }", Service("a", "unix", DASHES, "smtpd", (("x", "y z"),))),
        ("a unix - - - - - smtpd -o x= -o y=a=b", Service("a", "unix", DASHES, "smtpd", (("x", ""), ("y", "a=b")))),
        ("a unix - - - - - smtpd -o x=${a?{b c}:{d}}", Service("a", "unix", DASHES, "smtpd", (("x", "${a?{b c}:{d}}"),))),
        ("a unix - - - - - pipe flags=R argv=/x -o y", Service("a", "unix", DASHES, "pipe", (), (), ("flags=R", "argv=/x", "-o", "y"))),
        ("too few fields", None),
    ],
)
def test_parse_service(text, service):
    assert parse_service(text) == service


def test_a_new_service_stands_behind_its_commented_out_entry():
    service = Service("submission", "inet", ("n", "-", "y", "-", "-"), "smtpd", (("smtpd_tls_security_level", "encrypt"),))
    before, after = "#  -o smtpd_sasl_auth_enable=yes\n", "# Choose one"
    new = "submission inet  n       -       y       -       -       smtpd\n  -o smtpd_tls_security_level=encrypt\n"
    assert str(MasterCf(SHIPPED).put(service)) == SHIPPED.replace(before + after, before + new + after)


def test_a_new_service_without_a_comment_stands_at_the_end():
    service = Service("10025", "inet", ("n", "-", "-", "-", "0"), "smtpd")
    assert str(MasterCf(SHIPPED.rstrip("\n")).put(service)) == SHIPPED + "10025     inet  n       -       -       -       0       smtpd\n"


def test_a_new_service_cuts_no_other_in_two():
    text = "a unix - - - - - x\n#b unix - - - - - y\n  -o c=d\ne unix - - - - - z\n"
    after = MasterCf(text).put(Service("b", "unix", DASHES, "y"))
    assert str(after) == text.replace("  -o c=d\n", "  -o c=d\nb         unix  -       -       -       -       -       y\n")


def test_only_the_lines_of_the_changed_service_change():
    relay = MasterCf(SHIPPED).services()["relay", "unix"]
    changed = Service(relay.name, relay.type, relay.columns, relay.command, (*relay.overrides, ("smtp_helo_timeout", "5s")))
    before = "        -o syslog_name=postfix/$service_name\n"
    after = "  -o syslog_name=postfix/$service_name\n  -o smtp_helo_timeout=5s\n"
    assert str(MasterCf(SHIPPED).put(changed)) == SHIPPED.replace(before, after)


def test_a_comment_inside_an_entry_stays_before_its_line():
    text = "a unix - - - - - x\n  -o b=1\n# about c\n  -o c=1\nd unix - - - - - y\n"
    service = Service("a", "unix", DASHES, "x", (("new", "1"), ("b", "1"), ("c", "1")))
    assert str(MasterCf(text).put(service)).splitlines()[1:-1] == ["  -o new=1", "  -o b=1", "# about c", "  -o c=1"]


def test_disabled_entries_are_commented_out_with_their_continuation():
    after = str(MasterCf(SHIPPED).comment_out("maildrop", "unix"))
    assert after == SHIPPED.replace("maildrop  unix", "#maildrop  unix").replace("  flags=DRXhu", "#  flags=DRXhu")


def test_of_several_entries_the_last_is_written_over_and_the_others_go():
    text = "a unix - - - - - x\nb unix - - - - - x\na unix - - - - - y\n"
    assert MasterCf(text).services()["a", "unix"].command == "y"
    assert str(MasterCf(text).put(Service("a", "unix", DASHES, "z"))).split() == "b unix - - - - - x a unix - - - - - z".split()


def test_removing_keeps_comments():
    text = "a unix - - - - - x\n# inside\n  -o b=1\n# behind\nc unix - - - - - x\n"
    assert str(MasterCf(text).remove("a", "unix")) == "# inside\n# behind\nc unix - - - - - x\n"


@pytest.mark.parametrize(
    ("args", "rendered"),
    [
        (["flags=R", "user=a"], ("flags=R", "user=a")),
        (["argv=/bin/x -d ${user}"], ("argv=/bin/x", "-d", "${user}")),
        (["null_sender=", "two words"], ("null_sender=", "{two words}")),
        (["{ braced words }"], ("{ braced words }",)),
    ],
)
def test_render_args(args, rendered):
    assert render_args(args) == rendered


@pytest.mark.parametrize("value", ["{", "}", "}{", "a { b"])
def test_unpaired_braces_are_refused(value):
    with pytest.raises(BadOverride, match="brace without its partner"):
        check_override("x", value)


def test_paired_braces_pass():
    check_override("x", "${a?{b}:{c}}")
