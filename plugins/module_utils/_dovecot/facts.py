# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dovecot's answers about itself, and the sign that its configuration is still the package's."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import dialects

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run

CONFIG_DIRECTORY = "/etc/dovecot"
PAM_SERVICE_FILE = "/etc/pam.d/postroom-dovecot"
CONFIG_PATH = "/etc/dovecot/dovecot.conf"
UCF_HASHFILE = "/var/lib/ucf/hashfile"
MANAGED = "Managed by postroom.mail"
# The files that the role dovecot writes for its databases and secrets, beside dovecot.conf.
DATABASE_FILE = re.compile(r"postroom-(denied-users|virtual-users|(secrets|(passdb|userdb)-).*\.conf\.ext)")
HIDDEN = "[hidden]"

# One line a file; a package's ghost files and directories have no digest.
RPM_DIGESTS = r"[%{FILENAMES}\t%{FILEDIGESTS}\n]"

Settings = dict[str, t.Any]


def parse_version(text: str) -> str | None:
    """The number in ``2.3.19.1 (9b53102964)``, which ``dovecot --version`` prints and ``doveconf -n`` starts with."""
    match = re.match(r"#?\s*(\d+(?:\.\d+)+)", text)
    return match.group(1) if match else None


def parse_doveconf(text: str) -> Settings:
    """The output of ``doveconf -n`` as a nested dict, its keys written as in dovecot.conf (``service auth``).

    Of a block that comes more than once under the same name, as 2.3's ``passdb`` may, the value is a list.
    """
    root: Settings = {}
    stack = [root]
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line == "}":
            if len(stack) > 1:
                stack.pop()
        elif line.endswith("{"):
            block: Settings = {}
            _add_block(stack[-1], " ".join(line[:-1].split()), block)
            stack.append(block)
        elif "=" in line:
            name, value = (part.strip() for part in line.split("=", 1))
            stack[-1][name] = _unquoted(value)
    return root


def _unquoted(value: str) -> str:
    """doveconf quotes where white space or a backslash would be lost, 2.4 oftener than 2.3; blanks in quotes belong to the value."""
    if len(value) < 2 or not value.startswith('"') or not value.endswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _add_block(parent: Settings, key: str, block: Settings) -> None:
    if key not in parent:
        parent[key] = block
    elif isinstance(parent[key], list):
        parent[key].append(block)
    else:
        parent[key] = [parent[key], block]


def without_secrets(settings: Settings) -> Settings:
    """The same tree with passwords and keys hidden; the path of a file that holds one is no secret."""
    return {name: _shown(name, value) for name, value in settings.items()}


def _shown(name: str, value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return without_secrets(value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return HIDDEN if value.startswith("# hidden") or secrets.is_secret(name, value) else value


def parse_hashfile(text: str) -> dict[str, str]:
    """ucf's record: ``md5  path`` a line, of each file as the package shipped it."""
    return {path: digest for digest, path in (line.split(None, 1) for line in text.splitlines() if len(line.split(None, 1)) == 2)}


def parse_rpm_digests(text: str) -> dict[str, str]:
    """Parse the output of ``rpm -qa --queryformat RPM_DIGESTS``: path and digest of every file that a package ships."""
    return {path: digest for path, _tab, digest in (line.partition("\t") for line in text.splitlines()) if digest}


def modified_files(shipped: dict[str, str], present: dict[str, str | None], included: t.Iterable[str]) -> list[str]:
    """The files that are not as the package shipped them.

    *shipped* are the package's digests; *present* those of the same files now (None: no longer there); *included*
    are the files that the shipped dovecot.conf would read, whoever wrote them.
    """
    changed = {path for path, digest in shipped.items() if present.get(path) != digest}
    return sorted(changed | {path for path in included if path not in shipped})


NOT_INSTALLED: dict[str, t.Any] = {
    "installed": False,
    "version": None,
    "dialect": None,
    "config_path": None,
    "pristine": None,
    "managed": False,
    "modified_files": [],
    "database_files": [],
    "pam_service": None,
    "settings": {},
    "config_error": None,
}


def ask(run: Run, os_family: str) -> dict[str, t.Any]:
    """Everything that mail_info tells about Dovecot; a configuration that is broken is told, not raised."""
    answer = ask_settings(run)
    if not answer["installed"]:
        return answer
    modified = _modified_on_disk(run, os_family)
    return {
        **answer,
        "pristine": not modified,
        "managed": is_managed(CONFIG_PATH),
        "modified_files": modified,
        "database_files": _database_files(),
        "pam_service": _text(PAM_SERVICE_FILE),
    }


def ask_settings(run: Run) -> dict[str, t.Any]:
    """The part of it that Dovecot itself tells."""
    rc, stdout, stderr = run(["doveconf", "-n"])
    if rc == 127:
        return NOT_INSTALLED
    version = parse_version(stdout)
    if version is None:
        # The binaries without any dovecot.conf: doveconf gives up before its first line.
        version = parse_version(run(["dovecot", "--version"])[1]) or "0.0"
    return {
        **NOT_INSTALLED,
        "installed": True,
        "version": version,
        "dialect": dialects.of(version).name,
        "config_path": CONFIG_PATH,
        "settings": without_secrets(parse_doveconf(stdout)) if rc == 0 else {},
        "config_error": None if rc == 0 else (stderr.strip().splitlines() or ["doveconf failed without saying why"])[-1],
    }


def is_managed(path: str) -> bool:
    """Tell if this dovecot.conf was written by the collection: its first lines say so."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as f:
        return any(MANAGED in line for line in itertools.islice(f, 5) if line.startswith("#"))
    return False


def _modified_on_disk(run: Run, os_family: str) -> list[str]:
    if os_family == "RedHat":
        records = parse_rpm_digests(run(["rpm", "-qa", "dovecot*", "--queryformat", RPM_DIGESTS])[1])
    else:
        records = {}
        with contextlib.suppress(OSError), open(UCF_HASHFILE, encoding="utf-8", errors="surrogateescape") as f:
            records = parse_hashfile(f.read())
    shipped = {path: digest for path, digest in records.items() if path.startswith(f"{CONFIG_DIRECTORY}/")}
    return modified_files(shipped, {path: _digest(path, len(digest)) for path, digest in shipped.items()}, _included())


def _included() -> list[str]:
    """Return the files that the dovecot.conf of either distribution includes, beside itself."""
    found = [path for path in (CONFIG_PATH, f"{CONFIG_DIRECTORY}/local.conf") if os.path.isfile(path)]
    with contextlib.suppress(OSError):
        found += [entry.path for entry in os.scandir(f"{CONFIG_DIRECTORY}/conf.d") if entry.name.endswith(".conf")]
    return found


def _database_files() -> list[str]:
    with contextlib.suppress(OSError):
        return sorted(entry.path for entry in os.scandir(CONFIG_DIRECTORY) if DATABASE_FILE.fullmatch(entry.name))
    return []


def _text(path: str) -> str | None:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as f:
        return f.read()
    return None


def _digest(path: str, length: int) -> str | None:
    """The digest of a file in the algorithm that the package's own record uses, told by its length."""
    digest = hashlib.new("sha256" if length == 64 else "md5", usedforsecurity=False)
    try:
        with open(path, "rb") as f:
            digest.update(f.read())
    except OSError:
        return None
    return digest.hexdigest()
