# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for secrets: in every spelling that a program writes, and in everything that a host keeps."""

from __future__ import annotations

import base64
import json
import typing as t
import urllib.parse

from harness import Peer

# All that a local user could look into; what is in none of these is seen by nobody.
PLACES = "/etc /home /root /run /srv /tmp /var/lib /var/log /var/spool"


def spelled(secrets: t.Iterable[str]) -> list[str]:
    """Each secret as it is, as Python, JSON and C write it, in a URL and in base64."""
    found: dict[str, None] = {}
    for secret in secrets:
        backslashed = secret.replace("\\", "\\\\")
        written = [secret, repr(secret)[1:-1], backslashed, backslashed.replace('"', '\\"'), backslashed.replace("'", "\\'")]
        written += [json.dumps(secret)[1:-1], json.dumps(repr(secret)[1:-1])[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1]]
        written.append(urllib.parse.quote(secret))
        # What base64 makes of a short one may be part of anything.
        written += [base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]] if len(secret) > 7 else []
        found.update(dict.fromkeys(written))
    return list(found)


def seen(output: str, secrets: t.Iterable[str]) -> list[str]:
    """The lines of a play's output with a secret in them; what stands on the administrator's own command line is theirs to hide."""
    forms = spelled(secrets)
    return [line for line in output.splitlines() if "ansible-playbook" not in line and any(form in line for form in forms)]


def _patterns(secrets: t.Iterable[str]) -> str:
    return f"echo {base64.b64encode(chr(10).join(spelled(secrets)).encode()).decode()} | base64 -d"


def in_journal(host: Peer, secrets: t.Iterable[str]) -> str:
    """The entries of the journal of *host* that hold a secret in any of their fields."""
    # The patterns are in a file while this runs: the journal itself is the standard input.
    search = "journalctl --no-pager -o export | grep -aF -f /root/patterns; rm /root/patterns"
    return host.out(f"{_patterns(secrets)} >/root/patterns; {search}")


def in_files(host: Peer, secrets: t.Iterable[str], user: str = "root") -> list[str]:
    """The files of *host* in which *user* finds a secret."""
    command = f"{_patterns(secrets)} | runuser -u {user} -- grep -rlsaF -f - {PLACES}"
    done = host.run(command)
    # There are directories that not everybody may enter, so what it returns says nothing.
    assert done.stderr == ""
    return done.stdout.splitlines()
