# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the mail host itself is measured at: mail that is delivered, and clients that log in at once."""

from __future__ import annotations

import pathlib
import typing as t

from _cases import Case, Group
from _host import Host

USERS = [f"user{n}" for n in range(8)]
MAILS, CLIENTS = 400, 50
LOAD = pathlib.Path(__file__).with_name("_load.py")
LOCAL_CONF = "/etc/dovecot/local.conf"


def prepare(host: Host) -> None:
    host.play("postroom.mail.site", changed=None)
    # Beside the inventory's users: Dovecot lets nobody have fifty connections from one address.
    for user in USERS:
        host.shell(f"id {user} >/dev/null 2>&1 || useradd --create-home {user} && echo '{user}:bench-of-{user}' | chpasswd")
    host.shell(f"cat > /var/tmp/load.py <<'END'\n{LOAD.read_text()}\nEND")


def load(host: Host, what: str, count: int, users: t.Sequence[str]) -> float:
    return float(host.shell(f"python3 /var/tmp/load.py {what} {count} {' '.join(users)}").split()[-1])


def delivery(host: Host) -> Group:
    def through(settings: str, users: t.Sequence[str]) -> float:
        """Deliver as *settings* say, and then as the role does again."""
        host.shell(f"postconf -e {settings} && postfix reload && sleep 1")
        load(host, "deliver", 40, users)
        try:
            return load(host, "deliver", MAILS, users)
        finally:
            host.shell("postconf -e mailbox_transport=lmtp:unix:private/dovecot-lmtp home_mailbox= && postfix reload")

    def local(users: t.Sequence[str]) -> t.Callable[[int], float]:
        return lambda _n: through("mailbox_transport= home_mailbox=Maildir/", users)

    def lmtp(users: t.Sequence[str]) -> t.Callable[[int], float]:
        return lambda _n: through("mailbox_transport=lmtp:unix:private/dovecot-lmtp", users)

    def names(way: str, users: t.Sequence[str]) -> str:
        return f"{MAILS} mails for {len(users)} {'user' if len(users) == 1 else 'users'} through {way}"

    cases = []
    for users in (USERS[:1], USERS):
        raw = names("local(8)", users)
        cases += [Case(raw, local(users)), Case(names("LMTP", users), lmtp(users), against=raw, budget=1)]
    return Group("delivery", lambda: prepare(host), cases)


def logins(host: Host) -> Group:
    def started(_n: int) -> float:
        """Log in where every process that the clients need waits for them already."""
        waiting = "\n".join(f"service {name} {{\n process_min_avail = {CLIENTS}\n}}" for name in ("imap-login", "imap"))
        host.shell(f"echo '{waiting}' > {LOCAL_CONF} && systemctl restart dovecot && sleep 5")
        try:
            return load(host, "login", CLIENTS, USERS)
        finally:
            host.shell(f"rm {LOCAL_CONF} && systemctl restart dovecot")

    def fresh(what: str) -> float:
        host.shell("systemctl restart dovecot && sleep 5")
        return load(host, what, CLIENTS, USERS)

    queue = f"{CLIENTS} logins one after the other"
    return Group(
        f"{CLIENTS} IMAP clients",
        lambda: prepare(host),
        [
            Case(queue, lambda _n: fresh("queue")),
            # One by one, nobody waits for anybody else's processes.
            Case(f"{CLIENTS} logins at once", lambda _n: fresh("login"), against=queue, budget=1),
            Case(f"{CLIENTS} logins at once, every process started before", started, against=queue),
        ],
    )
