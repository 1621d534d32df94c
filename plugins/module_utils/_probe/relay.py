# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try every form of relaying on one port, and judge the answers."""

from __future__ import annotations

import collections
import dataclasses
import socket
import threading
import typing as t
import uuid

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import Message
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import Form, Target, forms, names
from ansible_collections.postroom.mail.plugins.module_utils._probe.smtp import Smtp, keywords
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import Deadline, Stop, Wire, resolve

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Endpoint

# Postfix answers a client slowly that has made ten errors in a session, and hangs up after twenty.
FORMS_A_SESSION = 8
SESSIONS = 4
# So many forms are named in a sentence; all of them are in the result.
MOST_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Relay:
    """The forms that a probe tries, and the answers that count as refusals."""

    target: Target
    catch_all: bool = False
    skip: tuple[str, ...] = ()
    send: bool = False
    subject: str | None = None

    def check(self) -> None:
        self.target.check()
        unknown = sorted(set(self.skip) - names())
        if unknown:
            raise BadInput(f"skip names forms that the battery does not have: {'; '.join(unknown)}. docs/open_relay.md lists those it has.")

    def known_by(self, addresses: t.Iterable[str]) -> Relay:
        """Return the same for a host that has these *addresses*, unless the user set them."""
        target = self.target if self.target.addresses else dataclasses.replace(self.target, addresses=tuple(addresses))
        return dataclasses.replace(self, target=target, subject=self.subject or f"postroom.mail relay {uuid.uuid4().hex[:12]}")

    def forms(self) -> list[Form]:
        return [form for form in forms(self.target) if form.name not in self.skip]

    def message(self, form: Form) -> Message:
        body = f"If this message arrived, the host that passed it on is an open relay. The form was: {form.name}.\n"
        return Message(self.target.stranger, self.target.elsewhere, self.subject, body)


@dataclasses.dataclass(frozen=True)
class Answer:
    """The host's answer to one form; it has no code if the host did not answer."""

    form: Form
    code: int | None
    words: str
    # Whether the recipient ends with an own domain, and whether it was taken in as mail for that.
    own: bool = False
    kept: bool = False
    # Why there is no code, as an outcome.
    silence: str = ""

    @property
    def refused(self) -> bool:
        return self.code is not None and 500 <= self.code < 600

    @property
    def accepted(self) -> bool:
        return self.code is not None and self.code < 400

    @property
    def ok(self) -> bool:
        return self.refused or self.kept

    def row(self) -> dict[str, t.Any]:
        form = self.form
        own = {"name": form.name, "sender": form.sender, "recipient": form.recipient}
        return {**own, "code": self.code, "answer": self.words, "ok": self.ok, "kept": self.kept}

    def __str__(self) -> str:
        shown = {"sender": f" from {self.form.sender}", "greeting": ""}.get(self.form.family, f" {self.form.recipient}")
        return f"{self.form.name}{shown} ({self.words})"


def fire(relay: Relay, endpoint: Endpoint, helo: str | None, wire: Wire) -> str:
    """Return the outcome of all forms, and put the results into the facts of *wire*. Raises `Stop` when no server listens."""
    found = resolve(endpoint.host, endpoint.port, wire.deadline)
    # A zone belongs to this end of a link-local address.
    relay = relay.known_by(str(address[0]).partition("%")[0] for _family, address in found)
    battery = _Battery(relay, endpoint, helo, wire.deadline)
    answers = battery.run(wire)
    wire.step = "rcpt"
    outcome, code, words = summary(answers)
    wire.facts.update(forms=[a.row() for a in answers], reply_code=code, answer=words)
    if relay.send:
        wire.facts["subject"] = relay.subject
    return outcome


def summary(answers: t.Sequence[Answer]) -> tuple[str, int | None, str]:
    """Return the outcome, the reply code that stands for all, and one sentence without a full stop."""
    bad = [a for a in answers if not a.ok]
    accepted, deferred = [a for a in bad if a.accepted], [a for a in bad if a.code and not a.accepted]
    silent = [a for a in bad if a.code is None]
    total = len(answers)
    parts = [
        f"{verb} {len(some)} of {total} forms from a stranger: {_named(some)}"
        for verb, some in (("accepted", accepted), ("refused only for now", deferred), ("did not answer", silent))
        if some
    ]
    if accepted and all(a.own for a in accepted):
        parts[0] += " (a host with a catch-all may take this for mail of its own: say catch_all, if it has one)"
    if bad:
        outcome = "accepted" if accepted else "deferred" if deferred else silent[0].silence
        return outcome, [*accepted, *deferred, *silent][0].code, "; and ".join(parts)
    often = collections.Counter(a.code for a in answers if a.refused).most_common()
    kept = sum(a.kept for a in answers)
    counted = f" ({', '.join(f'{count} by {code}' for code, count in often)})" if often else ""
    said = f"refused {total - kept} of {total} forms of relaying, kept {kept}" if kept else f"refused all {total} forms of relaying"
    return "rejected", often[0][0] if often else None, said + counted


def _named(answers: t.Sequence[Answer]) -> str:
    more = len(answers) - MOST_NAMED
    return ", ".join(map(str, answers[:MOST_NAMED])) + (f", and {more} more" if more > 0 else "")


class _Battery:
    """The forms of one port, shared out among sessions."""

    def __init__(self, relay: Relay, endpoint: Endpoint, helo: str | None, deadline: Deadline) -> None:
        self._relay = relay
        self._endpoint = endpoint
        self._helo = helo
        self._deadline = deadline
        self._forms = relay.forms()
        self._left = collections.deque(_sessions(self._forms))
        self._answers: dict[str, Answer] = {}
        self._trouble: list[Stop] = []
        self._faults: list[BaseException] = []

    def run(self, wire: Wire) -> list[Answer]:
        """Return the answers, in the order of the forms; *wire* carries the first session."""
        wires = [wire, *(Wire(self._deadline, {}) for _session in range(SESSIONS - 1))]
        threads = [threading.Thread(target=self._work, args=(w,), daemon=True) for w in wires]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self._deadline.seconds))
        if self._faults:
            raise self._faults[0]
        if self._trouble and not self._answers:
            raise self._trouble[0]
        stop = self._trouble[0] if self._trouble else _late(self._deadline)
        return [self._answers.get(f.name) or Answer(f, None, f"not asked: {stop.answer}", silence=stop.outcome) for f in self._forms]

    def _work(self, wire: Wire) -> None:
        """Run session after session, until no form is left or the host does not listen any more."""
        try:
            while self._left:
                self._hold(wire)
        except Stop as e:
            self._trouble.append(e)
        except socket.timeout:
            self._trouble.append(_late(self._deadline))
        except BaseException as e:
            # A fault of ours must not look like one of the server's.
            self._faults.append(e)
        finally:
            wire.close()

    def _hold(self, wire: Wire) -> None:
        """Run one session, with the next forms."""
        try:
            batch = self._left.popleft()
        except IndexError:
            return
        session = Smtp(wire, self._endpoint, batch[0].helo or self._helo)
        try:
            session.open()
        except (Stop, socket.timeout) as e:
            if not batch[0].helo or wire.step != "ehlo":
                # Another session may fare better.
                self._left.appendleft(batch)
                raise
            self._answers[batch[0].name] = self._unanswered(batch[0], e)
            wire.close()
            return
        answered = self._talk(session, batch)
        if batch[answered:]:
            self._left.appendleft(batch[answered:])
        session.quit()

    def _talk(self, session: Smtp, batch: t.Sequence[Form]) -> int:
        """Return the number of forms of *batch* that have an answer now."""
        for position, form in enumerate(batch):
            try:
                code, words = self._offer(session, form)
            except (Stop, socket.timeout) as e:
                # Perhaps it had enough of this session; a form that is the first of one gets what answer there is.
                if position and isinstance(e, Stop) and e.outcome == "dropped":
                    return position
                self._answers[form.name] = self._unanswered(form, e)
                return position + 1
            own = self._relay.target.owns(form.recipient)
            self._answers[form.name] = Answer(form, code, words, own, kept=own and self._relay.catch_all and 200 <= code < 300)
            if not _taken_back(session):
                return position + 1
        return len(batch)

    def _unanswered(self, form: Form, e: Stop | socket.timeout) -> Answer:
        """Return the reason why the form has no answer, or the reply that refused the whole session."""
        stop = e if isinstance(e, Stop) else _late(self._deadline)
        return Answer(form, stop.reply_code, stop.answer, silence=stop.outcome)

    def _offer(self, session: Smtp, form: Form) -> tuple[int, str]:
        """Return the last reply to the form: a refusal, or the acceptance of the attempt."""
        utf8 = " SMTPUTF8" if form.international and "SMTPUTF8" in keywords(session.facts["capabilities"]) else ""
        code, words = _say(session, f"MAIL FROM:{form.sender}{utf8}")
        if code >= 400:
            return code, words
        if form.before:
            code, words = _say(session, f"RCPT TO:{form.before}")
            if code >= 500:
                # With nobody to stand behind it would be another form.
                return code, words
        code, words = _say(session, f"RCPT TO:{form.recipient}")
        if code >= 300 or not self._relay.send:
            return code, words
        code, words = _say(session, "DATA")
        return _checked(*session.transmit(self._relay.message(form).render())) if code == 354 else (code, words)


def _sessions(battery: t.Sequence[Form]) -> list[list[Form]]:
    """Yield the forms in short sessions. A form with a false greeting has a session of its own: some hosts take only one."""
    usual = [form for form in battery if not form.helo]
    short = [usual[start : start + FORMS_A_SESSION] for start in range(0, len(usual), FORMS_A_SESSION)]
    return short + [[form] for form in battery if form.helo]


def _taken_back(session: Smtp) -> bool:
    """Return whether the session is as it was before the form."""
    try:
        code, _words = session.command("RSET")
    except (Stop, socket.timeout):
        return False
    return code < 400


def _late(deadline: Deadline) -> Stop:
    return Stop("timeout", f"no answer within {deadline.seconds:g} s")


def _say(session: Smtp, line: str) -> tuple[int, str]:
    return _checked(*session.command(line))


def _checked(code: int, words: str) -> tuple[int, str]:
    """Return the reply, unless it is the farewell that a host may say at any time (RFC 5321, section 3.8)."""
    if code == 421:
        raise Stop("dropped", f"421 {words}", 421)
    return code, f"{code} {words}"
