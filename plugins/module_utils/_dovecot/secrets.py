# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Dovecot whose values are secrets, in files of their own that only root reads. Pure.

Anybody may read dovecot.conf, since doveadm and dovecot-lda need it when an ordinary user runs them. Dovecot itself reads its
configuration as root before it becomes anybody else. So a secret stands in a file that is included in its place: with
``!include_try``, which passes over what its reader may not open.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.databases import DIRECTORY, HEAD, File
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.words import Settings

Given = t.Mapping[str, t.Any]


def parted(settings: Given) -> tuple[Settings, list[File]]:
    """*settings* as anybody may read them, and the files with the secrets: one for each block that has any, and one for all others.

    A block of 2.3 without a name cannot be continued elsewhere, so it is there that the file is included.
    """
    files: list[File] = []
    plain: Settings = {}
    blocks: Settings = {}
    secrets: Settings = {}
    for key, value in settings.items():
        if isinstance(value, t.Mapping):
            blocks[key] = _block(key, value, files)
        elif _is_blocks(value):
            blocks[key] = [_block(key, item, files) for item in value]
        elif core_secrets.is_secret(str(key), value):
            secrets[key] = value
        else:
            plain[key] = value
    # Before the blocks: 2.4 warns of a global setting behind a block with the same one.
    return {**_including(plain, "", secrets, files), **blocks}, files


def _block(key: str, block: Given, files: list[File]) -> Settings:
    public, secrets = _split(block)
    return _including(public, key, secrets, files)


def _split(block: Given) -> tuple[Settings, Settings]:
    """Split a *block* into the public part, and the rest in the blocks in which it belongs."""
    public: Settings = {}
    secrets: Settings = {}
    for key, value in block.items():
        if isinstance(value, t.Mapping):
            seen, unseen = _split(value)
            if seen or not unseen:
                public[key] = seen
            if unseen:
                secrets[key] = unseen
        elif not _is_blocks(value) and core_secrets.is_secret(str(key), value):
            secrets[key] = value
        else:
            public[key] = value
    return public, secrets


def _including(public: Settings, key: str, secrets: Settings, files: list[File]) -> Settings:
    if not secrets:
        return public
    path = _path(key, [file.path for file in files])
    files.append(File(path, HEAD + conf.render_wanted(conf.wanted_from(secrets)), "0600"))
    own = public.get(conf.INCLUDE, [])
    return {**public, conf.INCLUDE: [*(own if isinstance(own, list) else [own]), path.rpartition("/")[2]]}


def _path(key: str, taken: t.Collection[str]) -> str:
    """A file named after the block."""
    name = "-".join(["secrets", *re.findall("[a-z0-9]+", key.lower())])[:60]
    candidates = (f"{DIRECTORY}/postroom-{name}{number}.conf.ext" for number in ("", *(f".{i}" for i in range(2, 1000))))
    return next(path for path in candidates if path not in taken)


def _is_blocks(value: t.Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(item, t.Mapping) for item in value)
