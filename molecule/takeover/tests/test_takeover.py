# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postfix is the mail server now, with the aliases of the former one and its waiting mail; nothing of that one is left."""

from __future__ import annotations

import concurrent.futures
import json
import re
import shlex
import subprocess
import time

import pytest
from conftest import HOSTS
from harness import call, play

# What the daemons may complain about: nobody answered for elsewhere.example until the tests began, and the kill below.
HARMLESS = re.compile(r"dsn=4\.|status=deferred|Connection refused|postfix/postqueue.*Mail system is down")
OLD = r"exim|sendmail|sm-mta"
OLD_PROCESSES = f"cat /proc/[0-9]*/comm | grep -E '{OLD}'"


def test_port_25_answers_as_postfix(host, outside):
    seen = outside.ask("smtp", host=host.container, commands=["HELP"])
    assert seen["banner"] == f"mail.{host.domain} ESMTP"
    assert "starttls" in seen["features"]


def test_aliases_of_the_former_server_deliver(host, outside, subject):
    sent = outside.ask("submit", host=host.container, subject=subject, sender="x@y.example", recipient=f"wizards@{host.domain}")
    assert sent["accepted"], sent
    assert [host.inbox(outside, user, subject)["count"] for user in ("alice", "bob")] == [1, 1]
    assert "wizards: alice,\n  bob" in host.out("cat /etc/aliases")


def test_new_aliases_deliver_beside_them(host, outside, subject):
    outside.ask("submit", host=host.container, subject=subject, sender="x@y.example", recipient=f"sales@{host.domain}")
    assert host.inbox(outside, "bob", subject)["count"] == 1


def test_sendmail_is_the_one_of_postfix(host, outside, subject):
    assert host.out("dpkg -S $(readlink -f /usr/sbin/sendmail)").startswith("postfix:")
    host.out(f"printf 'Subject: {subject}\\n\\nx\\n' | /usr/sbin/sendmail wizards")
    assert host.inbox(outside, "alice", subject)["count"] == 1


def test_nothing_of_the_former_server_is_left_to_run(host):
    assert host.run(OLD_PROCESSES).stdout == ""
    assert host.run(f"dpkg-query -W -f '${{Package}} ${{db:Status-Status}}\\n' | grep -E '{OLD}' | grep -w installed").stdout == ""
    assert host.run(f"ls /etc/rc?.d | grep -E '^S.*({OLD})'").stdout == ""
    assert host.run(f"find /etc/systemd/system | grep -E '{OLD}'").stdout == ""
    assert host.run(f"systemctl list-units --all --no-legend --plain | grep -E '{OLD}' | grep -wv not-found | grep -w active").stdout == ""
    assert host.run("grep -vE '^ *(#|$)' /etc/inetd.conf").stdout == ""


def test_what_cron_would_start_says_and_does_nothing(host):
    for script in host.run(f"find /etc/cron.* -type f | grep -E '{OLD}'").stdout.split():
        if "/cron.d/" in script:
            # Each line looks first whether its program is there.
            lines = [line for line in host.out(f"cat {script}").splitlines() if re.match(r"[*@\d]", line)]
            assert all(host.run(" ".join(line.split()[6:])).stdout == "" for line in lines)
        else:
            done = host.run(f"sh -x {script} systemd-timer >/tmp/cron 2>/tmp/cron-trace; cat /tmp/cron")
            assert (done.returncode, done.stdout) == (0, ""), script
    assert host.run(OLD_PROCESSES).stdout == ""


def test_after_a_boot_it_is_postfix_again(outside):
    with concurrent.futures.ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(lambda host: subprocess.run(["docker", "restart", host.container], check=True, capture_output=True), HOSTS))
    for host in HOSTS:
        deadline = time.monotonic() + 30
        while host.run("systemctl is-active postfix@- postfix | grep -q ^active && ss -ltn | grep -q ':25 '").returncode:
            assert time.monotonic() < deadline, host.out("systemctl list-units --failed")
            time.sleep(0.5)
        assert outside.ask("smtp", host=host.container)["banner"] == f"mail.{host.domain} ESMTP"
        assert host.run(OLD_PROCESSES).stdout == ""


@pytest.fixture(scope="module")
def exchanger(outside):
    """The mail exchanger of elsewhere.example answers at last."""
    outside.out("systemctl start postfix")
    for host in HOSTS:
        host.out("postqueue -f")
    return outside


def test_mail_for_users_of_the_host_arrived_once(host, outside):
    for user in ("alice", "bob"):
        found = host.inbox(outside, user, "local")
        assert found["count"] == 1
        assert "Subject: local\r\n folded\r\n" in found["message"]
        assert found["message"].endswith("\r\n\r\nWeÄr\r\n")
        assert "Return-Path: <>" in found["message"]


def test_mail_for_others_waits_in_postfix_and_arrives_once(host, exchanger):
    # Two that waited; what had been delivered of them already is not delivered again.
    deadline = time.monotonic() + 40
    pattern = f"Return-Path: <(alice|bob)@{host.domain}>"
    while int(exchanger.out(f"grep -rlsE '{pattern}' /var/spool/sink | wc -l")) < 2:
        assert time.monotonic() < deadline, host.out("postqueue -p")
        time.sleep(0.5)
    time.sleep(1)
    files = exchanger.out(f"grep -rlsE '{pattern}' /var/spool/sink").split()
    mails = [exchanger.out(f"cat {name}") for name in files]
    assert sorted(re.findall(r"^Subject: (.*)", mail, re.MULTILINE)[0] for mail in mails) == ["remote", "tried"]
    tried = next(mail for mail in mails if "Subject: tried" in mail)
    assert tried.endswith("\n\nfirst line\n.\n.a dot\nend")
    assert f"From: Alice <alice@{host.domain}>" in tried


def test_who_had_got_it_got_it_once(host, outside):
    before = host.run("grep -c '^Subject: tried' /var/mail/bob").stdout.strip() if host.former == "exim" else "0"
    after = host.inbox(outside, "bob", "tried", wait=3)["count"]
    assert int(before or 0) + after == 1


def test_what_was_held_back_stays_and_is_told(host):
    (told,) = call(host.name, "mail_info", gather=["other_mail_servers"])["other_mail_servers"]
    assert (told["name"], told["installed"], told["queue"], told["held"]) == (host.former, False, 0, 1)
    assert re.search(r"-H$|/hf", host.out(f"grep -rls frozen@elsewhere.example {' '.join(host.spools)}"))


def test_the_former_queue_is_kept_where_only_root_looks(host):
    kept = host.out("find /var/spool/handed-over-to-postfix -type f").splitlines()
    assert len([name for name in kept if re.search(r"-H$|/qf\w+$", name)]) >= 3
    assert len([name for name in kept if re.search(r"-D$|/df\w+$", name)]) >= 3
    assert host.out("stat -c %a:%U /var/spool/handed-over-to-postfix") == "700:root"


def exim_files(name, sender, recipient, subject):
    header = f"Subject: {subject}\n"
    return {
        f"{name}-H": f"{name}-H\nroot 0 0\n<{sender}>\n1 0\nXX\n1\n{recipient}\n\n{len(header):03}  {header}",
        f"{name}-D": f"{name}-D\nx\n",
    }


OWNERS = {"exim": ("/var/spool/exim4/input", "Debian-exim"), "sendmail": ("/var/spool/mqueue-client", "smmsp")}
# What the owner of a queue lays into it to get what root can read, to make root wait, or to stop the work for good.
TRAPS = {
    "exim": """\
mail() { printf '%s-H\\nx 0 0\\n<x@y.example>\\n1 0\\nXX\\n%s\\n%s\\n\\n011  Subject: x\\n' "$1" "$2" "$3" >"$1-H"; echo "$1-D" >"$1-D"; }
mail 1trap1-00000000001-0001 1 alice; ln -sf /etc/shadow 1trap1-00000000001-0001-D
mail 1trap1-00000000001-0002 "$(printf '%05000d' 1)" alice
mail 1trap1-00000000001-0003 1 "$(printf 'a\\001b')"
mkfifo 1trap1-00000000001-0004-H""",
    "sendmail": """\
for one in 1 2 3; do printf 'V8\\nS<x@y.example>\\nRPFD:alice\\nH??Subject: x\\n.\\n' >qftrap$one; done
ln -s /etc/shadow dftrap1; mkfifo dftrap2; truncate -s 300G dftrap3; mkfifo qftrap4""",
}


def test_traps_in_a_queue_stay_and_are_told(host):
    directory, owner = OWNERS[host.former]
    script = f"cd {directory} && umask 077 && {TRAPS[host.former]}"
    host.out(f"runuser -u {owner} -- sh -c {shlex.quote(script)}")
    try:
        (told,) = call(host.name, "mail_info", gather=["other_mail_servers"])["other_mail_servers"]
        assert told["queue"] == 4
        done = call(host.name, "mail_takeover", state="emptied")
        # And the one that was held back.
        assert (done["failed"], done["handed_over"], done["kept"]) == (False, 0, 5), done
        reasons = " | ".join(mail["reason"] for mail in done["mails"])
        assert "is a link" in reasons
        assert "is no file" in reasons
        assert host.run("grep -rs '^root:' /home/*/Maildir /var/spool/handed-over-to-postfix").stdout == ""
    finally:
        host.out(f"rm -f {directory}/*trap*")


def test_an_interrupted_handover_goes_on_where_it_was(outside, subject):
    host = next(host for host in HOSTS if host.name == "exim13")
    run = subject[-6:]
    names = [f"{run}-{number:011}-0000" for number in range(120)]
    files = {}
    for number, name in enumerate(names):
        files |= exim_files(name, "x@y.example", f"alice@{host.domain}", f"{subject}-{number}.")
    host.out("cat > /tmp/files <<'EOF'\n" + json.dumps(files) + "\nEOF")
    write = 'import json; [open(name, "w").write(text) for name, text in json.load(open("/tmp/files")).items()]'
    host.out(f"cd /var/spool/exim4/input && python3 -c '{write}'")
    aside = f"find /var/spool/handed-over-to-postfix/exim -name '{run}*-H' | wc -l"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        told_to_end = pool.submit(call, host.name, "mail_takeover", state="emptied")
        deadline = time.monotonic() + 60
        while int(host.out(aside)) < 10:
            assert time.monotonic() < deadline
        host.out("kill $(grep -l '^python3' /proc/[0-9]*/comm | cut -d/ -f3)")
    assert "the next run goes on" in told_to_end.result()["msg"]
    assert 10 <= int(host.out(aside)) < len(names)
    answer = call(host.name, "mail_takeover", state="emptied")
    assert (answer["handed_over"] > 0, answer["kept"]) == (True, 1), answer
    assert call(host.name, "mail_takeover", state="emptied")["changed"] is False
    arrived = f"grep -hs 'Subject: {subject}' /home/alice/Maildir/new/* /home/alice/Maildir/cur/* | sort"
    deadline = time.monotonic() + 60
    while len(host.run(arrived).stdout.split("\n")) <= len(names):
        assert time.monotonic() < deadline, host.out("postqueue -p")
        time.sleep(0.5)
    assert host.out(arrived).splitlines() == sorted(f"Subject: {subject}-{number}." for number in range(len(names)))
    assert host.inbox(outside, "alice", f"{subject}-0.")["count"] == 1


def test_a_stranger_on_port_25_is_not_replaced(outside):
    host = next(host for host in HOSTS if host.name == "sendmail13")
    host.out("systemctl stop postfix && systemd-run --quiet --unit stranger python3 -m http.server 25")
    try:
        run = play("site", limit=host.name)
    finally:
        host.out("systemctl stop stranger && systemctl start postfix")
    assert run.rc != 0
    assert re.search(r"Port 25 of this host is taken by .* no mail server that could be replaced", run.output), run.output
    assert run.changed(host.name) == 0


def test_the_log_is_free_of_complaints(host):
    parts = ["master", "smtpd", "cleanup", "local", "lmtp", "qmgr", "pickup", "smtp", "bounce"]
    log = host.out(f"journalctl --no-pager --output=cat -t dovecot {' '.join(f'-t postfix/{part}' for part in parts)}")
    bad = [line for line in log.splitlines() if re.search(r"\b(warning|error|fatal|panic)\b", line) and not HARMLESS.search(line)]
    assert bad == []
