# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import stat

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError
from ansible_collections.postroom.mail.plugins.module_utils._core.locked_copy import FileBusy
from ansible_collections.postroom.mail.plugins.module_utils._tables import compiled_table

HASH = bytes(12) + b"\x61\x15\x06\x00" + bytes(8)
BTREE = bytes(12) + b"\x62\x31\x05\x00" + bytes(8)
LMDB = bytes(16) + b"\xde\xc0\xef\xbe" + bytes(8)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "virtual"
    path.write_text("a b\n")
    os.utime(path, (1000, 1000))
    return path


def compiled(source, suffix, content, age=1000):
    path = source.with_name(source.name + suffix)
    path.write_bytes(content)
    os.utime(path, (age, age))
    return path


@pytest.mark.parametrize(
    ("kind", "suffix", "content", "age", "reason"),
    [
        ("hash", ".db", HASH, 1000, None),
        ("hash", ".db", HASH, 2000, None),
        ("hash", ".db", HASH, 999, compiled_table.OLDER),
        ("hash", ".db", BTREE, 1000, compiled_table.OTHER_TYPE),
        ("btree", ".db", HASH, 1000, compiled_table.OTHER_TYPE),
        ("btree", ".db", BTREE, 1000, None),
        ("hash", ".db", b"", 1000, compiled_table.OTHER_TYPE),
        ("lmdb", ".lmdb", LMDB, 1000, None),
        ("lmdb", ".db", HASH, 1000, compiled_table.MISSING),
        ("cdb", ".cdb", b"anything", 1000, None),
        ("sdbm", ".pag", b"half of it", 1000, compiled_table.MISSING),
    ],
)
def test_staleness(source, kind, suffix, content, age, reason):
    compiled(source, suffix, content, age)
    assert compiled_table.staleness(str(source), kind) == reason


def test_a_table_without_source_is_stale(tmp_path):
    assert compiled_table.staleness(str(tmp_path / "virtual"), "hash") == compiled_table.MISSING


def test_other_forms_of_the_table_are_kept_in_step(source):
    path = str(source)
    assert compiled_table.kinds_of(path, "lmdb") == ["lmdb"]
    compiled(source, ".db", BTREE)
    assert compiled_table.kinds_of(path, "lmdb") == ["lmdb", "btree"]
    assert compiled_table.kinds_of(path, "hash") == ["hash"]
    assert compiled_table.kinds_of(path, "pcre") == []


def test_the_compiled_form_is_as_its_source(source, tmp_path):
    source.chmod(0o640)
    built = tmp_path / "built"
    built.write_bytes(HASH)
    compiled_table.put_in_place(str(built), str(source), ".db")
    st = os.stat(f"{source}.db")
    assert (stat.S_IMODE(st.st_mode), st.st_mtime_ns) == (0o640, os.stat(source).st_mtime_ns)
    assert compiled_table.staleness(str(source), "hash") is None
    assert not built.exists()


def test_a_failed_rename_is_told(source, tmp_path):
    with pytest.raises(HostError, match=r"Cannot put .*virtual\.db in place"):
        compiled_table.put_in_place(str(tmp_path / "nothing"), str(source), ".db")


def test_attributes_follow_the_source(source):
    form = compiled(source, ".db", HASH)
    source.chmod(0o600)
    form.chmod(0o644)
    follow = compiled_table.follow_attributes
    assert follow(str(source), ["hash"], files.Attributes(), check_mode=True)
    assert stat.S_IMODE(form.stat().st_mode) == 0o644
    assert follow(str(source), ["hash"], files.Attributes(), check_mode=False)
    assert stat.S_IMODE(form.stat().st_mode) == 0o600
    assert not follow(str(source), ["hash"], files.Attributes(), check_mode=False)
    assert follow(str(source), ["hash"], files.Attributes(mode=0o640), check_mode=True)


def test_only_one_run_builds_in_a_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled_table, "LOCK_TIMEOUT", 0.1)
    lock = compiled_table.directory_lock
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock(str(tmp_path)))
        with pytest.raises(FileBusy, match="Another run"):
            stack.enter_context(lock(str(tmp_path)))
    with lock(str(tmp_path)):
        pass


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with pytest.raises(HostError, match="No such file"), compiled_table.directory_lock(str(tmp_path / "none")):
        raise AssertionError("there was nothing to lock")
