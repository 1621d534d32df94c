# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module without its documentation: the options that it takes, and the work that makes a result of them.

Ansible copies one module to the host, with the module_utils that it imports. A process there can do the work of several modules because
all work is in module_utils. A file in plugins/modules serves one door.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible.module_utils import basic
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.module import run_module, runner, take_options

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.postroom.mail.plugins.module_utils._core.module import Run
    from ansible_collections.postroom.mail.plugins.module_utils._core.secrets import Judge


class Call:
    """The arguments of a door's work: the options as they were given, with the secrets in them, and the way to reach the host.

    The work appends to `warnings`.
    """

    def __init__(
        self,
        options: dict[str, t.Any],
        *,
        check_mode: bool,
        diff: bool,
        make_run: t.Callable[[], Run],
        make_tmpdir: t.Callable[[], str],
    ) -> None:
        self.options = options
        self.check_mode = check_mode
        self.diff = diff
        self.warnings: list[str] = []
        self._make_run = make_run
        self._make_tmpdir = make_tmpdir

    def like(self, options: dict[str, t.Any]) -> Call:
        """A call of another door, with *options*, that reaches the host in the same way."""
        return Call(options, check_mode=self.check_mode, diff=self.diff, make_run=lambda: self.run, make_tmpdir=lambda: self.tmpdir)

    @functools.cached_property
    def run(self) -> Run:
        """Return the runner of commands. The first use makes it, for it empties the environment, which may name a probe's authorities."""
        return self._make_run()

    @functools.cached_property
    def tmpdir(self) -> str:
        """The directory of this run; made at the first use, because Ansible makes none for a module that wants none."""
        return self._make_tmpdir()


@dataclasses.dataclass(frozen=True)
class Door:
    """The part of a module that can be imported on the host.

    `spec` and `rules` are AnsibleModule's ``argument_spec`` and its rules for several options (``required_if`` and the like). `judge`
    is for `take_options`, and `only_names` for `run_module`.
    """

    spec: t.Mapping[str, t.Any]
    work: t.Callable[[Call], dict[str, t.Any]]
    judge: Judge | None = None
    only_names: bool = False
    rules: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def completed(door: Door, options: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """The *options* held to the contract of *door*, with its defaults, as Ansible does it for a module; and what is wrong with them."""
    found = ArgumentSpecValidator(dict(door.spec), **door.rules).validate(dict(options))
    # Of an option that is not known Ansible gives the name alone.
    messages = [f"{'unknown option ' * isinstance(error, UnsupportedError)}{error.msg.rstrip('.')}" for error in found.errors.errors]
    return found.validated_parameters, messages


def without_secrets(door: Door, options: dict[str, t.Any], result: dict[str, t.Any]) -> dict[str, t.Any]:
    """A result of *door* in which nothing is left of what is secret in *options*."""
    if door.only_names:
        return result
    _shown, secret = core_secrets.parted(options, door.spec, door.judge)
    return t.cast("dict[str, t.Any]", remove_values(result, core_secrets.all_spellings(secret)))


def serve(door: Door) -> t.NoReturn:
    """Be the module of *door*: take the options from Ansible, do the work, and leave with its result or its error."""
    module = basic.AnsibleModule(argument_spec=dict(door.spec), supports_check_mode=True, **door.rules)
    call = Call(
        take_options(module, door.judge),
        check_mode=module.check_mode,
        diff=module._diff,
        make_run=lambda: runner(module),
        make_tmpdir=lambda: module.tmpdir,
    )

    def work() -> dict[str, t.Any]:
        try:
            return door.work(call)
        finally:
            for warning in dict.fromkeys(call.warnings):
                module.warn(warning)

    run_module(module, work, only_names=door.only_names)
