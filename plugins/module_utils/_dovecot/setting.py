# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of the module dovecot_setting: from its options to a changed file and what to tell about it."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import files
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import daemon as dovecot
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import tree as trees

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

HIDDEN = "[hidden]"


@dataclasses.dataclass(frozen=True)
class Request:
    """The module's options."""

    settings: dict[str, t.Any]
    secret_settings: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    path: str | None = None
    exclusive: bool = False
    includes: t.Sequence[str] = ()
    config_path: str = "/etc/dovecot/dovecot.conf"
    backup: bool = False
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    check_mode: bool = False


@dataclasses.dataclass
class Outcome:
    result: dict[str, t.Any]
    diff: dict[str, str]
    warnings: list[str]


def apply(run: Run, request: Request) -> Outcome:
    """Bring the wanted settings into the file, or tell in check mode what that would change."""
    if request.includes and not request.exclusive:
        raise BadInput("The option 'includes' is for files that hold nothing else: set 'exclusive' to true, or leave it out.")
    for option, value in (("path", request.path or "/"), ("config_path", request.config_path)):
        if not value.startswith("/"):
            raise BadInput(f"The option '{option}' is '{value}'; write it as an absolute path, from the root of the file system on.")
    odd = next((pattern for pattern in request.includes if not re.fullmatch(r"[^\s#\x00-\x1f\x7f]+", pattern)), None)
    if odd is not None:
        raise BadInput(f"The option 'includes' has {odd!r}, which is no name or pattern of a file that Dovecot could include.")
    wanted = conf.wanted_from(merged(request.settings, request.secret_settings))
    secrets = paths(conf.wanted_from(request.secret_settings))
    live = trees.read(request.config_path, {})
    path = request.path or dovecot.default_path(live)
    before = trees.text_of(live, path)
    mode = files.mode_from(request.mode, path)
    # A file with secrets is for its owner alone.
    attributes = files.Attributes(request.owner, request.group, 0o600 if mode is None and secrets else mode)
    verdict, candidate = dovecot.Verdict(), dovecot.Candidate(live, path, before, before or "")

    def judge(after: str) -> None:
        nonlocal verdict, candidate
        candidate = dovecot.Candidate(live, path, before, after)
        verdict = dovecot.check(run, candidate, required=not request.check_mode)

    def render(text: str | None) -> str:
        return dovecot.new_text(text, wanted, request.exclusive, request.includes)

    if before is None and not request.exclusive and all(map(conf.is_removal, wanted)):
        # Nothing is there to be removed, and an empty file would help nobody.
        change = files.Change(path, "", "")
    else:
        if not files.is_directory(os.path.dirname(path)) and not request.check_mode:
            # Judged first, so that no directory is made for a file that Dovecot would refuse.
            judge(render(None))
            # That of a drop-in the distribution may not ship. Its parent must be there.
            files.make_directory(os.path.dirname(path))
        change = files.update(path, render, validate=judge, check_mode=request.check_mode, attributes=attributes, backup=request.backup)
    changed = conf.changes(change.before or "", change.after)
    warnings = list(verdict.warnings)
    if change.content_changed:
        warnings += dovecot.overrides(candidate)
    warnings += [
        f"{conf.display(name)} looks like a secret; give it with the option 'secret_settings', which keeps it out of logs and output."
        for name, (value, _resolved) in conf.flatten(conf.wanted_from(request.settings)).items()
        if core_secrets.is_secret(name[-1], value)
    ]
    result: dict[str, t.Any] = {
        "changed": change.changed,
        "path": path,
        "changed_settings": [conf.display(name) for name in changed],
        "reload_required": bool(changed),
        "restart_required": bool(changed) and dovecot.restart_required(change.before or "", change.after),
        "checked": verdict.checked,
    }
    if change.backup_file:
        result["backup_file"] = change.backup_file
    return Outcome(result, files.diff(without_secrets(change, secrets)), warnings)


def merged(settings: t.Mapping[str, t.Any], more: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Both dictionaries in one; blocks that are in both are merged likewise."""
    result = dict(settings)
    for key, value in more.items():
        here = result.get(key)
        result[key] = merged(here, value) if isinstance(here, t.Mapping) and isinstance(value, t.Mapping) else value
    return result


def paths(wanted: t.Iterable[conf.Node]) -> list[conf.Path]:
    """Return the paths of the settings in a wanted tree."""
    return [path for path in conf.flatten(wanted) if path[-1]]


def without_secrets(change: files.Change, secrets: t.Collection[conf.Path]) -> files.Change:
    """The same change with the values of secret settings hidden, and a word where such a value is another one now."""
    old = conf.flatten(conf.parse(change.before or ""))
    before = None if change.before is None else _hidden(change.before, secrets, {})
    return dataclasses.replace(change, before=before, after=_hidden(change.after, secrets, old if change.before else {}))


def _hidden(text: str, secrets: t.Collection[conf.Path], old: t.Mapping[conf.Path, conf.Meaning]) -> str:
    tree = conf.parse(text)
    for path, line in conf.walk(tree, (), {}):
        if line.kind == "setting" and (path in secrets or core_secrets.is_secret(path[-1], conf.meaning(line.value)[0])):
            note = "" if old.get(path, conf.meaning(line.value)) == conf.meaning(line.value) else " (another one)"
            indent = line.raw[: len(line.raw) - len(line.raw.lstrip())]
            line.raw = f"{indent}{line.key} = {HIDDEN}{note}\n"
    # A setting that was commented out may be as secret as a live one.
    return re.sub(r"^([ \t]*#[ \t]*\S*(?:password|passwd|secret|dnpass)[ \t]*=).*$", rf"\1 {HIDDEN}", conf.render(tree), flags=re.M | re.I)
