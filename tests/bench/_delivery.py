# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases that the mail host measures by itself: mail that is delivered, and clients that log in at once."""

from __future__ import annotations

import pathlib
import typing as t

from _cases import Case, Group
from _host import Host

USERS = [f"user{n}" for n in range(8)]
MAILS, CLIENTS = 400, 50
LOAD = pathlib.Path(__file__).with_name("_load.py")
LMTP = "mailbox_transport=lmtp:unix:private/dovecot-lmtp"
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
            host.shell(f"postconf -X home_mailbox local_destination_concurrency_limit && postconf -e {LMTP} && postfix reload")

    def local(users: t.Sequence[str]) -> t.Callable[[int], float]:
        return lambda _n: through("mailbox_transport= home_mailbox=Maildir/", users)

    def lmtp(users: t.Sequence[str]) -> t.Callable[[int], float]:
        return lambda _n: through(LMTP, users)

    def names(way: str, users: t.Sequence[str]) -> str:
        return f"{MAILS} mails for {len(users)} {'user' if len(users) == 1 else 'users'} through {way}"

    cases = []
    for users in (USERS[:1], USERS):
        raw = names("local(8)", users)
        cases += [Case(raw, local(users)), Case(names("LMTP", users), lmtp(users), against=raw, budget=1, there=True)]
    # With what nobody gets by default: more than two at a time for one user.
    ten = f"{LMTP} local_destination_concurrency_limit=10"
    cases.append(Case(names("LMTP, ten at a time", USERS[:1]), lambda _n: through(ten, USERS[:1]), against=cases[0].name))
    return Group("delivery", lambda: prepare(host), cases)


def logins(host: Host) -> Group:
    def waiting(processes: int) -> float:
        """Log in where so many processes of each kind wait for clients."""
        settings = "\n".join(f"service {name} {{\n process_min_avail = {processes}\n}}" for name in ("imap-login", "imap"))
        host.shell(f"echo '{settings}' > {LOCAL_CONF} && systemctl restart dovecot && sleep 5")
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
            Case(f"{CLIENTS} logins at once", lambda _n: fresh("login"), against=queue, budget=1, there=True),
            Case(f"{CLIENTS} logins at once, 8 processes of each kind waiting", lambda _n: waiting(8), against=queue),
            Case(f"{CLIENTS} logins at once, {CLIENTS} processes of each kind waiting", lambda _n: waiting(CLIENTS), against=queue),
        ],
    )
