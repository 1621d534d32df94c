# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who filters mail when it is delivered: the Sieve scripts of the host and of its users, as Dovecot 2.3 and 2.4 have them.

The scripts in ``before`` run first, in their order, then the one that the user has made active, then those in ``after``.
Each of them may be missing. What they redirect, refuse or answer goes out through the host's sendmail, which is Postfix.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, names, variables

Sieve = t.Mapping[str, t.Any]

# What ManageSieve stores for a user, and the link to the script that is active. The package's own configuration says the same.
SCRIPTS = "~/sieve"
ACTIVE = "~/.dovecot.sieve"

# What a folder that nobody has made yet is made by, so that fileinto needs no ":create" and clients show it.
FOLDERS: Settings = {"lda_mailbox_autocreate": True, "lda_mailbox_autosubscribe": True}

# In 2.3 what follows a semicolon are options; a line break would be another setting.
_PATH = re.compile(r"/[^;\x00-\x1f\x7f]+")


def settings(sieve: Sieve, to_24: bool) -> Settings:
    """The settings for *sieve*: ``before`` and ``after`` (paths, perhaps with ``%{user}``), and ``max_redirects`` of one run."""
    scripts = {kind: [_path(kind, path, to_24) for path in sieve.get(kind) or ()] for kind in ("before", "after")}
    limit = sieve.get("max_redirects")
    limits = {} if limit is None else {"sieve_max_redirects": limit}
    if to_24:
        return {**FOLDERS, **limits, **_blocks(scripts), "protocol lmtp": {"mail_plugins": {"sieve": True}}}
    personal = {"sieve": f"file:{SCRIPTS};active={ACTIVE}"}
    # 2.3 counts sieve_before, sieve_before2, sieve_before3, and ends at the first that is missing.
    numbered = {
        f"sieve_{kind}{number if number > 1 else ''}": path for kind, paths in scripts.items() for number, path in enumerate(paths, 1)
    }
    # In a block, 2.3 replaces what holds for all protocols, such as the quota, unless that is named there.
    return {**FOLDERS, "plugin": {**personal, **numbered, **limits}, "protocol lmtp": {"mail_plugins": ["$mail_plugins", "sieve"]}}


def _blocks(scripts: t.Mapping[str, t.Sequence[str]]) -> Settings:
    listed = {
        f"sieve_script {kind}{number}": {"type": kind, "driver": "file", "path": path, "precedence": number}
        for kind, paths in scripts.items()
        for number, path in enumerate(paths, 1)
    }
    return {**listed, "sieve_script personal": {"type": "personal", "driver": "file", "path": SCRIPTS, "active_path": ACTIVE}}


def _path(kind: str, path: t.Any, to_24: bool) -> str:
    if not _PATH.fullmatch(str(path)):
        raise Untranslatable(
            f"dovecot_sieve_{kind} has {path!r}, which is no path of a script; write one such as /etc/dovecot/sieve/{kind}.sieve."
        )
    return variables(str(path), to_24)


def problems(neutral: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What would have scripts that nobody runs."""
    protocols = names(neutral.get("protocols") or ())
    if "sieve" in protocols and neutral.get("sieve") is None:
        yield "dovecot_managesieve is true, but dovecot_sieve is not: nobody would run the scripts that users upload; set both."
    if neutral.get("sieve") is None:
        return
    if "lmtp" not in protocols:
        yield (
            "dovecot_sieve is true, but dovecot_lmtp_listeners is empty: Sieve filters what Dovecot takes in by LMTP;"
            " give Postfix a socket there, or leave Sieve out."
        )
    for to_24 in (False, True):
        try:
            settings(neutral["sieve"], to_24)
        except Untranslatable as e:
            yield str(e)
            return
