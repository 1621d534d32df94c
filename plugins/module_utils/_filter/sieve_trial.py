# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sieve scripts before they are live: whether they compile, and what they would do with a sample message.

Sources: sievec(1) and sieve-test(1), which changes nothing as long as it is not told to execute.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import spelled
from ansible_collections.postroom.mail.plugins.module_utils._filter.trial import Fate, Sample

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

SIEVEC, SIEVE_TEST = "sievec", "sieve-test"
# It runs as the user, who could stop it for ever.
END = ("timeout", "-k", "5", "60")
NOT_FOUND, RUN_TIME_ERROR = 127, 1
_ERROR = re.compile(r"^\S+: line (?P<line>\d+): error: (?P<error>.*)", re.MULTILINE)


class DoesNotCompile(RejectedByDaemon):
    """Dovecot would not run a script."""


class Fails(RejectedByDaemon):
    """A script ends with an error at a sample message; Dovecot would keep the mail."""


class NoTrial(HostError):
    """sieve-test is missing, or gave no answer."""


def stage(directory: str, name: str, text: str) -> str:
    path = os.path.join(directory, f"{name}.sieve")
    with open(path, "w", encoding=files.ENCODING, errors=files.ERRORS) as f:
        f.write(text)
    # Whatever the umask: the directory says who gets here.
    os.chmod(path, 0o644)
    return path


def compile_script(run: Run, path: str, text: str, of: str, into: str = "") -> bool:
    """Compile the script *path*, beside it or *into* a file; return False when there is no sievec.

    Raises `DoesNotCompile`, naming the rule in *text*.
    """
    rc, _stdout, stderr = run([SIEVEC, path, *([into] if into else [])])
    if rc == NOT_FOUND:
        return False
    if rc:
        error = _ERROR.search(stderr)
        said = error["error"] if error else " | ".join(stderr.split("\n")[:2]).strip()
        where = rule_at(text, int(error["line"])) if error else ""
        raise DoesNotCompile(f"Dovecot does not take {where}the Sieve script {of}, and what is there was left as it is: {said}")
    return True


def rule_at(text: str, line: int) -> str:
    """Name the rule that the *line* of a script is part of, or quote the line of a script that was not made of rules."""
    lines = text.split("\n")
    names = [one.strip()[2:] for one in lines[1:line] if one.strip().startswith("# ")]
    if names and any(one.startswith("if ") for one in lines):
        return f"the rule {names[-1]} in "
    return f"line {line} ({lines[line - 1].strip()}) of " if 0 < line <= len(lines) else ""


def try_sample(run: Run, scripts: t.Sequence[str], sample: Sample, message: str, domain: str) -> Fate:
    """Return what the *scripts*, one after the other, do with the *message* (a file that the user may read). Raises `NoTrial`."""
    recipient = sample.user if "@" in sample.user else f"{sample.user}@{domain}"
    earlier = [part for path in scripts[:-1] for part in ("-s", path)]
    rc, stdout, stderr = run([*END, SIEVE_TEST, "-u", sample.user, "-f", sample.sender, "-r", recipient, *earlier, scripts[-1], message])
    if rc == NOT_FOUND:
        raise NoTrial("There is no sieve-test on this host to try samples with; install the package dovecot-sieve.")
    said = " | ".join(line.strip() for line in stderr.splitlines() if line.strip())
    if rc == RUN_TIME_ERROR:
        errors = [found["error"] for found in _ERROR.finditer(stderr)]
        raise Fails(
            f"The sample {sample.name} of {sample.user} ends with an error, and such a mail would only be kept: {' '.join(errors) or said}"
        )
    if "Performed actions:" not in stdout:
        raise NoTrial(f"The sample {sample.name} of {sample.user} could not be tried: {said or f'sieve-test ended with {rc}'}")
    return read(stdout)


def read(stdout: str) -> Fate:
    """Read the lines of sieve-test: those that begin with ``*`` are actions, ``+`` belongs to the one above."""
    fate = Fate()
    kept = answer = False
    for line in stdout.split("\n"):
        text = line.lstrip()
        # The text of an answer may look like anything.
        if answer or text.startswith("* send vacation message"):
            answer = line != "END MESSAGE"
            fate.vacation = True
        elif text.startswith("Performed actions:"):
            kept = False
        elif text.startswith("* store message in folder: "):
            fate.folder.append(text.split(": ", 1)[1])
        elif text == "* keep":
            kept = True
        elif text.startswith("* redirect message to: "):
            fate.forward.append(text.split(": ", 1)[1].strip("<>"))
        elif text == "* discard":
            fate.discard = True
        elif text.startswith("* reject message"):
            fate.reject = True
        elif text.startswith("+ add IMAP flags: "):
            flags = text.split(": ", 1)[1].split()
            fate.flag += [flag for flag in map(spelled, flags) if flag not in fate.flag]
    if kept:
        fate.folder.append("INBOX")
    return fate
