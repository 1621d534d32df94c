# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of a probe with its expectation: pure functions over its row."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._probe.options import Expectation

# A later step includes the earlier ones.
LADDER = ("connected", "authenticated", "accepted", "delivered")
# Where a server's "no" is an answer to what was asked of it; before that, it refuses to talk at all.
STEPS_OF_REJECTION = ("auth", "mail", "rcpt", "data", "login", "select", "fetch")


def judge(row: t.Mapping[str, t.Any], expectation: Expectation) -> list[str]:
    """Return the problems of *row*, as sentences without a full stop; none when all is as expected."""
    codes, steps = expectation.reply_codes, expectation.steps
    if expectation.outcome == "rejected" and row["outcome"] in ("rejected", "deferred", "login_rejected"):
        # A refusal "for now" is only a refusal for whoever asks for its code.
        codes, steps = codes or (("5xx",) if row["reply_code"] else ()), steps or STEPS_OF_REJECTION
        reached = row["outcome"] != "deferred" or bool(expectation.reply_codes)
    else:
        reached = _reached(row["outcome"], expectation.outcome)
    said = f"{row['step']}: {row['answer']}"
    if not reached and row["outcome"] in LADDER and expectation.outcome in ("tls_failed", "untrusted"):
        said = f"{row['step']} with {row.get('tls_version')}: {row['answer']}"
    if not reached:
        return [f"expected {expectation.outcome}, but it was {row['outcome']} at {said}"]
    against = []
    if codes and not any(_code_matches(row["reply_code"], code) for code in codes):
        against.append(f"expected the reply code {' or '.join(codes)}, but at {said}")
    if steps and row["step"] not in steps:
        against.append(f"expected {expectation.outcome} at {' or '.join(steps)}, but it was at {said}")
    if expectation.answer and not re.search(expectation.answer, row["answer"] or ""):
        against.append(f"expected an answer like '{expectation.answer}', but at {said}")
    return against + _against_capabilities(row, expectation.capabilities)


def _reached(outcome: str, expected: str) -> bool:
    if expected in LADDER and outcome in LADDER:
        return LADDER.index(outcome) >= LADDER.index(expected)
    return outcome == expected


def _code_matches(code: int | None, wanted: str) -> bool:
    return code is not None and all(w in ("x", c) for w, c in zip(wanted, str(code)))


def _against_capabilities(row: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    facts: t.Mapping[str, t.Any] = next((row[p] for p in ("smtp", "imap", "pop3") if row.get(p)), {})
    against = []
    for key, names in wanted.items():
        before = key.endswith("_before_tls")
        offered = facts.get("capabilities_before_tls" if before else "capabilities")
        when = " before TLS" if before else ""
        if offered is None:
            against.append(f"the capabilities{when} are not known")
            continue
        for name in names:
            there = offers(offered, name)
            if there and key.startswith("absent"):
                against.append(f"the server offers {name}{when}")
            elif not there and key.startswith("present"):
                against.append(f"the server does not offer {name}{when}")
    return against


def offers(capabilities: t.Iterable[str], name: str) -> bool:
    """Return whether *name*, a keyword or a keyword with parameters, is among the *capabilities*.

    ``AUTH`` also stands for ``AUTH=PLAIN``, which is how IMAP and old SMTP servers write it.
    """
    wanted = name.upper().split()
    for line in capabilities:
        words = line.upper().split()
        if not words or not wanted:
            continue
        if words[0] == wanted[0] or words[0].startswith(f"{wanted[0]}="):
            parameters = [*words[0].partition("=")[2:], *words[1:]]
            if all(w in parameters for w in wanted[1:]):
                return True
    return False


def verdict(rows: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[bool, str]:
    """Return whether all is well, and one sentence about it."""
    failed = [row for row in rows if not row["ok"]]
    if not failed:
        return True, f"All {len(rows)} probes saw what they expected." if len(rows) != 1 else f"{rows[0]['step']}: {rows[0]['answer']}"
    reasons = "; ".join(f"{row['name']}: {', and '.join(row['problems'])}" for row in failed)
    return False, f"{len(failed)} of {len(rows)} probes failed. {reasons}" if len(
        rows
    ) != 1 else f"The probe failed: {reasons.partition(': ')[2]}"
