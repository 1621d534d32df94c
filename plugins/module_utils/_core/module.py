# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The thin seam between AnsibleModule and the pure cores."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import secrets as core_secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible.module_utils.basic import AnsibleModule


# What a program needs to know of who runs it. The rest of root's environment (a proxy with a password, whatever a play's
# 'environment' says) is nobody else's, and some programs are run as a user, who can read what theirs were given.
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "XDG_RUNTIME_DIR")


class Run(t.Protocol):
    """The signature for running a command: a list in, (rc, stdout, stderr) out; never through a shell."""

    def __call__(self, args: list[str], data: str | None = None) -> tuple[int, str, str]: ...


def runner(module: AnsibleModule) -> Run:
    """Give *module*'s ``run_command`` the signature of `Run`.

    No program gets more of the environment than `KEPT`.

    Messages come untranslated, the ``sbin`` directories are searched, ``$name`` in an argument stays as it is
    (Postfix gives it another meaning), and rc 127 stands for a missing program, as in a shell.
    """
    for name in set(os.environ) - set(KEPT):
        del os.environ[name]
    environ = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C", "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"}

    def run(args: list[str], data: str | None = None) -> tuple[int, str, str]:
        try:
            rc, stdout, stderr = module.run_command(
                args, data=data, binary_data=True, environ_update=environ, expand_user_and_vars=False, handle_exceptions=False
            )
        except OSError as e:
            return 127, "", f"{args[0]}: {e.strerror}"
        return rc, stdout, stderr

    return run


def take_options(module: AnsibleModule, judge: core_secrets.Judge | None = None) -> dict[str, t.Any]:
    """Return the options as they were given; *module* keeps the masked ones, which are part of every result.

    An option whose suboptions are secret has ``no_log`` itself, or Ansible writes it into the host's journal as Python shows it, in
    which the search for a password with a backslash fails. But AnsibleModule takes each word of such an option for a secret, and
    would mask "alice" or "mail" in every message. So this function separates the secrets, and hides nothing else.
    """
    given = dict(module.params)
    shown, secrets = core_secrets.parted(given, module.argument_spec, judge)
    module.params = shown
    module.no_log_values = secrets
    return given


def run_module(module: AnsibleModule, work: t.Callable[[], dict[str, t.Any]], *, only_names: bool = False) -> t.NoReturn:
    """Run *work* and leave with its result, or with the message of the `MailError` it raised.

    *only_names*: the result holds only names, and a name must not lose letters that happen to be a password.
    """
    try:
        result = work()
    except MailError as e:
        module.no_log_values = core_secrets.all_spellings(module.no_log_values)
        module.fail_json(msg=str(e), error=type(e).__name__)
    module.no_log_values = set() if only_names else core_secrets.all_spellings(module.no_log_values)
    module.exit_json(**result)
