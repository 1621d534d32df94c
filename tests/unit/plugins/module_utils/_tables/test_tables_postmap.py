# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
import time

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._tables import postmap
from ansible_collections.postroom.mail.plugins.module_utils._tables.lookup_table import Entry
from ansible_collections.postroom.mail.plugins.module_utils._tables.postmap import (
    PostfixMissing,
    Postmap,
    TableRejected,
    TypeNotSupported,
    complaints_about,
    diff_of,
)
from ansible_collections.postroom.mail.plugins.module_utils._tables.request import Table
from ansible_collections.postroom.mail.tests.unit.plugins.module_utils.postmap_host import MAGIC, Postfix


def missing(args, data=None):
    return 127, "", "not found"


def apply(run, *tables, check_mode=False, backup=False):
    return Postmap(run, "/etc/postfix", check_mode=check_mode, backup=backup).apply(list(tables))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "virtual")


def identities(directory):
    return {entry.name: (entry.inode(), entry.stat().st_mtime_ns) for entry in os.scandir(directory)}


def content(path):
    with open(path, "rb") as f:
        return f.read()


def test_a_new_table_is_written_and_compiled(path):
    run = Postfix()
    (outcome,) = apply(run, Table(path, "hash", "table", text="a b\n"))
    assert outcome.changed
    assert outcome.built == {"hash": "it does not exist"}
    assert content(path) == b"a b\n"
    assert content(f"{path}.db") == MAGIC["hash"] + b"a b\n"
    assert sorted(os.listdir(os.path.dirname(path))) == ["virtual", "virtual.db"]


def test_a_converged_table_costs_no_command_and_no_inode(path):
    table = Table(path, "hash", "table", text="a b\n", attributes=files.Attributes(mode=0o644))
    apply(Postfix(), table)
    before = identities(os.path.dirname(path))
    run = Postfix()
    (outcome,) = apply(run, table)
    assert not outcome.changed
    assert run.calls == []
    assert identities(os.path.dirname(path)) == before


def test_check_mode_compiles_elsewhere_and_writes_nothing(path):
    run = Postfix()
    (outcome,) = apply(run, Table(path, "hash", "table", text="a b\n"), check_mode=True)
    assert outcome.changed
    assert os.listdir(os.path.dirname(path)) == []
    assert [call[0] for call in run.calls] == ["postconf", "postmap"]


@pytest.mark.parametrize(
    ("kind", "size", "memory"),
    [("hash", 100, None), ("hash", 400, 2000), ("hash", 900, 3000), ("lmdb", 900, None)],
)
def test_a_large_table_gets_more_memory_to_be_compiled_in(path, tmp_path, monkeypatch, kind, size, memory):
    monkeypatch.setattr(postmap, "LARGE_TABLE", 300)
    monkeypatch.setattr(postmap, "MOST_MEMORY", 3000)
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    (configuration / "main.cf").write_text("myhostname = mail.example.org")
    seen, ages = [], []

    class Reader(Postfix):
        def __call__(self, args, data=None):
            if args[0] == "postmap":
                with open(os.path.join(args[2], "main.cf")) as f:
                    seen.append(f.read())
                    ages.append(time.time() - os.fstat(f.fileno()).st_mtime)
            return super().__call__(args, data)

    text = "a".ljust(size - 2, "b") + " c"
    Postmap(Reader(), str(configuration), check_mode=False).apply([Table(path, kind, "table", text=text)])
    more = f"\nberkeley_db_create_buffer_size = {memory}\n" if memory else ""
    assert seen == [f"myhostname = mail.example.org{more}"]
    # Postfix waits until its main.cf is two seconds old.
    assert not memory or ages[0] > 2
    assert "main.cf" not in os.listdir(os.path.dirname(path))


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_bad_table_changes_nothing_not_even_a_good_one_beside_it(path, check_mode):
    good, bad = Table(path, "hash", "table", text="a b\n"), Table(f"{path}2", "hash", "table", text="bad line\n")
    with pytest.raises(TableRejected) as caught:
        apply(Postfix(), good, bad, check_mode=check_mode)
    assert str(caught.value) == f"postmap finds fault with hash:{path}2: {path}2, line 1: is bad (the line is: bad line)."
    assert os.listdir(os.path.dirname(path)) == []


def test_the_line_of_a_secret_table_is_not_told(path):
    with pytest.raises(TableRejected) as caught:
        apply(Postfix(), Table(path, "hash", "table", text="bad s3cret\n", secret=True))
    assert "s3cret" not in str(caught.value)


def test_a_fatal_error_is_told_for_somebody_elses_source_too(path):
    _write(path, "fatal line\n")
    with pytest.raises(TableRejected, match="does not take"):
        apply(Postfix(), Table(path, "hash", "table"))


def test_oddities_of_somebody_elses_source_are_warnings(path):
    _write(path, "bad line\n")
    host = Postmap(Postfix(), "/etc/postfix", check_mode=False)
    (outcome,) = host.apply([Table(path, "hash", "table", entries=[Entry("a", "b")])])
    assert outcome.changed
    assert host.warnings == [f"postmap: {path}, line 1: is bad"]
    assert content(path) == b"bad line\na b\n"


@pytest.mark.parametrize(
    ("damage", "reason", "reload_required"),
    [
        (lambda path: os.unlink(f"{path}.db"), "it does not exist", True),
        (lambda path: os.utime(f"{path}.db", (1, 1)), "it is older than its source", False),
        (lambda path: _write(f"{path}.db", "half"), "it is of another type", True),
    ],
)
def test_a_damaged_form_is_healed_and_the_source_left_alone(path, damage, reason, reload_required):
    table = Table(path, "hash", "table", text="a b\n")
    apply(Postfix(), table)
    source = os.stat(path)
    damage(path)
    (told,) = apply(Postfix(), table, check_mode=True)
    assert told.built == {"hash": reason}
    (outcome,) = apply(Postfix(), table)
    assert outcome.built == {"hash": reason}
    assert outcome.reload_required is reload_required
    assert content(f"{path}.db") == MAGIC["hash"] + b"a b\n"
    assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (source.st_ino, source.st_mtime_ns)
    assert not apply(Postfix(), table)[0].changed


def test_an_edit_by_hand_is_undone(path):
    table = Table(path, "hash", "table", text="a b\n")
    apply(Postfix(), table)
    _write(path, "a c\n")
    (outcome,) = apply(Postfix(), table)
    assert outcome.change.content_changed
    assert not outcome.reload_required
    assert content(f"{path}.db").endswith(b"a b\n")


def test_a_form_of_another_type_is_kept_in_step(path):
    apply(Postfix(), Table(path, "hash", "table", text="a b\n"))
    apply(Postfix(), Table(path, "lmdb", "table", text="a c\n"))
    assert content(f"{path}.db").endswith(b"a c\n")
    assert content(f"{path}.lmdb").endswith(b"a c\n")
    assert not apply(Postfix(), Table(path, "lmdb", "table", text="a c\n"))[0].changed


def test_a_text_table_is_opened_for_a_query_and_wants_a_reload(path):
    run = Postfix()
    (outcome,) = apply(run, Table(path, "regexp", "regexp", text="/a/ b\n"))
    assert outcome.reload_required
    assert run.calls[-1][:5] == ["postmap", "-c", "/etc/postfix", "-q", "postroom.invalid"]
    assert os.listdir(os.path.dirname(path)) == ["virtual"]
    assert not apply(Postfix(), Table(path, "regexp", "regexp", text="/a/ b\n"))[0].reload_required


def test_aliases_are_compiled_by_postalias(path):
    run = Postfix()
    apply(run, Table(path, "hash", "aliases", text="a: b\n"))
    assert run.calls[-1][0] == "postalias"


def test_a_type_that_is_not_installed_names_the_package(path):
    with pytest.raises(TypeNotSupported, match=r"postfix-lmdb .*hash, regexp"):
        apply(Postfix(types=("hash", "regexp", "static")), Table(path, "lmdb", "table", text="a b\n"))
    assert os.listdir(os.path.dirname(path)) == []


def test_without_postfix_check_mode_tells_what_would_be(path):
    (outcome,) = apply(missing, Table(path, "hash", "table", text="a b\n"), check_mode=True)
    assert outcome.changed
    assert next(diff_of(outcome))["after"] == "a b\n"
    assert Postmap(missing, "/etc/postfix", check_mode=True).default_type() == "hash"


def test_an_account_may_come_with_the_package_in_check_mode_only():
    assert Postmap(missing, "/etc/postfix", check_mode=True).group_for("no-such-group") is None
    assert Postmap(missing, "/etc/postfix", check_mode=True).owner_for("root") == "root"
    assert Postmap(Postfix(), "/etc/postfix", check_mode=True).owner_for("no-such-user") == "no-such-user"
    assert Postmap(missing, "/etc/postfix", check_mode=False).group_for("no-such-group") == "no-such-group"


def test_without_postfix_nothing_is_written(path):
    with pytest.raises(PostfixMissing, match="install Postfix"):
        apply(missing, Table(path, "hash", "table", text="a b\n"))
    assert os.listdir(os.path.dirname(path)) == []


def test_mode_is_that_of_the_request_for_both(path):
    apply(Postfix(), Table(path, "hash", "table", text="a b\n", attributes=files.Attributes(mode=0o600)))
    assert {stat.S_IMODE(os.stat(name).st_mode) for name in (path, f"{path}.db")} == {0o600}
    (outcome,) = apply(Postfix(), Table(path, "hash", "table", text="a b\n", attributes=files.Attributes(mode=0o640)))
    assert outcome.changed
    assert not outcome.built
    assert {stat.S_IMODE(os.stat(name).st_mode) for name in (path, f"{path}.db")} == {0o640}


def test_absent_removes_every_form(path):
    for kind in ("hash", "lmdb"):
        apply(Postfix(), Table(path, kind, "table", text="a b\n"))
    gone = Table(path, "", "table", present=False)
    assert apply(missing, gone, check_mode=True)[0].changed
    (outcome,) = apply(missing, gone)
    assert outcome.removed == [path, f"{path}.db", f"{path}.lmdb"]
    assert not outcome.reload_required
    assert os.listdir(os.path.dirname(path)) == []
    assert not apply(missing, gone)[0].changed


def test_a_text_table_that_is_gone_is_served_until_a_reload(path):
    apply(Postfix(), Table(path, "regexp", "regexp", text="/a/ b\n"))
    assert apply(missing, Table(path, "", "table", present=False))[0].reload_required


def test_backup_keeps_the_former_source(path):
    apply(Postfix(), Table(path, "hash", "table", text="a b\n"))
    (outcome,) = apply(Postfix(), Table(path, "hash", "table", text="a c\n"), backup=True)
    assert content(outcome.change.backup_file) == b"a b\n"


def test_a_directory_that_is_not_there_is_told(path):
    with pytest.raises(HostError, match="Cannot build a table in"):
        apply(Postfix(), Table(f"{path}/deeper", "hash", "table", text="a b\n"))


def test_complaints_are_told_once_and_in_the_names_of_the_live_table():
    stderr = (
        'postmap: warning: /tmp/.x/virtual, line 2: duplicate entry: "a"\n'
        'postmap: warning: /tmp/.x/virtual, line 2: duplicate entry: "a"\n'
        "postmap: warning: hash/btree support is deprecated\n"
        "postmap: fatal: open database /tmp/.x/virtual.db: Permission denied\n"
    )
    assert complaints_about(stderr, "/tmp/.x/virtual", "/etc/postfix/virtual") == [
        '/etc/postfix/virtual, line 2: duplicate entry: "a"',
        "open database /etc/postfix/virtual.db: Permission denied",
    ]


def test_diffs_of_secret_and_of_huge_tables_do_not_show_them(path):
    (outcome,) = apply(Postfix(), Table(path, "hash", "table", text="a s3cret\n", secret=True))
    assert "s3cret" not in str(list(diff_of(outcome)))
    (outcome,) = apply(Postfix(), Table(path, "hash", "table", text="a b\n" * 100_000))
    assert len(str(list(diff_of(outcome)))) < 500


def _write(path, text):
    with open(path, "w") as f:
        f.write(text)


@pytest.fixture
def certificate(tmp_path):
    found = tmp_path / "certificate.pem"
    found.write_text("first\n")
    return found


def test_a_table_of_contents_is_compiled_from_them_and_again_when_they_change(path, certificate):
    table = Table(path, "hash", "table", text=f"mail.example {certificate}\n", file_contents=True)
    run = Postfix()
    apply(run, table)
    assert "-F" in run.calls[-1]
    assert not apply(run, table)[0].changed
    # A renewed certificate may have been made long before it is put in place.
    renewed = certificate.with_name("renewed.pem")
    renewed.write_text("second\n")
    os.utime(renewed, (1, 1))
    time.sleep(0.02)
    renewed.rename(certificate)
    (outcome,) = apply(run, table)
    assert outcome.built == {"hash": "it is older than a file whose content it holds"}
    assert not outcome.reload_required
    assert not apply(run, table)[0].changed


def test_another_table_does_not_mind_that_a_file_of_that_name_changes(path, certificate):
    table = Table(path, "hash", "table", text=f"mail.example {certificate}\n")
    run = Postfix()
    apply(run, table)
    assert "-F" not in run.calls[-1]
    time.sleep(0.02)
    certificate.write_text("second\n")
    assert not apply(run, table)[0].changed
