# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Dovecot of this host: what it is, and whether it would take a configuration."""

from __future__ import annotations

import dataclasses
import difflib
import errno
import functools
import os
import re
import socket
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed, rooms
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import HostError, RejectedByDaemon
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import checks, conf, dialects, errors
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import edit as editor
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import tree as trees

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

INCLUDES_HEADER = "# The administrator's own settings; what they say wins.\n"


# Settings of the master process itself: measured with 2.3 and 2.4, a reload ignores them or, with base_dir, ends in a dead Dovecot.
OF_THE_MASTER = ("base_dir", "default_internal_user", "default_internal_group")
LOGIN_PROTOCOLS = {"imap", "pop3", "sieve", "submission"}


class NoDovecot(HostError):
    """There is no Dovecot on this host that could read the configuration."""


@dataclasses.dataclass
class Candidate:
    """A text that Dovecot is to judge in the place of the one that the file *path* has, among the files of *live*."""

    live: trees.Tree
    path: str
    before: str | None
    after: str

    @functools.cached_property
    def tree(self) -> trees.Tree:
        return trees.with_exchanged(self.live, {self.path: self.after})

    @functools.cached_property
    def changed(self) -> list[conf.Path]:
        return conf.changes(self.before or "", self.after)


@dataclasses.dataclass
class Verdict:
    """The findings of the check of a candidate, short of a refusal."""

    checked: bool = False
    warnings: list[str] = dataclasses.field(default_factory=list)


def default_path(live: trees.Tree) -> str:
    """Return the collection's own drop-in, in the last directory that Dovecot reads on this host.

    That is ``local.d`` beneath a dovecot.conf of this collection and ``conf.d`` beneath the distribution's, whose
    highest number comes last. Where there is no dovecot.conf yet, the distribution's layout is expected.
    """
    directory = os.path.dirname(live.main)
    if not os.path.exists(live.main) or f"{directory}/conf.d/*.conf" in live.patterns:
        return f"{directory}/conf.d/99-postroom.conf"
    if f"{directory}/local.d/*.conf" in live.patterns:
        return f"{directory}/local.d/99-postroom.conf"
    raise HostError(
        f"{live.main} includes neither conf.d/*.conf nor local.d/*.conf; say with the option 'path' which file the settings go to."
    )


def render_file(wanted: t.Sequence[conf.Node], includes: t.Sequence[str]) -> str:
    """Render a whole file of the collection: its header, the settings in their order, the includes."""
    text = managed.HEADER + "\n" + conf.render_wanted(wanted)
    if includes:
        text += "\n" + INCLUDES_HEADER + "".join(f"!include_try {path}\n" for path in includes)
    return text


def new_text(before: str | None, wanted: t.Sequence[conf.Node], exclusive: bool, includes: t.Sequence[str]) -> str:
    """Return the text that the file must have: all of it, or its present one with the wanted settings brought in."""
    if exclusive:
        return render_file(wanted, includes)
    if before is None:
        return "" if all(map(conf.is_removal, wanted)) else "# Settings brought in by postroom.mail.\n\n" + editor.edit("", wanted)
    return editor.edit(before, wanted)


def check(run: Run, candidate: Candidate, *, required: bool) -> Verdict:
    """Let Dovecot judge its configuration as it would be with the candidate.

    Raises `RejectedByDaemon` for what this change makes wrong. What was wrong before is only warned about: otherwise
    a broken file could never be repaired in two steps. Without Dovecot on the host nothing can be judged: then it
    raises `NoDovecot` when the check is *required*.
    """
    live, path, after = candidate.live, candidate.path, candidate.after
    rc, stdout, _stderr = run(["dovecot", "--version"])
    if rc == 127:
        if required:
            raise NoDovecot(f"Dovecot is not installed on this host, so {path} cannot be checked before it is written; install it first.")
        return Verdict()
    verdict = Verdict(checked=True)
    version = stdout.split()[0] if rc == 0 and stdout.split() else dialects.DIALECTS[0].name
    tree = candidate.tree
    # Without its main file there is no configuration yet that the file could be a part of.
    if not tree.files:
        return verdict
    if not trees.is_read(tree, path):
        verdict.warnings.append(f"Dovecot does not read {path}: neither {live.main} nor a file that it includes names it.")
        return verdict
    error, remarks = _doveconf(run, tree, {path: after})
    if error:
        old_errors = {errors.same(old) for old in _all_errors(run, live, {})}
        new_error = next((found for found in _all_errors(run, tree, {path: after}) if errors.same(found) not in old_errors), "")
        if new_error:
            raise RejectedByDaemon(f"Dovecot {version} would refuse {path}: {new_error}{_suggestion(run, new_error)} Nothing was written.")
        verdict.warnings.append(f"The configuration was broken before, and still is: {error}")
    if remarks:
        _error, old_remarks = _doveconf(run, live, {}) if live.files else ("", [])
        known = {errors.same(remark) for remark in old_remarks}
        verdict.warnings += [f"Dovecot warns: {remark}" for remark in remarks if errors.same(remark) not in known]
    found = checks.complaints(
        candidate.changed, conf.flatten(conf.parse(after)), trees.passdb_drivers(tree), ask(run, version, candidate.changed)
    )
    if found:
        raise RejectedByDaemon(
            f"{found[0][:-1]}. Nothing was written to {path}." if len(found) == 1 else f"{' '.join(found)} Nothing was written to {path}."
        )
    return verdict


def restart_required(before: str, after: str) -> bool:
    """Tell if a reload would not do.

    Beside the master's own settings these are the addresses to listen on: at a reload, the login processes still hold
    the old sockets for a while, and then a new one on the same port fails with "Address already in use", or not, by chance.
    And a master that gets another socket for anvil at a reload dies of a segmentation fault (2.3.19 and 2.4.1). 2.4 makes
    the directories of its login processes when it starts, so those of a protocol that is new at a reload die at once.
    """
    old, new = conf.flatten(conf.parse(before)), conf.flatten(conf.parse(after))
    if _logins_by_name(new) - _logins_by_name(old):
        return True
    return any(_restarts(path) and _addresses(path, old) != _addresses(path, new) for path in {*old, *new})


def _logins_by_name(settings: t.Mapping[conf.Path, conf.Meaning]) -> set[str]:
    """The protocols with a login that a file says are on, in a list or a block; none for one that may be of 2.3."""
    listed = {path[1] for path, (value, _resolved) in settings.items() if path[0] == "protocols" and len(path) == 2 and value == "yes"}
    if (dialects.FIRST[0],) in settings and ("protocols",) in settings:
        listed.update(settings[("protocols",)][0].split())
    return listed & LOGIN_PROTOCOLS


def _restarts(path: conf.Path) -> bool:
    if len(path) == 1:
        return path[0] == "listen" or path[0] in OF_THE_MASTER
    return path[0] == "service anvil" or (path[-1] in ("address", "listen") and path[-2].startswith("inet_listener "))


def _addresses(path: conf.Path, settings: t.Mapping[conf.Path, conf.Meaning]) -> set[str]:
    """The words of a setting, whatever stands between them; those of Dovecot's default where there is none."""
    value = settings[path][0] if path in settings else "* ::" if path == ("listen",) else ""
    return set(re.split(r"[,\s]+", value))


def overrides(candidate: Candidate) -> list[str]:
    """Return a sentence for each changed setting that another file, which Dovecot reads later, sets to something else."""
    return [
        f"{conf.display(setting)} of {candidate.path} has no effect: {file}, which Dovecot reads later, sets it to something else."
        for setting, file in trees.overridden(candidate.tree, candidate.path, candidate.changed)
    ]


def ask(run: Run, version: str, changed: t.Collection[conf.Path]) -> checks.Host:
    """Ask the installed Dovecot for its abilities, as far as the changed settings need them."""
    steps = {re.split(r"[ \[]", step)[0] for path in changed for step in path}
    if not steps & {"passdb", "userdb", "auth_mechanisms", "listen", "address"}:
        return checks.Host(version)
    options = run(["dovecot", "--build-options"])[1]
    modules = run(["doveconf", "-h", "mail_plugin_dir"])[1].strip()

    def has_module(name: str) -> bool:
        return not name or not os.path.isdir(modules) or os.path.exists(os.path.join(modules, "auth", name))

    return checks.Host(version, _built(options, "Passdb"), _built(options, "Userdb"), has_module, address_error)


def _built(options: str, kind: str) -> tuple[str, ...]:
    line = re.search(rf"^{kind}:(.*)$", options, re.M)
    return tuple(re.sub(r"\(plugin\)", "", line.group(1)).split()) if line else ()


def address_error(address: str) -> str | None:
    """Return the reason for which no socket can listen on *address* here, or None."""
    try:
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)
    except OSError as e:
        return f"its name does not resolve ({e.strerror})"
    for family, kind, protocol, _name, where in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(where)
        except OSError as e:
            return "no network interface has this address" if e.errno == errno.EADDRNOTAVAIL else str(e.strerror)
    return None


def _all_errors(run: Run, tree: trees.Tree, exchanged: t.Mapping[str, str]) -> list[str]:
    return errors.all_errors(lambda repaired: _doveconf(run, tree, {**exchanged, **repaired})[0], tree.files) if tree.files else []


def _doveconf(run: Run, tree: trees.Tree, exchanged: t.Mapping[str, str]) -> tuple[str, list[str]]:
    """Return doveconf's objection to the configuration (nothing if it accepts it) and its warnings, with live file names.

    ``-x`` makes it open certificates and keys. Its standard output is never looked at: it may hold secrets.
    """
    try:
        with rooms.room("dovecot") as room:
            rc, _stdout, stderr = run(["doveconf", "-c", trees.stage(tree, exchanged, room), "-n", "-x"])
    except OSError as e:
        raise HostError(f"Cannot let Dovecot judge the configuration in {rooms.PLACE}: {e.strerror}; nothing was written.") from e
    lines = [line for line in stderr.replace(room, "").splitlines() if line.strip()]
    warnings = [_sentence(line) for line in lines if line.startswith("doveconf: Warning: ")]
    if rc == 0:
        return "", warnings
    fatal = next((line for line in lines if re.search(r"\b(Fatal|Error):", line)), lines[-1] if lines else f"doveconf ended with code {rc}")
    return _sentence(fatal), warnings


def _sentence(line: str) -> str:
    text = re.sub(r"^doveconf: (Fatal|Error|Warning): ", "", line).strip()
    text = re.sub(r"^(Error in c|C)onfiguration file (\S+) line (\d+): ", r"\2 line \3: ", text)
    return text if text.endswith(".") else f"{text}."


def _suggestion(run: Run, error: str) -> str:
    """The nearest real names for a misspelt one."""
    unknown = re.search(r"Unknown setting: (\S+?)\.?$", error)
    if not unknown:
        return ""
    # Only the names are taken; values may be secrets.
    names = {line.key for _blocks, line in conf.walk(conf.parse(run(["doveconf", "-a"])[1]), (), {}) if line.kind == "setting"}
    near = difflib.get_close_matches(unknown.group(1).split("/")[-1], sorted(names), n=3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
