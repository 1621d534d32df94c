# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run probes side by side, and return the row of results of each."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._probe.imap import Imap
from ansible_collections.postroom.mail.plugins.module_utils._probe.judge import LADDER, judge
from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Expectation, Probe
from ansible_collections.postroom.mail.plugins.module_utils._probe.pop3 import Pop3
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay import fire
from ansible_collections.postroom.mail.plugins.module_utils._probe.smtp import Smtp
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import Deadline, Stop, Wire

# Servers allow one client only so many connections; Dovecot 10 for each user and address.
SIDE_BY_SIDE = 8
# How long after its deadline a probe may still put its row together.
GRACE = 0.5
# With these outcomes the server still listens.
ON_SPEAKING_TERMS = ("rejected", "deferred", "login_rejected", "unsupported", "withheld", "not_arrived")

Row = dict[str, t.Any]


@dataclasses.dataclass
class _Running:
    """A running probe, as the watching thread sees it."""

    probe: Probe
    wire: Wire | None = None
    row: Row | None = None
    error: BaseException | None = None


def run(probes: t.Sequence[Probe], *, check_mode: bool = False) -> list[Row]:
    """Return the rows of *probes*, in their order.

    Probes that want a login to be refused come last: a server that grows slow for guessers would slow down the
    others too.
    """
    rows: dict[str, Row] = {}
    for wave in ([p for p in probes if not p.provokes], [p for p in probes if p.provokes]):
        for start in range(0, len(wave), SIDE_BY_SIDE):
            for row in _side_by_side(wave[start : start + SIDE_BY_SIDE], check_mode):
                rows[row["name"]] = row
    return [rows[p.name] for p in probes]


def _side_by_side(probes: t.Sequence[Probe], check_mode: bool) -> list[Row]:
    started = time.monotonic()
    running = [_Running(p) for p in probes]
    threads = [threading.Thread(target=_work, args=(r, check_mode), daemon=True) for r in running]
    for thread in threads:
        thread.start()
    for thread, r in zip(threads, running):
        thread.join(max(0.0, started + r.probe.timeout + GRACE - time.monotonic()))
    for r in running:
        if r.error:
            raise r.error
    return [r.row or _overdue(r) for r in running]


def _overdue(running: _Running) -> Row:
    """Return the row of a probe whose thread hangs beyond every time-out."""
    step = running.wire.step if running.wire else "connect"
    seconds = running.probe.timeout
    return _row(running.probe, {}, "timeout", step, f"no answer within {seconds:g} s", seconds)


def _work(running: _Running, check_mode: bool) -> None:
    try:
        running.row = _run_one(running, check_mode)
    except BaseException as e:
        # A fault of ours must not look like one of the server's.
        running.error = e


def _run_one(running: _Running, check_mode: bool) -> Row:
    probe = rehearsal(running.probe) if check_mode else running.probe
    deadline = Deadline(probe.timeout)
    started = time.monotonic()
    facts: Row = {}
    reply_code = None
    try:
        outcome = _converse(probe, deadline, facts, running)
        last = facts.get("smtp") or next(iter(facts.values()))
        answer, reply_code = last.get("answer", ""), last.get("reply_code")
    except Stop as e:
        outcome, answer, reply_code = e.outcome, e.answer, e.reply_code
    except socket.timeout:
        outcome, answer = "timeout", f"no answer within {probe.timeout:g} s"
    step = running.wire.step if running.wire else "connect"
    unsent = probe is not running.probe and not probe.relay
    if unsent and outcome == "accepted":
        # A server may refuse a message as late as after DATA; about that, nothing can be said without one.
        probe = dataclasses.replace(probe, expectation=Expectation("accepted"))
    row = _row(probe, facts, outcome, step, answer, time.monotonic() - started, reply_code)
    if unsent and outcome in LADDER[1:]:
        row["answer"] += " (no message sent in check mode)"
    return row


def rehearsal(probe: Probe) -> Probe:
    """Return the probe without its message, or the probe itself if it leaves no trace on a server."""
    if probe.relay:
        return dataclasses.replace(probe, relay=dataclasses.replace(probe.relay, send=False))
    if probe.stop_after or not (probe.message or probe.message_id):
        return probe
    expectation = probe.expectation
    if expectation.outcome in ("delivered", "not_arrived"):
        expectation = dataclasses.replace(expectation, outcome="authenticated")
    return dataclasses.replace(probe, stop_after="rcpt", expectation=expectation)


def _converse(probe: Probe, deadline: Deadline, facts: Row, running: _Running) -> str:
    """Run both halves of a probe, if it has them, and return the outcome."""
    outcome = "connected"
    accepted_at, sent_at = time.monotonic(), None
    message_id = probe.message_id
    if probe.smtp and probe.relay:
        wire = running.wire = Wire(deadline, facts.setdefault("smtp", {}))
        return fire(probe.relay, probe.smtp, probe.helo, wire)
    if probe.smtp:
        wire = running.wire = Wire(deadline, facts.setdefault("smtp", {}))
        smtp = Smtp(wire, probe.smtp, probe.helo)
        outcome = _leaving(smtp, lambda s: _submit(s, probe))
        accepted_at, sent_at = smtp.accepted_at, time.time()
        message_id = probe.message.message_id if probe.message else None
    if probe.store:
        wire = running.wire = Wire(deadline, facts.setdefault(probe.store.protocol, {}))
        store: Imap | Pop3 = Imap(wire, probe.store) if probe.store.protocol == "imap" else Pop3(wire, probe.store)
        wanted_id = None if probe.stop_after else message_id
        outcome = _leaving(store, lambda s: _fetch(s, probe, wanted_id, sent_at))
        if outcome == "delivered":
            facts["latency"] = round(time.monotonic() - accepted_at, 3)
    return outcome


def _leaving(session: t.Any, talk: t.Callable[[t.Any], str]) -> str:
    """Run *talk* over the *session*, and take leave of a server that still listens."""
    try:
        outcome = talk(session)
    except Stop as e:
        if e.outcome in ON_SPEAKING_TERMS:
            session.quit()
        session.wire.close()
        raise
    session.quit()
    return outcome


def _submit(session: Smtp, probe: Probe) -> str:
    session.open()
    if probe.stop_after == "connect":
        return "connected"
    outcome = "connected"
    if probe.smtp and probe.smtp.user is not None:
        session.authenticate()
        outcome = "authenticated"
    if probe.message and probe.stop_after != "auth":
        session.hand_over(probe.message, only_envelope=probe.stop_after == "rcpt")
        outcome = "accepted"
    return outcome


def _fetch(session: t.Any, probe: Probe, message_id: str | None, sent_at: float | None) -> str:
    session.open()
    if probe.stop_after == "connect" or not probe.store or probe.store.user is None:
        return "connected"
    session.login()
    if message_id is None:
        return "authenticated"
    if session.wait_for(message_id, sent_at, probe.cleanup):
        return "delivered"
    raise Stop("not_arrived", f"the message {message_id} was not in the mailbox within {probe.timeout:g} s")


def _row(probe: Probe, facts: Row, outcome: str, step: str, answer: str, seconds: float, reply_code: int | None = None) -> Row:
    """Return a row of the module's result, judged."""
    halves: Row = {p: dict(facts[p]) for p in ("smtp", "imap", "pop3") if p in facts}
    lifted: Row = {}
    for half in halves.values():
        for key in ("answer", "reply_code"):
            half.pop(key, None)
        for key in ("queue_id", "headers", "size", "removed", "forms", "subject"):
            if key in half:
                lifted[key] = half.pop(key)
        for key in ("tls_version", "cipher"):
            if half.get(key):
                lifted.setdefault(key, half[key])
    row: Row = {
        "name": probe.name,
        "ok": True,
        "outcome": outcome,
        "step": step,
        "reply_code": reply_code,
        "answer": answer,
        "duration": round(seconds, 3),
        "latency": facts.get("latency"),
        "tls_version": None,
        "cipher": None,
        "message_id": probe.message.message_id if probe.message else probe.message_id,
        **lifted,
        **halves,
    }
    against = judge(row, probe.expectation)
    row["ok"] = not against
    row["problems"] = against
    return row
