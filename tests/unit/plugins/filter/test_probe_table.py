# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.postroom.mail.plugins.filter.mail_proof import FilterModule as ProofFilters
from ansible_collections.postroom.mail.plugins.filter.probe_table import FilterModule, probe_table


def row(name, ok=True, **more):
    return {
        "name": name,
        "ok": ok,
        "problems": [] if ok else ["expected rejected, but it was accepted at rcpt: 250 ok"],
        "outcome": "rejected",
        "answer": "554 no",
        "duration": 0.5,
        "latency": None,
        "tls_version": None,
        **more,
    }


def test_table():
    rows = [
        row("no relay"),
        row("465 to IMAPS", outcome="delivered", latency=0.193, tls_version="TLSv1.3", duration=12.3456),
        row("no relay on 587", ok=False),
    ]
    assert probe_table(rows) == [
        "check            result     time  detail",
        "---------------  ------  -------  ------------------------------------------------------",
        "no relay         ok       0.50 s  554 no",
        "465 to IMAPS     ok      12.35 s  arrived after 0.19 s, TLSv1.3",
        "no relay on 587  FAILED   0.50 s  expected rejected, but it was accepted at rcpt: 250 ok",
    ]


def test_detail_is_cut_for_what_is_well_and_never_for_what_failed():
    good, bad = probe_table([row("a", answer='say "' + "x" * 50), row("b", ok=False)], detail_width=20)[2:]
    assert good.endswith("  say 'xxxxxxxxxxxx...")
    assert "accepted at rcpt: 250 ok" in bad


def test_row_without_words():
    assert probe_table([row("a", answer="")])[2].endswith("  rejected")


@pytest.mark.parametrize("rows", [None, ["x"], [{"name": "x"}], 3])
def test_what_is_not_a_list_of_rows(rows):
    with pytest.raises(AnsibleFilterError, match="takes the rows"):
        FilterModule().filters()["probe_table"](rows)


def test_mail_proof_is_the_plan():
    proof = ProofFilters().filters()["mail_proof"]
    assert proof("example.org", user="alice", password="geheim")[0]["name"] == "sent over 465, read by IMAPS"
    with pytest.raises(AnsibleFilterError, match="no login to send"):
        proof("example.org", user="", password="")
    with pytest.raises(AnsibleFilterError, match="nonsense"):
        proof("example.org", user="a", password="b", nonsense=1)
