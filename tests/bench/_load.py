# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load that runs on the mail host itself, and prints how many seconds it took.

_load.py deliver MAILS USER...     mail over SMTP until the last one is in a mailbox
_load.py login CLIENTS USER...     as many IMAP clients over TLS at once, until the last one is logged in
_load.py queue CLIENTS USER...     the same logins, one after the other
"""

from __future__ import annotations

import glob
import imaplib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

# Far more than any of it takes; what is stuck shall not run for ever.
LIMIT = 120
SENDERS = 10


def inboxes(users: list[str]) -> list[str]:
    return [entry for user in users for entry in glob.glob(f"/home/{user}/Maildir/new/*")]


def deliver(mails: int, users: list[str]) -> float:
    for entry in inboxes(users):
        os.unlink(entry)
    each = mails // len(users)
    # Postfix's own generator, which sends to one recipient only.
    smtp = ["smtp-source", "-s", str(max(1, SENDERS // len(users))), "-m", str(each), "-l", "1000", "-f", "bench@example.com"]
    start = time.monotonic()
    senders = [subprocess.Popen([*smtp, "-t", f"{user}@example.org", "127.0.0.1:25"]) for user in users]
    if any(sender.wait(LIMIT) for sender in senders):
        sys.exit("smtp-source could not send its mail.")
    while len(inboxes(users)) < each * len(users):
        if time.monotonic() - start > LIMIT:
            sys.exit(f"{len(inboxes(users))} of {mails} mails have arrived after {LIMIT} seconds.")
        time.sleep(0.02)
    return time.monotonic() - start


def client(user: str) -> imaplib.IMAP4_SSL:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # the host's own certificate, over loopback
    session = imaplib.IMAP4_SSL("127.0.0.1", ssl_context=tls, timeout=LIMIT)
    session.login(user, f"bench-of-{user}")
    return session


def login(clients: int, users: list[str], at_once: bool) -> float:
    sessions: list[imaplib.IMAP4_SSL] = []
    failures: list[str] = []
    everybody = threading.Barrier(clients + 1 if at_once else 1)

    def one(user: str) -> None:
        everybody.wait()
        try:
            sessions.append(client(user))
        except (imaplib.IMAP4.error, OSError) as e:
            failures.append(f"{user}: {e}")

    names = [users[n % len(users)] for n in range(clients)]
    if at_once:
        threads = [threading.Thread(target=one, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        everybody.wait()
        start = time.monotonic()
        for thread in threads:
            thread.join()
    else:
        start = time.monotonic()
        for name in names:
            one(name)
    seconds = time.monotonic() - start
    if failures:
        sys.exit(f"{len(failures)} of {clients} logins failed: {failures[0]}")
    for session in sessions:
        session.logout()
    return seconds


def main(what: str, count: str, *users: str) -> None:
    socket.setdefaulttimeout(LIMIT)
    print(deliver(int(count), list(users)) if what == "deliver" else login(int(count), list(users), what == "login"))


if __name__ == "__main__":
    main(*sys.argv[1:])
