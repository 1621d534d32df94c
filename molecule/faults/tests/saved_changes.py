# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module mail_change as plays have called it, saved on the hosts: it runs there again and again without a play around it.

So the same change of all roles can be carried out, killed and starved dozens of times in the time of a few plays.
"""

from __future__ import annotations

import concurrent.futures
import json
import typing as t

from harness import play

if t.TYPE_CHECKING:
    from mail_hosts import MailHost

# The inventory, and something else of each role: Postfix restarts for other addresses, and all others reload or restart, too.
FORMER: dict[str, t.Any] = {}
LATTER: dict[str, t.Any] = {
    "mail_aliases": {"postmaster": "root", "root": "alice", "sales": "bob"},
    "postfix_inet_interfaces": ["127.0.0.1", "{{ container_address }}"],
    "postfix_parameters": {"bounce_queue_lifetime": "3d"},
    "relay_policy_domains": [{"name": "backup.example", "any_recipient": True}, {"name": "more.example", "any_recipient": True}],
    "sasl_users": [
        {"name": "alice", "password": 'correct horse %n "battery"'},
        {"name": "printer", "password": "another-password"},
    ],
    "dovecot_settings": {"mail_max_userip_connections": 33},
    "mail_virtual_users": [
        {"address": "carol@shop.{{ mail_domain }}", "password": "carol-password"},
        {"address": "dora@shop.{{ mail_domain }}", "password": "dora-password"},
    ],
    "fetchmail_settings": {"daemon": 900},
    "filtering_rules": [
        {"name": "spam", "match": [{"header": "X-Spam-Flag", "is": "yes"}], "folder": "Junk"},
        {"name": "bills", "match": [{"header": "subject", "contains": "bill"}], "folder": "Bills"},
    ],
    "filtering_users": [{"name": "bob", "rules": [{"name": "all", "match": [{"header": "List-Id", "exists": True}], "folder": "Other"}]}],
}
PLACE = "/root/saved"

# Makes of the file that Ansible has left a directory to run from, and one more for check mode. What the host had said just before is
# not known when it runs again.
_SAVE = f"""
import glob, json, os, shutil, subprocess, sys
name, = sys.argv[1:]
# The first one asked the host.
found = max(glob.glob("/root/.ansible/tmp/*/AnsiballZ_mail_change.py"), key=os.path.getmtime)
for place in (f"{PLACE}/{{name}}", f"{PLACE}/{{name}}-check"):
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place, 0o700)
    shutil.copy(found, f"{{place}}/run.py")
    subprocess.run([sys.executable, f"{{place}}/run.py", "explode"], check=True, stdout=subprocess.DEVNULL)
    with open(f"{{place}}/debug_dir/args") as f:
        arguments = json.load(f)
    options = arguments["ANSIBLE_MODULE_ARGS"]
    options |= {{"services": {{}}, "files": {{}}, "_ansible_check_mode": place.endswith("check"), "_ansible_keep_remote_files": False}}
    options["_ansible_tmpdir"] = None
    with open(f"{{place}}/debug_dir/args", "w") as f:
        json.dump(arguments, f)
shutil.rmtree("/root/.ansible/tmp")
"""

# Runs what was saved, and kills it (SIGKILL) after so many seconds, alone or with the programs that it runs.
_RUN = f"""
import json, os, signal, subprocess, sys, tempfile, time
name, seconds, whom = json.loads(sys.argv[1])
with tempfile.TemporaryFile() as out:
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, f"{PLACE}/{{name}}/run.py", "execute"], stdout=out, stderr=out, start_new_session=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if whom == "all":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    took = time.monotonic() - started
    out.seek(0)
    print(json.dumps({{"killed": process.returncode == -signal.SIGKILL, "seconds": took, "said": out.read().decode()}}))
"""


class Ran(t.NamedTuple):
    """The end of a saved change, with its result unless it was killed."""

    killed: bool
    seconds: float
    result: dict[str, t.Any]

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def recovered(self) -> bool:
        """Tell if it reports that the one before was killed."""
        return any("A run that was killed left the host half changed" in reason for reason in self.result.get("reasons", []))


def save(mails: t.Sequence[MailHost]) -> t.Callable[..., Ran]:
    for name, variables in (("latter", LATTER), ("former", FORMER)):
        on_each(mails, lambda mail: mail.out("rm -rf /root/.ansible/tmp"))
        run = play("site", limit="mail", variables=variables, environment={"ANSIBLE_PIPELINING": "0", "ANSIBLE_KEEP_REMOTE_FILES": "1"})
        assert run.rc == 0, run.output
        on_each(mails, lambda mail, name=name: mail.out(f"python3 -c '{_SAVE}' {name}"))
    return carry_out


def carry_out(mail: MailHost, name: str, *, killed_after: float | None = None, whom: str = "it", limit: float = 300.0) -> Ran:
    """Carry out what was saved as *name*, ``former`` or ``latter``, or with ``-check`` behind it see what that would do."""
    told = json.loads(mail.out(f"python3 -c '{_RUN}' '{json.dumps([name, killed_after or limit, whom])}'"))
    is_killed = told["killed"]
    assert not is_killed or killed_after is not None, told
    try:
        result = {} if is_killed else json.loads(told["said"])
    except ValueError as e:
        raise AssertionError(told["said"]) from e
    return Ran(is_killed, told["seconds"], result)


T = t.TypeVar("T")


def on_each(mails: t.Sequence[MailHost], do: t.Callable[[MailHost], T]) -> list[T]:
    """Do something on all hosts at once."""
    with concurrent.futures.ThreadPoolExecutor(len(mails)) as threads:
        return list(threads.map(do, mails))
