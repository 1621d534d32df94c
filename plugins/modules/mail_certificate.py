#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_certificate
short_description: Check the TLS certificate of a mail host, or make a self-signed one
version_added: 0.1.0
description:
  - Makes sure that a certificate and its private key can serve Postfix and Dovecot. A file that is missing, unreadable or not in PEM
    format, a certificate that is expired or not valid yet, and a key that is not the certificate's own are errors.
  - A certificate that expires soon, or that does not cover O(common_name), gives a warning.
  - With O(self_signed) it makes a pair once where there is none. Such a certificate is renewed, with its key kept, when it is about to
    expire or when its names must change, and other users of the host cannot read its key. The module checks a pair of another
    source, and never replaces it.
requirements:
  - The program C(openssl) on the host.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff names the files that are made or renewed. It shows neither the key nor the certificate.
  idempotent:
    support: full
options:
  certificate:
    description:
      - The certificate in PEM format, followed by its chain if it has one.
    type: path
    default: /etc/ssl/certs/postroom-mail.pem
  private_key:
    description:
      - The private key in PEM format, without a passphrase. One that is made here is readable for root only.
    type: path
    default: /etc/ssl/private/postroom-mail.key
  self_signed:
    description:
      - Whether to make a self-signed pair when there is none.
    type: bool
    default: false
  common_name:
    description:
      - The name that clients connect to. Needed when O(self_signed) is V(true).
    type: str
  subject_alt_names:
    description:
      - Further host names or addresses for a self-signed certificate, beside O(common_name).
    type: list
    elements: str
    default: []
  days:
    description:
      - The number of days for which a self-signed certificate is valid. It must be longer than O(warn_days).
      - Clients pin a self-signed certificate, or trust it by hand. A long life spares them from doing so again.
    type: int
    default: 3650
  key_type:
    description:
      - The type of a key that is made here, V(ecdsa) on the curve P-256, or V(rsa) of 3072 bits for clients that know nothing else.
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  warn_days:
    description:
      - How many days before its end a certificate gives a warning, or, if it is a self-signed one made here, is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
---
- name: A self-signed pair until there is a better one
  postroom.mail.mail_certificate:
    self_signed: true
    common_name: mail.example.org
    subject_alt_names: [imap.example.org, 192.0.2.25]

- name: The certificate that the host's ACME client keeps
  postroom.mail.mail_certificate:
    certificate: /etc/letsencrypt/live/mail.example.org/fullchain.pem
    private_key: /etc/letsencrypt/live/mail.example.org/privkey.pem
    common_name: mail.example.org
    warn_days: 14
"""

RETURN = r"""
action:
  description: The actions taken, or those that would be taken in check mode.
  type: str
  returned: success
  sample: none
self_signed:
  description: Whether the certificate is signed by its own key.
  type: bool
  returned: success
not_after:
  description: When the certificate expires; V(null) in check mode when it would be made or renewed.
  type: str
  returned: success
  sample: "2036-11-19T08:00:00Z"
subject:
  description: The subject of the certificate.
  type: str
  returned: success
  sample: CN=mail.example.org,O=self-signed by postroom.mail
subject_alt_names:
  description: The names and addresses for which clients accept it.
  type: list
  elements: str
  returned: success
  sample: [mail.example.org]
fingerprint:
  description: The SHA-256 fingerprint, to compare with the one that a client shows.
  type: str
  returned: success
  sample: "5B:1F:..."
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._core.module import run_module, runner
from ansible_collections.postroom.mail.plugins.module_utils._host import certificate


def decide(params: dict[str, t.Any], names: list[str], found: certificate.Certificate | None, now: float) -> tuple[str, str]:
    """Return the action (``none``, ``created``, ``renewed``), and its reason."""
    if found is None:
        return "created", "there is none"
    if params["self_signed"] and found.ours:
        if found.not_after - now < params["warn_days"] * certificate.DAY:
            return "renewed", f"the one there ends on {certificate.iso(found.not_after)}"
        if set(found.names) != set(names):
            return "renewed", f"the one there is for {', '.join(found.names)}"
    return "none", ""


def work(module: AnsibleModule) -> dict[str, t.Any]:
    params, run, now = module.params, runner(module), time.time()
    names = certificate.checked_names(params["common_name"], params["subject_alt_names"]) if params["common_name"] else []
    if params["self_signed"] and params["days"] <= params["warn_days"]:
        raise BadInput(f"A certificate for {params['days']} days would be renewed at every run; days must be more than warn_days.")
    pair = certificate.SelfSigned(params["certificate"], params["private_key"], names, params["days"], params["key_type"])
    found = None
    if not params["self_signed"] or os.path.lexists(pair.certificate):
        found = certificate.inspect(run, pair.certificate, pair.private_key)
    action, reason = decide(params, names, found, now)
    if action != "none":
        if not module.check_mode:
            pair.write(run)
            found = certificate.inspect(run, pair.certificate, pair.private_key)
        module.warn(
            f"The self-signed certificate {pair.certificate} for {', '.join(names)} {'would be' if module.check_mode else 'was'} {action}"
            f" ({reason}). Clients must be told to trust it; give the host a certificate of a public authority when you can."
        )
    ours = action == "none" and params["self_signed"] and found is not None and found.ours
    exposed = ours and certificate.close_key(pair, module.check_mode)
    result = {
        "changed": action != "none" or exposed,
        "action": action,
        **describe(None if module.check_mode and action != "none" else found, names),
    }
    if found and action == "none":
        certificate.check_dates(found, pair.certificate, now)
        for warning in certificate.warnings_about(found, pair, params["warn_days"], now):
            module.warn(warning)
    if module._diff:
        after = f"a self-signed certificate for {', '.join(names)}, {action}\n" if action != "none" else ""
        header = {"before_header": pair.certificate, "after_header": pair.certificate}
        result["diff"] = {**header, "before": f"[{reason}]\n" if reason else "", "after": after}
        if exposed:
            header = {"before_header": pair.private_key, "after_header": pair.private_key}
            result["diff"] = {**header, "before": "[readable for everybody]\n", "after": "[readable for root only]\n"}
    return result


def describe(found: certificate.Certificate | None, names: list[str]) -> dict[str, t.Any]:
    """Return the result about the certificate; of one that is not made yet only its names are known."""
    if found is None:
        return {"self_signed": True, "not_after": None, "subject": None, "subject_alt_names": names, "fingerprint": None}
    return {
        "self_signed": found.self_signed,
        "not_after": certificate.iso(found.not_after),
        "subject": found.subject,
        "subject_alt_names": list(found.names),
        "fingerprint": found.fingerprint,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "certificate": {"type": "path", "default": "/etc/ssl/certs/postroom-mail.pem"},
            "private_key": {"type": "path", "default": "/etc/ssl/private/postroom-mail.key", "no_log": False},
            "self_signed": {"type": "bool", "default": False},
            "common_name": {"type": "str"},
            "subject_alt_names": {"type": "list", "elements": "str", "default": []},
            "days": {"type": "int", "default": 3650},
            "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa", "no_log": False},
            "warn_days": {"type": "int", "default": 30},
        },
        required_if=[("self_signed", True, ("common_name",))],
        supports_check_mode=True,
    )
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
