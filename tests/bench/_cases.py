# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases that are measured, each with its rival and its budget."""

from __future__ import annotations

import dataclasses
import typing as t

from _host import Host, Stopped

PING = "ansible -m ping"
SECONDS = "the clock"  # For a budget in seconds, without the way to the host and back: that is Ansible's own and the same for any task.

# saslpasswd2 takes one user per process; so many of them are enough to know what each costs.
ACCOUNTS, LOOPED = 10_000, 500

# A small host, as the README shows it.
VARIABLES: dict[str, t.Any] = {
    # Ansible is root in the container already.
    "ansible_become": False,
    "mail_domain": "example.org",
    "mail_users": [{"name": "alice", "password": "bench-of-alice"}, {"name": "bob", "password": "bench-of-bob"}],
    "mail_aliases": {"postmaster": "root", "root": "alice", "wizards": ["root", "alice"]},
    "fetchmail_accounts": [{"poll": "provider.invalid", "user": "alice", "password": "bench-of-provider", "is": ["alice"]}],
    "filtering_users": [
        {
            "name": "alice",
            "rules": [
                {"name": "lists", "match": [{"header": "List-Id", "contains": "postfix-users"}], "folder": "Lists.postfix"},
                {"name": "the boss", "match": [{"address": "from", "is": "boss@example.org"}], "flag": ["\\Flagged"]},
            ],
        }
    ],
}

# The fifteen that peers set by fifteen tasks.
FIFTEEN: dict[str, t.Any] = {
    "biff": False,
    "bounce_queue_lifetime": "2d",
    "default_process_limit": 50,
    "delay_warning_time": "4h",
    "header_checks": "",
    "mailbox_size_limit": 0,
    "maximal_queue_lifetime": "3d",
    "message_size_limit": 26214400,
    "minimal_backoff_time": "300s",
    "notify_classes": ["resource", "software"],
    "queue_minfree": 52428800,
    "smtp_connect_timeout": "20s",
    "smtpd_client_connection_count_limit": 40,
    "smtpd_error_sleep_time": "1s",
    "swap_bangpath": False,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing to measure: how, against what, and at most how many times that. A run may give the seconds itself."""

    name: str
    run: t.Callable[[int], float | None]
    against: str = PING
    budget: float | None = None
    # Measured on the host itself, so that there is no way to the host and back in it.
    there: bool = False
    # Processor time of the controller, which is not compared with the time of a ping.
    processor: bool = False
    # What the budget is a multiple of, where it is another case.
    unit: str = "× raw"


@dataclasses.dataclass(frozen=True)
class Group:
    """Cases that share a state of the host: *prepare* brings it about, untimed, and warms what they read."""

    name: str
    prepare: t.Callable[[], None]
    cases: list[Case]
    # At most so often, where a round takes long.
    rounds: int = 99


def rendered(value: t.Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def whole_host(host: Host) -> Group:
    # As docs/change.md has it for some of the roles.
    roles = [
        {"ansible.builtin.import_role": {"name": f"postroom.mail.{name}", "tasks_from": "wishes"}}
        for name in ("host", "postfix", "relay_policy")
    ]
    relay = [{"tasks": [{"postroom.mail.mail_plan": {}}, *roles, {"postroom.mail.mail_change": {}}]}]

    def prepare() -> None:
        host.play("postroom.mail.site", changed=True)
        host.play("postroom.mail.site")

    return Group(
        "a converged mail host",
        prepare,
        [
            Case("whole host, all roles, converged", lambda _n: host.play("postroom.mail.site"), budget=3.5),
            Case("Postfix and relay policy, converged", lambda _n: host.play(relay), budget=3),
        ],
    )


def tables(host: Host, size: int) -> Group:
    """Build tables of *size* entries; the raw tool and the module read the same lines."""
    folder = f"/var/tmp/bench-{size}"
    exponent = f"1e{len(str(size)) - 1}"

    def task(source: str) -> list[dict[str, t.Any]]:
        return [{"tasks": [{"postroom.mail.postmap": {"path": f"{folder}/table", "src": f"{folder}/{source}"}}]}]

    def prepare() -> None:
        host.install("postfix")
        # Two sources that differ in one value: taking turns, each round changes the table.
        host.shell(f"""mkdir -p {folder} && cd {folder} && python3 -c '
for turn in (0, 1):
    with open("source-%d" % turn, "w") as source:
        for n in range({size}):
            source.write("user%07d@example.org\\tuser%07d\\n" % (n, n + (turn if n == {size} // 2 else 0)))
' && cp source-0 raw && postmap raw""")
        host.play(task("source-1"), changed=True)

    raw = f"raw postmap, {exponent} entries"
    large = size >= 1_000_000
    return Group(
        f"{exponent} entries",
        prepare,
        [
            Case(raw, lambda _n: host.do(f"postmap {folder}/raw")),
            Case(
                f"postmap, {exponent} entries, changed",
                lambda n: host.play(task(f"source-{n % 2}"), changed=True),
                against=raw if large else PING,
                budget=1.15 if large else None,
            ),
            Case(f"postmap, {exponent} entries, unchanged", lambda n: host.play(task(f"source-{n % 2}")), budget=1.5 if large else None),
        ],
    )


def parameters(host: Host) -> Group:
    ours = [{"tasks": [{"postroom.mail.postfix_config": {"parameters": FIFTEEN}}]}]
    line_by_line = {
        "ansible.builtin.lineinfile": {
            "path": "/etc/postfix/main.cf",
            "regexp": "^{{ item.name }} =",
            "line": "{{ item.name }} = {{ item.value }}",
        },
        "loop": [{"name": name, "value": rendered(value)} for name, value in FIFTEEN.items()],
    }
    theirs = [{"tasks": [line_by_line]}]

    def prepare() -> None:
        host.play(ours, changed=True)
        host.play(theirs, changed=None)

    name = "postfix_config, 15 parameters, converged"
    return Group(
        "15 parameters",
        prepare,
        [
            Case(name, lambda _n: host.play(ours), budget=1.3),
            Case("lineinfile, 15 parameters in a loop, converged", lambda _n: host.play(theirs), against=name),
        ],
    )


def many_parameters(host: Host) -> Group:
    play: list[dict[str, t.Any]] = []

    def prepare() -> None:
        # This Postfix's own numbers, times and switches, each set to what it is by default already, save those that nobody may
        # set and those that it calls obsolete.
        listed = host.shell(
            "postconf -d | grep -E '^[a-z0-9_]+ = ([0-9]+[smhdw]?|yes|no)$'"
            " | grep -Ev '^(compatibility_level|process_id|disable_dns_lookups|(smtpd?|lmtp)_(enforce|use)_tls) ' | head -300"
        )
        chosen = dict(line.split(" = ") for line in listed.splitlines())
        if len(chosen) != 300:
            raise Stopped(f"Only {len(chosen)} plain parameters found, 300 wanted.")
        play.append({"tasks": [{"postroom.mail.postfix_config": {"parameters": chosen}}]})
        host.play(play, changed=True)

    return Group("300 parameters", prepare, [Case("postfix_config, 300 parameters, converged", lambda _n: host.play(play))])


def accounts(host: Host) -> Group:
    def task(number: int) -> list[dict[str, t.Any]]:
        users = [{"name": f"user{n:05d}", "password": f"bench-of-{n:05d}"} for n in range(ACCOUNTS)]
        # A database for each round, so that the round before leaves nothing behind.
        return [
            {
                "tasks": [
                    {"postroom.mail.sasl_user": {"realm": "example.org", "users": users, "database": f"/var/tmp/bench-sasldb2-{number}"}}
                ]
            }
        ]

    def loop(number: int) -> None:
        host.shell(
            f"for n in $(seq {LOOPED}); do echo bench-of-$n | saslpasswd2 -p -c -f /var/tmp/bench-raw-{number} -u example.org user$n; done"
        )

    raw = f"raw saslpasswd2 in a loop, {LOOPED} users"
    return Group(
        f"{ACCOUNTS} SASL users",
        lambda: host.install("postfix", "sasl2-bin"),
        [
            Case(raw, loop),
            # At most a tenth of the time for each user.
            Case(
                f"sasl_user, {ACCOUNTS} users, created",
                lambda n: host.play(task(n), changed=True),
                against=raw,
                budget=ACCOUNTS / LOOPED / 10,
            ),
            Case(f"sasl_user, {ACCOUNTS} users, unchanged", lambda n: host.play(task(n)), against=SECONDS, budget=3),
        ],
    )


GROUPS: dict[str, t.Callable[[Host], Group]] = {
    "host": whole_host,
    "1e5": lambda host: tables(host, 100_000),
    "1e6": lambda host: tables(host, 1_000_000),
    "15": parameters,
    "300": many_parameters,
    "sasl": accounts,
}
