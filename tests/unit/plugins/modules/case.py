# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A case: a host, a call of a module that changes it, and one that is refused."""

from __future__ import annotations

import json
import os
import typing as t

# It has what must be escaped between quotes, and is no part of a word in any message.
SECRET = "s3\\cr'et\"x"
OWNER = {"owner": str(os.getuid()), "group": str(os.getgid())}


class Case(t.NamedTuple):
    # Where the host's files are, and how it answers commands.
    root: t.Any
    run: t.Callable[..., tuple[int, str, str]]
    # A call that changes something.
    options: dict[str, t.Any]
    # A part of its result, and words of its diff.
    result: dict[str, t.Any]
    diff: str
    # Other options with which the call is refused, the class of the error, and words of its message.
    wrong: dict[str, t.Any]
    error: str
    message: str
    # Whether the diff is in the result without being asked for.
    always_diff: bool = False
    secrets: tuple[str, ...] = ()
    # What else of the host a call may change.
    more: t.Callable[[], t.Any] = lambda: None
    # What the play does with the result.
    afterwards: t.Callable[[dict[str, t.Any]], None] = lambda result: None

    def is_hidden(self, text):
        """Tell if none of the secrets is in *text*, however it may be quoted there."""
        for secret in self.secrets:
            for spelling in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1]):
                if spelling in text:
                    return False
        return True

    def state(self):
        """Everything that a call may change."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            st = path.lstat()
            found[str(path)] = (path.read_bytes() if path.is_file() else None, st.st_mode, st.st_ino, path.is_file() and st.st_mtime_ns)
        return found, str(self.more())


def below(tmp_path, *directories):
    root = tmp_path / "root"
    for directory in ("", *directories):
        (root / directory).mkdir(parents=True, exist_ok=True)
    return root


def always_with(monkeypatch, kind, **fixed):
    """Have every object of this *kind* made with these arguments, whatever else it is given."""
    make = kind.__init__
    monkeypatch.setattr(kind, "__init__", lambda made, *args, **given: make(made, *args, **{**given, **fixed}))


def programs(**outputs):
    """A host on which these programs say that, and no other is there."""

    def run(args, data=None):
        return (0, outputs[args[0]], "") if args[0] in outputs else (127, "", f"{args[0]}: No such file or directory")

    return run
