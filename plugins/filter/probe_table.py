# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: probe_table
short_description: Show the rows of postroom.mail.mail_probe as a table
version_added: 0.1.0
author: "The postroom.mail contributors (@postroom)"
description:
  - Turns RV(postroom.mail.mail_probe#module:probes) into lines with aligned columns, which a person reads at a glance.
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  detail_width:
    description: The width of the detail column, beyond which a detail is cut. The detail of a row that failed is never cut.
    type: int
    default: 72
seealso:
  - plugin: postroom.mail.mail_probe
    plugin_type: module
"""

EXAMPLES = r"""
---
- name: Show the results of the probes
  ansible.builtin.debug:
    msg: "{{ proof.probes | postroom.mail.probe_table }}"
"""

RETURN = r"""
_value:
  description: The lines of the table.
  type: list
  elements: str
  sample:
    - "check           result    time  detail"
    - "--------------  ------  ------  ----------------------------------------------"
    - "no relay on 25  ok      0.05 s  554 5.7.1 <x@example.com>: Relay access denied"
    - "465 to IMAPS    ok      0.61 s  arrived after 0.19 s, TLSv1.3"
"""

import typing as t

from ansible.errors import AnsibleFilterError

HEAD = ("check", "result", "time", "detail")


def probe_table(rows: t.Sequence[t.Mapping[str, t.Any]], detail_width: int = 72) -> list[str]:
    """Return the lines of the table, its head first."""
    try:
        cells = [(row["name"], "ok" if row["ok"] else "FAILED", f"{row['duration']:.2f} s", _detail(row, detail_width)) for row in rows]
    except (TypeError, KeyError) as e:
        raise AnsibleFilterError(
            f"postroom.mail.probe_table takes the rows that postroom.mail.mail_probe returns as probes ({e!r})."
        ) from e
    widths = [max(len(line[column]) for line in (HEAD, *cells)) for column in range(len(HEAD))]
    # The rule need not be as long as what is said about a row that failed.
    widths[-1] = min(widths[-1], detail_width)
    rule = tuple("-" * width for width in widths)
    return [_line(line, widths) for line in (HEAD, rule, *cells)]


def _line(cells: t.Sequence[str], widths: t.Sequence[int]) -> str:
    check, result, time, detail = cells
    return f"{check:<{widths[0]}}  {result:<{widths[1]}}  {time:>{widths[2]}}  {detail}"


def _detail(row: t.Mapping[str, t.Any], width: int) -> str:
    if not row["ok"]:
        text = ", and ".join(row["problems"])
    elif row["outcome"] == "delivered" and row.get("latency") is not None:
        text = ", ".join(filter(None, [f"arrived after {row['latency']:.2f} s", row.get("tls_version")]))
    else:
        text = row["answer"] or row["outcome"]
    # Double quotes would be escaped where the lines are shown as JSON.
    text = text.replace('"', "'")
    return text if not row["ok"] or len(text) <= width else f"{text[: width - 3]}..."


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"probe_table": probe_table}
