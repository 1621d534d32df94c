# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a procmail run control file from rules. Pure.

Sources: procmailrc(5), procmailex(5) and procmail(1). ``procmail_conditions`` renders the conditions of a rule.
"""

from __future__ import annotations

import re
import shlex
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._filter import procmail_conditions
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import MBOX, Location
from ansible_collections.postroom.mail.plugins.module_utils._filter.rules import SYSTEM_FLAGS, Rule, Vacation

# Of a recipe's flags, those that say whether it is followed at all, and those that say how the mail is handed over.
DECIDING, DELIVERING = "HBDAaEe", "hbfwWir"
CHAINING = "AaEe"

# The last file delivered to gets the flags into its name; a Maildir wants them in the order of the alphabet.
FLAGS_TRAP = (
    "TRAP='for flag in D F R S T; do case $POSTROOM_FLAGS in *$flag*) flags=$flags$flag;; esac; done;"
    ' case "$LASTFOLDER" in */new/*) test -z "$flags" || mv "$LASTFOLDER" "${LASTFOLDER%/new/*}/cur/${LASTFOLDER##*/}:2,$flags";; esac\''
)
# Lines of a file may not be longer, before or after what they name is put in.
USUAL_LINEBUF = 2048

# The service of Postfix that starts procmail for the mail that local(8) gives to it.
SERVICE = "postroom-procmail"

# The variables that the rest of the file relies on, and those that would change how its commands are started.
OURS = ("MAILDIR", "DEFAULT", "ORGMAIL", "TRAP", "HOST", "DELIVERED", "SENDMAIL", "SENDMAILFLAGS", "LINEBUF", "DROPPRIVS")
OURS_TOO = ("SHELL", "SHELLFLAGS", "SHELLMETAS")
# With these a file is more than its rules, or leaves something elsewhere.
ELSEWHERE = ("INCLUDERC", "SWITCHRC", "LOGFILE", "VERBOSE", "LOCKFILE")


def command(location: Location) -> str:
    """Return the command by which Postfix starts procmail.

    Users without recipes find mail in the same place, and undeliverable mail stays queued.
    """
    return f'/usr/bin/procmail -t -a "$EXTENSION" SHELL=/bin/sh DEFAULT={location.inbox} ORGMAIL={location.inbox}'


def room_for(lines: t.Iterable[str]) -> list[str]:
    """Return the lines that must come before *lines* that are long."""
    longest = max((len(line) for line in lines), default=0)
    return [f"LINEBUF={USUAL_LINEBUF + 4 * longest}"] if longest > USUAL_LINEBUF // 4 else []


class Trial(t.NamedTuple):
    """A run without effect: mail goes to folders below *directory*, and *directory*/record takes the mail that would leave."""

    directory: str


class Writer:
    """Writes the recipes of one file."""

    def __init__(self, location: Location, domain: str, trial: Trial | None = None, *, uses_flags: bool = False) -> None:
        self.location = location
        self.domain = domain
        # For conditions that are evaluated as a shell would.
        self.own_address = f"$\\LOGNAME@{procmail_conditions.literal(domain)}"
        self.trial = trial
        self.pipes: list[str] = []
        self.uses_flags = uses_flags

    def file(self, rules: t.Sequence[Rule], variables: t.Mapping[str, t.Any], *, system: bool) -> str:
        lines = [line for rule in rules for line in self.rule(rule)]
        head = ["SHELL=/bin/sh"]
        if system:
            head.append("DROPPRIVS=yes")
        head += room_for(lines)
        if not self.trial:
            head += [f'{name}="{value}"' for name, value in variables.items()]
            head += self._places(self.location.base, self.location.inbox)
        else:
            # Files elsewhere, and the log, are no part of a trial.
            head += [f'{name}="{value}"' for name, value in variables.items() if name not in ELSEWHERE]
            home = self.trial.directory
            head += self._places(f"{home}/mail", f"{home}/mail/{'inbox' if self.location.driver == MBOX else ''}")
            head += ["SENDMAIL=/bin/sh", f"SENDMAILFLAGS={home}/record"]
        if self.uses_flags:
            head.append(FLAGS_TRAP)
        return managed.HEADER + "\n".join([*head, *lines]) + "\n"

    def _places(self, base: str, inbox: str) -> list[str]:
        # procmail makes no more than the folder itself, and nothing is there yet when the first mail comes.
        return [f"POSTROOM_DIRECTORY=`test -d {base} || mkdir -p -m 700 {base}`", f"MAILDIR={base}", f"DEFAULT={inbox}", "ORGMAIL=$DEFAULT"]

    # A rule ------------------------------------------------------------------------------------------------------

    def rule(self, rule: Rule) -> list[str]:
        deciding = "".join(flag for flag in rule.recipe_flags if flag in DECIDING)
        delivering = "".join(flag for flag in rule.recipe_flags if flag in DELIVERING)
        copy = "c" if rule.copy or "c" in rule.recipe_flags else ""
        helper, conditions = procmail_conditions.all_of(rule, "".join(flag for flag in deciding if flag in "HBD"))
        lines = ["", managed.comment(rule.name), *helper]
        # Only the last file delivered to gets its flags, so that a copy that has some is delivered by a process of its own.
        by_itself = bool(copy) and rule.fate == "folder" and bool(rule.flag or self.uses_flags)
        if rule.fate in ("folder", "pipe", "discard") and not rule.flag and not rule.vacation and not by_itself:
            delivering = self._waiting(delivering) if rule.fate == "pipe" and self.trial else delivering
            return [*lines, _start(deciding + delivering + copy, self._lock(rule)), *conditions, self._action(rule)]
        extra = [f"* $ ! ^X-Loop:[ \t]*{self.own_address}[ \t]*$"] if rule.fate == "forward" else []
        block = [
            *self._flags(rule.flag),
            *(self._vacation(rule.vacation) if rule.vacation else []),
        ]
        inside = self._inside(rule, delivering)
        if copy:
            # The process that has the copy ends here; the other one goes on behind the block.
            inside += [":0", "/dev/null"]
        if by_itself:
            # Flags are the same in both.
            block += [_start(copy), "{", *_indented(inside), "}"]
            copy = ""
        else:
            block += inside
        return [*lines, _start(deciding + copy), *conditions, *extra, "{", *_indented(block), "}"]

    @staticmethod
    def _waiting(delivering: str) -> str:
        """With *delivering*, let procmail wait for the program and check its exit status."""
        return delivering if set("wW") & set(delivering) else f"w{delivering}"

    def _inside(self, rule: Rule, delivering: str) -> list[str]:
        """Return the lines in the block of a rule that needs one."""
        if rule.fate == "rules":
            return [line for one in rule.rules for line in self.rule(one)][1:]
        if rule.fate == "forward":
            return [
                ":0 fhw",
                f'| formail -A "X-Loop: $LOGNAME@{self.domain}"',
                # Otherwise a mail that sendmail does not take would be gone.
                _start(self._waiting(delivering)),
                f"! {' '.join(map(_word, rule.forward))}",
            ]
        if rule.fate == "pipe" and self.trial:
            delivering = self._waiting(delivering)
        return [_start(delivering, self._lock(rule)), self._action(rule)] if rule.fate else []

    def _action(self, rule: Rule) -> str:
        if rule.fate == "discard":
            return "/dev/null"
        if rule.fate == "pipe":
            # A program that filters the mail must do so in a trial, too: later rules look at its output.
            if self.trial and "f" not in rule.recipe_flags:
                self.pipes.append(rule.pipe)
                return f"| cat >>{self.trial.directory}/pipe.{len(self.pipes)}"
            return f"| {rule.pipe}"
        return _quoted(self._place(rule.folder))

    def _place(self, folder: str) -> str:
        return self.location._replace(base="$MAILDIR", inbox="$DEFAULT").folder(folder)

    def _lock(self, rule: Rule) -> str:
        if isinstance(rule.lock, str):
            return f":{rule.lock}"
        wanted = rule.lock
        if wanted is None:
            wanted = rule.fate == "folder" and self.location.driver == MBOX
        return ":" if wanted else ""

    def _flags(self, flags: t.Sequence[str]) -> list[str]:
        if flags:
            self.uses_flags = True
        return [f"POSTROOM_FLAGS=${{POSTROOM_FLAGS}}{SYSTEM_FLAGS[flag.lower()]}" for flag in flags]

    def _vacation(self, vacation: Vacation) -> list[str]:
        """Answer each sender once, and never a list, a program or an answer (RFC 3834, section 2)."""
        cache = f"{self.trial.directory}/vacation" if self.trial else "$HOME/.procmail-vacation"
        own = "|".join([self.own_address, *(_escaped(procmail_conditions.literal(address)) for address in vacation.addresses)])
        me = f"$LOGNAME@{_escaped(self.domain)}"
        headers = ["Precedence: bulk", "Auto-Submitted: auto-replied", f"X-Loop: {me}", f"From: {me}"]
        if vacation.subject is not None:
            headers.append(f"Subject: {_escaped(_header_text(vacation.subject))}")
        if not vacation.text.isascii():
            headers += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit"]
        answer = " ".join(f'-I "{header}"' for header in headers)
        text = " ".join(map(shlex.quote, vacation.text.splitlines()))
        return [
            f":0 Whc:{cache}.lock",
            "* ! ^FROM_DAEMON",
            "* ! ^(List-(Id|Post|Help|Unsubscribe)|X-Mailing-List):",
            "* ! ^Auto-Submitted:[ \t]*auto",
            f"* $ ! ^X-Loop:[ \t]*{self.own_address}[ \t]*$",
            f"* $ ^TO_({own})",
            f"| formail -rD 8192 {cache}",
            ":0 ehwc",
            f"| (formail -r {answer}; printf '%s\\n' {text}) | $SENDMAIL $SENDMAILFLAGS -t -f ''",
        ]


def _start(flags: str, lock: str = "") -> str:
    return f":0{' ' if flags else ''}{flags}{lock}"


def _indented(lines: t.Iterable[str]) -> t.Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


def _quoted(path: str) -> str:
    """Return *path* as one word, in which only a variable at its beginning is expanded."""
    head, slash, rest = path.partition("/") if path.startswith("$") else ("", "", path)
    return f'"{head}{slash}{_escaped(rest)}"'


def _word(text: str) -> str:
    return text if re.fullmatch(r"[\w@.=+-]+", text) else f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Return *text* as it is, within double quotes."""
    return re.sub(r'["\\`$]', r"\\\g<0>", text)


def _header_text(text: str) -> str:
    if text.isascii():
        return text
    # Here, because it is seldom needed and takes long to load.
    from email.header import Header

    return Header(text, "utf-8", maxlinelen=998).encode()


# What procmail cannot -----------------------------------------------------------------------------------------------


def problems(rules: t.Sequence[Rule], variables: t.Mapping[str, t.Any], location: Location, of: str) -> list[str]:
    """Report each part of *rules* that procmail does not support, or reads differently."""
    found = [sentence for top in rules for rule in top.nested() for sentence in _problems_of(rule, location, f"The rule {rule.name} {of}")]
    for name, value in variables.items():
        what = f"The variable {name} {of}"
        if name in (*OURS, *OURS_TOO) or str(name).startswith("POSTROOM_"):
            found.append(f"{what} is set by the collection itself: remove it; mail_location names the place of the mail.")
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
            found.append(f"{what} is no name of one.")
        elif not isinstance(value, (str, int)) or isinstance(value, bool) or re.search(r'[\x00-\x1f\x7f"`]|\\$', str(value)):
            found.append(f"{what} must be a text without quotes, backquotes, line breaks and a backslash at its end.")
    return found


def _problems_of(rule: Rule, location: Location, who: str) -> t.Iterator[str]:
    yield from _problems_of_recipe_flags(rule, who)
    texts = [rule.pipe, *(value for one in (*rule.every, *rule.some) if one.test in ("regex", "regexp", "program") for value in one.values)]
    if any(text.endswith("\\") for text in texts):
        yield f"{who} has a line that ends with a backslash, and would go on in the next one: remove it."
    if rule.fate == "reject":
        yield f"{who} has reject, which procmail does not support; Sieve does (engine: sieve)."
    if rule.fate == "folder":
        yield from _problems_of_folder(rule, location, who)
    for flag in rule.flag:
        if not flag.startswith("\\"):
            yield f"{who} has the flag '{flag}', which procmail cannot set; Sieve can (engine: sieve)."
        elif location.driver == MBOX:
            yield f"{who} has the flag '{flag}', which procmail cannot set in mbox; Sieve can (engine: sieve)."
    if rule.vacation and rule.vacation.days is not None:
        yield f"{who} has a vacation with days, and procmail does not know how long ago it answered; Sieve does (engine: sieve)."
    yield from procmail_conditions.problems(rule, who)
    if procmail_conditions.needs_helper(rule) and set(rule.recipe_flags) & set(CHAINING):
        yield (
            f"{who} has both match_any and one of the recipe flags {CHAINING}, which count from the recipe before: write match_any with"
            " headers and addresses alone, or a rule for each."
        )


def _problems_of_recipe_flags(rule: Rule, who: str) -> t.Iterator[str]:
    unknown = set(rule.recipe_flags) - set(f"{DECIDING}{DELIVERING}c")
    if "I" in unknown:
        yield f"{who} has the recipe flag I; procmail writes i for errors in writing that do not count."
    elif unknown:
        yield f"{who} has the recipe flags {''.join(sorted(unknown))}, which procmail does not know: see procmailrc(5)."
    if "c" in rule.recipe_flags and rule.fate is None:
        yield f"{who} has the recipe flag c, which goes with folder, forward, pipe or rules: every mail goes on here anyway."
    if "f" in rule.recipe_flags and rule.fate != "pipe":
        yield f"{who} has the recipe flag f, for a program whose output replaces the mail: give it a pipe."


def _problems_of_folder(rule: Rule, location: Location, who: str) -> t.Iterator[str]:
    wrong = location.problem_with(rule.folder)
    if wrong:
        yield f"{who} has the folder '{rule.folder}', which {wrong}."
    elif location.separator == "/" and "/" in rule.folder:
        yield f"{who} has the folder '{rule.folder}', for which procmail makes no directory; Sieve does (engine: sieve)."
    elif location.driver != MBOX and rule.lock:
        yield f"{who} has a lock for a folder of a Maildir, which needs none, and procmail would wait for the folder: remove it."
