# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes before they are live: procmail has no check of its own, so it runs as the user, in a temporary directory.

Nothing leaves the host and no mailbox changes: folders are elsewhere, and forwards and pipes are only recorded. Programs
that a condition asks or that filter the mail do run. See procmail(1), and "LOGFILE" in procmailrc(5).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shlex
import shutil
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files as core_files
from ansible_collections.postroom.mail.plugins.module_utils._core import homes, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput, HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._filter import procmail_conditions
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import MBOX, Location
from ansible_collections.postroom.mail.plugins.module_utils._filter.procmailrc import Trial, Writer, room_for
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import SYSTEM_FLAGS, Rule, spelled
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import Fate

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

PROCMAIL = "procmail"
END = ("timeout", "-k", "5", "120")
NOT_FOUND = 127
# procmail ends before the processes that have a copy do. They all hold the pipe, whose end is awaited.
AND_ALL_IT_STARTS = 'command -v "$1" >/dev/null || exit 127; "$@" 3>&1 | timeout 60 cat'
# procmail's own, for recipes of users.
PATH = "{home}/bin:/usr/local/bin:/usr/bin:/bin"

# The shell's own commands.
OF_THE_SHELL = frozenset(
    ". : [ break case cd command continue eval exec exit export false for getopts if local printf pwd read readonly set shift test times"
    " trap true type ulimit umask unset until wait while".split()
)

# The lines of procmail's log that depend on the mail rather than on the file.
_ABOUT_THE_MAIL = re.compile(r"procmail: (Program failure|Rescue of unfiltered data|Lock failure|Forcing lock|Timeout)")
_MARK = "postroom rule "
_END = "postroom end"

SAMPLE = "From: sender@elsewhere.example\nTo: you@example.org\nSubject: sample\nMessage-ID: <1@elsewhere.example>\n\nsample\n"


class BadRecipes(RejectedByDaemon):
    """procmail would not read a file as it was intended."""


class NoProgram(BadInput):
    """A program that a rule starts does not exist."""


class NoTrial(HostError):
    """procmail is not on this host, or could not run."""


class Bench:
    """A directory in which procmail runs as *user*."""

    def __init__(self, run: Run, user: str, location: Location, domain: str) -> None:
        self.run, self.user, self.location, self.domain = run, user, location, domain
        self.account = pwd.getpwnam(user)

    def check(self, rules: t.Sequence[Rule], of: str) -> None:
        """Have procmail read each condition, and count the braces. Raises `BadRecipes` and `NoProgram`."""
        named = [rule for top in rules for rule in top.nested()]
        for rule in named:
            for command in [rule.pipe, *(one.values[0] for one in (*rule.every, *rule.some) if one.kind == "program")]:
                if command:
                    self._check_program(command, f"The rule {rule.name} {of}")
        lines = ["SHELL=/bin/sh"]
        for number, rule in enumerate(named):
            lines.append(f'LOG="{_MARK}{number}\n"')
            for condition in (*rule.every, *rule.some):
                if condition.kind != "program":
                    lines.append(f":0\n* {procmail_conditions.line(condition)}\n{{ }}")
        with self._directory() as directory:
            recipes = Writer(self.location, self.domain, Trial(directory))
            # Read to its end, and never followed.
            lines.append(":0\n* ! ()\n{")
            lines += [line for rule in rules for line in recipes.rule(rule)]
            lines.append(f'}}\nLOG="{_END}\n"')
            lines[:0] = room_for(lines)
            said = self._procmail(directory, "\n".join(lines) + "\n", SAMPLE)
        number = 0
        for line in said.splitlines():
            if line.startswith(_MARK):
                number = int(line.removeprefix(_MARK))
            elif line.startswith("procmail: ") and not _ABOUT_THE_MAIL.match(line):
                raise BadRecipes(f"procmail does not take the rule {named[number].name} {of}: {line.removeprefix('procmail: ')}.")
        if _END not in said:
            raise BadRecipes(f"procmail does not find the end of the rules {of}; what is there was left as it is.")

    def _check_program(self, command: str, who: str) -> None:
        rc, _stdout, stderr = self.run(["/bin/sh", "-n"], data=command + "\n")
        if rc:
            raise NoProgram(f"{who} has the command '{command}', which the shell does not understand: {stderr.strip().splitlines()[-1]}.")
        try:
            words = [word for word in shlex.split(command, comments=True) if not re.match(r"\w+=", word)]
        except ValueError:
            # The shell understands it, and that is enough.
            return
        program = words[0] if words else ""
        for name, value in (("$HOME", self.account.pw_dir), ("${HOME}", self.account.pw_dir), ("~", self.account.pw_dir)):
            program = value + program[len(name) :] if program.startswith(f"{name}/") else program
        # What a shell would make of it is not guessed.
        if not program or program in OF_THE_SHELL or re.search(r"[$`(){}<>&;|!]", program):
            return
        found = shutil.which(program, path=PATH.format(home=self.account.pw_dir))
        if not found and not ("/" in program and os.access(program, os.X_OK)):
            raise NoProgram(f"{who} starts '{program}', which is not on this host: install it, or write its whole path.")

    def try_sample(self, rules: t.Sequence[Rule], variables: t.Mapping[str, t.Any], message: str) -> Fate:
        """Return the fate of *message* under the *rules* of the site and of the user."""
        with self._directory() as directory:
            writer = Writer(self.location, self.domain, Trial(directory))
            self._procmail(directory, writer.file(rules, variables, system=False), message)
            # Only what was filed elsewhere than the inbox has a name.
            filed = [rule.folder for top in rules for rule in top.nested() if rule.fate == "folder"]
            on_disk = {os.path.relpath(self.location._replace(base="/", inbox="/").folder(folder), "/"): folder for folder in filed}
            with homes.acting_as(self.user):
                return self._found(directory, writer.pipes, on_disk)

    # The run -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _directory(self) -> t.Iterator[str]:
        """Make the directory as the user, who owns all in it: a file there may be a link to anywhere."""
        with rooms.room("procmail") as directory:
            os.chown(directory, self.account.pw_uid, self.account.pw_gid)
            with homes.acting_as(self.user):
                for name in ("mail", "mail/new", "mail/cur", "mail/tmp") if self.location.driver != MBOX else ("mail",):
                    os.mkdir(os.path.join(directory, name), 0o700)
                self._write(directory, "record", _RECORD.format(directory=directory))
            yield directory

    def _write(self, directory: str, name: str, text: str) -> str:
        path = os.path.join(directory, name)
        with open(path, "w", encoding=core_files.ENCODING, errors=core_files.ERRORS) as f:
            f.write(text)
        return path

    def _procmail(self, directory: str, text: str, message: str) -> str:
        """Run procmail on *text*, and return its log."""
        with homes.acting_as(self.user):
            rc_file, log = self._write(directory, "rc", text), os.path.join(directory, "log")
        command = [
            PROCMAIL,
            f"LOGFILE={log}",
            f"MAILDIR={directory}/mail",
            f"DEFAULT={directory}/mail/",
            f"ORGMAIL={directory}/mail/",
            rc_file,
        ]
        command = ["/bin/sh", "-c", AND_ALL_IT_STARTS, "sh", *command]
        # The user could stop what runs as that user for ever, and not what ends it.
        as_user = [*END, "runuser", "-u", self.user, "--", *command] if os.geteuid() == 0 else command
        rc, _stdout, stderr = self.run(as_user, data=message)
        if rc == NOT_FOUND or "No such file" in stderr:
            raise NoTrial("There is no procmail on this host to try its rules with; install the package procmail.")
        with homes.acting_as(self.user):
            said = homes.read_text(log)
        return stderr if said is None else said

    # What it left behind -----------------------------------------------------------------------------------------

    def _found(self, directory: str, pipes: t.Sequence[str], folders: t.Mapping[str, str]) -> Fate:
        fate = Fate()
        for place, _directories, files in sorted(os.walk(f"{directory}/mail")):
            for name in sorted(files):
                inside = os.path.relpath(place if self.location.driver != MBOX else f"{place}/{name}", f"{directory}/mail")
                # A Maildir keeps its mail in new and cur.
                inside = inside if self.location.driver == MBOX else os.path.dirname(inside)
                fate.folder.append(folders.get(inside, "INBOX"))
                letters = name.partition(":2,")[2]
                fate.flag += [
                    flag for name, letter in SYSTEM_FLAGS.items() if letter in letters and (flag := spelled(name)) not in fate.flag
                ]
        fate.forward = _lines(f"{directory}/forwards")
        fate.vacation = bool(_lines(f"{directory}/answers"))
        fate.pipe = [command for number, command in enumerate(pipes, 1) if os.path.exists(f"{directory}/pipe.{number}")]
        fate.discard = not (fate.folder or fate.forward or fate.pipe)
        return fate


def _lines(path: str) -> list[str]:
    return (homes.read_text(path) or "").splitlines()


_RECORD = """\
case "$1" in
-t) echo answered >>{directory}/answers ;;
*) printf '%s\\n' "$@" >>{directory}/forwards ;;
esac
cat >/dev/null
"""
