# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Sieve scripts of the host and of its users, which filter mail when it is delivered.

The scripts in ``before`` run first, in their order, then the one that the user has made active, then those in ``after``.
Each of them may be missing. What they redirect, refuse or answer goes out through the host's sendmail, which is Postfix.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings, Untranslatable, names

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._dovecot.dialects import Dialect

Sieve = t.Mapping[str, t.Any]

# What ManageSieve stores for a user, and the link to the script that is active. The package's own configuration says the same.
SCRIPTS = "~/sieve"
ACTIVE = "~/.dovecot.sieve"

# What a folder that nobody has made yet is made by, so that fileinto needs no ":create" and clients show it.
FOLDERS: Settings = {"lda_mailbox_autocreate": True, "lda_mailbox_autosubscribe": True}

# In 2.3 what follows a semicolon are options; a line break would be another setting.
_PATH = re.compile(r"/[^;\x00-\x1f\x7f]+")


def settings(sieve: Sieve, dialect: Dialect) -> Settings:
    """The settings for *sieve*: ``before`` and ``after`` (paths, perhaps with ``%{user}``), and ``max_redirects`` of one run."""
    scripts = {kind: list(map(dialect.variables, paths)) for kind, paths in _paths(sieve).items()}
    limit = sieve.get("max_redirects")
    limits = {} if limit is None else {"sieve_max_redirects": limit}
    # What holds for all protocols, such as the quota, has to be named in a block that would replace it.
    plugins = dialect.plugins(["sieve"], ["$mail_plugins"])
    return {
        **FOLDERS,
        **dialect.plugin({**dialect.sieve_scripts(scripts, SCRIPTS, ACTIVE), **limits}),
        "protocol lmtp": {"mail_plugins": plugins},
    }


def _paths(sieve: Sieve) -> dict[str, list[str]]:
    return {kind: [_path(kind, path) for path in sieve.get(kind) or ()] for kind in ("before", "after")}


def _path(kind: str, path: t.Any) -> str:
    if not _PATH.fullmatch(str(path)):
        raise Untranslatable(
            f"dovecot_sieve_{kind} has {path!r}, which is no path of a script; write one such as /etc/dovecot/sieve/{kind}.sieve."
        )
    return str(path)


def problems(neutral: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Give the mistakes that leave scripts without a program that runs them."""
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
    try:
        _paths(neutral["sieve"])
    except Untranslatable as e:
        yield str(e)
