# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out the wishes of all roles as one change."""

from __future__ import annotations

import functools
import importlib
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._change import change, wishes
from ansible_collections.postroom.mail.plugins.module_utils._change.daemons import Daemons
from ansible_collections.postroom.mail.plugins.module_utils._change.kinds import FIRST, KINDS
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.door import Call, Door, completed, without_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._services.control import Wanted

if t.TYPE_CHECKING:  # pragma: no cover
    # Ansible sends a module all that it finds imported in it, also here; `Doors` loads those of them that are needed.
    from ansible_collections.postroom.mail.plugins.module_utils._modules import (
        dovecot_setting,
        dovecot_user,
        fetchmail_config,
        mail_certificate,
        mail_file,
        mail_filter,
        mail_probe,
        mail_service,
        mail_user,
        postfix_config,
        postfix_service,
        postmap,
        sasl_provider,
        sasl_user,
    )

_HERE = __name__.rpartition(".")[0]


class Doors(dict[str, Door]):
    """The doors of the modules by name. Each is loaded when it is asked for, since that takes the host a moment."""

    def __missing__(self, name: str) -> Door:
        self[name] = importlib.import_module(f"{_HERE}.{name}").DOOR
        return self[name]


DOORS = Doors()


def judge(option: str, value: t.Any, options: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """Of a wish, and of a probe, those options are secret that are it in the module itself."""
    name = "mail_probe" if option == "proof" else str(options.get("module"))
    if name not in (*KINDS, "mail_probe"):
        return None
    door = DOORS[name]
    given, wrong = completed(door, value)
    # What a module would not take is told apart by nobody: all of it is secret.
    return None if wrong else core_secrets.parted(given, door.spec, door.judge)


def work(call: Call) -> dict[str, t.Any]:
    options = call.options
    merged = wishes.merged(map(_typed, options["wishes"]), {one["module"]: DOORS[one["module"]].spec for one in options["wishes"]})
    calls = [(wish, _call(DOORS[wish.module], wish.module, wish.options, call)) for wish in merged]
    proof = _call(DOORS["mail_probe"], "proof", options["proof"], call) if options["proof"] else None
    wanted = [_service(one) for wish, one in calls if wish.module == "mail_service"]
    # What the proof says when it holds.
    proved: list[str] = []
    daemons = Daemons(
        call.run,
        [service for services in wanted for service in services],
        options["services"],
        lambda: _proved(proof, proved),
        timeout=max([options["timeout"], *(one.options["timeout"] for wish, one in calls if wish.module == "mail_service")]),
        check_mode=call.check_mode,
    )
    works = {True: list[change.Work](), False: list[change.Work]()}
    for wish, one in calls:
        if wish.module != "mail_service":
            works[wish.module in FIRST].append(change.Work(wish.module, functools.partial(DOORS[wish.module].work, one)))
    host = change.Change(daemons, check_mode=call.check_mode, asked=options["files"])
    try:
        outcome = host.carry_out(works[True], works[False])
    finally:
        for wish, one in calls:
            # The module hides no more than this: it has the secrets of all of them, and any of these may be somebody's name.
            call.warnings += without_secrets(DOORS[wish.module], one.options, {"warnings": one.warnings})["warnings"]
        call.warnings += [*daemons.warnings, *host.outcome.warnings]
    return {**_result(outcome, calls, call), "proof": " ".join(proved)}


def _typed(given: t.Mapping[str, t.Any]) -> wishes.Wish:
    """A wish whose options are of the types that its module takes. Raises `BadInput`."""
    module, role = given["module"], given["role"]
    found, wrong = completed(DOORS[module], given["options"])
    if wrong:
        raise BadInput(f"{module}{f', wanted by the role {role},' if role else ''} cannot be carried out: {'; '.join(wrong)}.")
    named = {name: found[name] for name, value in given["options"].items() if value is not None}
    return wishes.Wish(module, _given(named, DOORS[module].spec), role)


def _given(options: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """*options* without those that are there only because *spec* has them: what is nothing was not given."""
    found = {}
    for name, value in options.items():
        below = spec[name].get("options")
        if value is not None:
            is_list = isinstance(value, list)
            parts = [_given(part, below) for part in (value if is_list else [value])] if below else []
            found[name] = (parts if is_list else parts[0]) if below else value
    return found


def _call(door: Door, what: str, options: t.Mapping[str, t.Any], call: Call) -> Call:
    """The call of a door. Raises `BadInput` for options that it does not take."""
    given, wrong = completed(door, options)
    if wrong:
        raise BadInput(f"{what} cannot be carried out: {'; '.join(wrong)}.")
    return call.like(given)


def _service(call: Call) -> list[Wanted]:
    one = {key: call.options[key] for key in Wanted._fields}
    return [Wanted(**service) for service in call.options["services"] or [one]]


def _proved(call: Call | None, proved: list[str]) -> str:
    """Return the failure of the probes; if they succeed, return nothing and add their message to *proved*."""
    if call is None:
        return ""
    result = DOORS["mail_probe"].work(call)
    if not result["ok"]:
        return str(result["msg"])
    proved.append(str(result["msg"]))
    return ""


def _result(outcome: change.Outcome, calls: t.Sequence[tuple[wishes.Wish, Call]], call: Call) -> dict[str, t.Any]:
    modules: dict[str, list[dict[str, t.Any]]] = {}
    for wish, one in calls:
        # Only now, for what was proved in the end is part of it.
        for result in outcome.results.get(wish.module, [])[len(modules.get(wish.module, [])) :][:1]:
            modules.setdefault(wish.module, []).append(without_secrets(DOORS[wish.module], one.options, result))
    results = [result for found in modules.values() for result in found]
    diffs = [diff for result in [*results, outcome.services] for diff in _listed(result.pop("diff", []))]
    told = {
        "changed": outcome.changed,
        "changed_files": outcome.files,
        "actions": outcome.services["actions"],
        "reasons": [*outcome.recovered, *outcome.services["reasons"]],
        "modules": modules,
    }
    return {**told, "diff": [diff for diff in diffs if diff]} if call.diff else told


def _listed(diff: t.Any) -> list[t.Any]:
    return diff if isinstance(diff, list) else [diff]
