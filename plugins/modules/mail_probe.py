#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_probe
short_description: Prove by protocol what a mail host does
version_added: 0.1.0
description:
  - Sends a unique message over SMTP and waits for it over IMAP or POP3, or does only one half of that, and tells what the servers said.
  - Also proves that something is B(not) possible, for example to relay without authentication or to log in with a wrong password.
  - It asks servers and changes nothing on the host it runs on. The message that it sent is removed from the mailbox after it has arrived.
  - A probe is over after O(timeout), whatever the servers do.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode no message is sent and no mailbox is searched. A probe ends after the recipient was accepted, or after the login.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: N/A
    details:
      - Every run sends a message of its own.
options:
  probes:
    description:
      - Several probes in one call. They run side by side, eight at a time, so that the call takes seconds.
      - Options beside O(probes) serve as defaults for every probe. The servers themselves (O(smtp), O(imap), O(pop3)) are given in each
        probe.
      - Probes that expect a login to be rejected run after all others, because servers slow down for those who guess passwords.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the probe proves, for the report.
        type: str
        required: true
      host: &host
        description:
          - Name or address of the server, where C(smtp), C(imap) or C(pop3) name no other.
        type: str
      smtp: &smtp
        description:
          - Speak SMTP with this server. An empty dictionary serves where the defaults are right.
          - Without a recipient no message is sent.
        type: dict
        suboptions: &endpoint
          host:
            description: Name or address of this server.
            type: str
          port:
            description:
              - The port.
              - For C(tls) being V(none), V(starttls) and V(implicit) the defaults are 25, 587 and 465 for SMTP, 143, 143 and 993 for
                IMAP, and
                110, 110 and 995 for POP3.
            type: int
          tls:
            description: Whether the connection is not encrypted, or by a command in mid-dialogue, or from its beginning.
            type: str
            choices: [none, starttls, implicit]
            default: implicit
          user:
            description: Log in as this user.
            type: str
          password:
            description: The user's password.
            type: str
          mechanism:
            description:
              - The SASL mechanism to log in with. It is tried even where the server does not offer it.
              - By default SMTP uses the first of these that the server offers, IMAP its command C(LOGIN), and POP3 its commands C(USER)
                and C(PASS).
            type: str
            choices: [plain, login, cram-md5]
          allow_cleartext:
            description:
              - Send the password also over a connection that is not encrypted.
              - To prove that a server refuses this, use a password that nobody has.
            type: bool
            default: false
          server_hostname:
            description: The name that the certificate must carry, where it is not the name that was connected to.
            type: str
      imap: &imap
        description:
          - Log in to this IMAP server and wait for the message. Mutually exclusive with C(pop3).
        type: dict
        suboptions:
          <<: *endpoint
          mailbox:
            description: The mailbox in which the message arrives.
            type: str
            default: INBOX
      pop3: &pop3
        description:
          - Log in to this POP3 server and wait for the message. Mutually exclusive with C(imap).
        type: dict
        suboptions: *endpoint
      recipient: &recipient
        description: The address to send a message to.
        type: str
      sender: &sender
        description:
          - The envelope sender. An empty string is the null sender of bounces.
          - The default is the recipient.
        type: str
      subject: &subject
        description: The subject of the message. By default it is unique.
        type: str
      body: &body
        description: The text of the message.
        type: str
      headers: &headers
        description: More headers for the message.
        type: dict
      size: &size
        description: Fill the message up to at least this many bytes.
        type: int
      message_id: &message_id
        description:
          - Wait for the message with this C(Message-ID), angle brackets included. Only for a probe without C(smtp).
        type: str
      stop_after: &stop_after
        description:
          - End the dialogue after this step. With V(rcpt) the recipient is offered, and then the envelope is taken back, so that even a
            server that relays for strangers has nothing to relay.
        type: str
        choices: [connect, auth, rcpt]
      helo: &helo
        description:
          - The name to greet with. The default is the address of this end of the connection, as an address literal.
        type: str
      cleanup: &cleanup
        description:
          - Remove the message from the mailbox after it was found. With V(false) the mailbox is only read.
        type: bool
      expect: &expect
        description:
          - The outcome that makes the probe succeed. The values are those of RV(probes[].outcome).
          - By default a probe that sends and fetches expects V(delivered), one that only sends V(accepted), one that only logs in
            V(authenticated),
            and one that does none of this V(connected). A probe that got further than expected succeeds too.
          - V(rejected) means a 5xx reply to the login, to C(MAIL), to C(RCPT) or to the message. A 4xx reply only counts when
            O(reply_code) asks
            for it. A closed connection is V(dropped) and never counts.
          - V(unreachable) means that the host has an address and that nothing answers at the port.
        type: str
        choices:
          - connected
          - authenticated
          - accepted
          - delivered
          - rejected
          - deferred
          - login_rejected
          - not_arrived
          - unreachable
          - unresolved
          - dropped
          - timeout
          - tls_failed
          - untrusted
          - withheld
          - unsupported
          - garbled
      reply_code: &reply_code
        description:
          - The SMTP reply codes, one of which must be the last reply, for example V(554), or V(5xx) for the whole class.
        type: list
        elements: str
      expect_step: &expect_step
        description: The steps, at one of which the probe must have ended, see RV(probes[].step).
        type: list
        elements: str
        choices: [connect, greeting, ehlo, tls, auth, mail, rcpt, data, login, select, fetch]
      expect_answer: &expect_answer
        description: A regular expression that must match somewhere in the server's last words.
        type: str
      expect_capabilities: &expect_capabilities
        description:
          - Capabilities that the server must offer or must not offer, for example V(STARTTLS), V(AUTH) or V(AUTH PLAIN).
          - They are looked for in the SMTP half where there is one.
        type: dict
        suboptions:
          present:
            description: Offered when the dialogue begins in earnest, which is after TLS where there is TLS.
            type: list
            elements: str
          absent:
            description: Not offered then.
            type: list
            elements: str
          present_before_tls:
            description: Offered before the connection is encrypted.
            type: list
            elements: str
          absent_before_tls:
            description: Not offered before the connection is encrypted.
            type: list
            elements: str
      validate_certs: &validate_certs
        description: Verify the server's certificate and the name in it.
        type: bool
      ca_file: &ca_file
        description:
          - A file on the host that probes, with the certificates to trust instead of the system's. The server's own certificate may be
            one of them.
        type: path
      ca_content: &ca_content
        description: The certificates to trust, in PEM format, instead of the system's or in addition to O(ca_file).
        type: str
      certificate_fingerprint: &certificate_fingerprint
        description:
          - Trust only the certificate with this SHA-256 fingerprint, whoever signed it and whatever name it carries.
        type: str
      server_hostname: &server_hostname
        description: The name that the certificate must carry, where it is not the name that was connected to.
        type: str
      tls_min_version: &tls_min_version
        description: The oldest TLS version to accept.
        type: str
        choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
      tls_max_version: &tls_max_version
        description: The newest TLS version to offer, to prove that a server refuses old ones.
        type: str
        choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
      source_address: &source_address
        description: The local address to connect from.
        type: str
      timeout: &timeout
        description:
          - Seconds after which the probe is over, everything included.
          - With O(probes) each probe has this time, beginning when it starts.
        type: float
  host: *host
  smtp: *smtp
  imap: *imap
  pop3: *pop3
  recipient: *recipient
  sender: *sender
  subject: *subject
  body: *body
  headers: *headers
  size: *size
  message_id: *message_id
  stop_after: *stop_after
  helo: *helo
  cleanup:
    <<: *cleanup
    default: true
  expect: *expect
  reply_code: *reply_code
  expect_step: *expect_step
  expect_answer: *expect_answer
  expect_capabilities: *expect_capabilities
  validate_certs:
    <<: *validate_certs
    default: true
  ca_file: *ca_file
  ca_content: *ca_content
  certificate_fingerprint: *certificate_fingerprint
  server_hostname: *server_hostname
  tls_min_version:
    <<: *tls_min_version
    default: TLSv1.2
  tls_max_version: *tls_max_version
  source_address: *source_address
  timeout:
    <<: *timeout
    default: 30.0
  fail:
    description:
      - Fail when a probe did not see what it expected, after all of them have run. With V(false) RV(ok) tells.
    type: bool
    default: true
notes:
  - Run the module from another host than the mail host, for example with C(delegate_to). Postfix and Dovecot trust the host they run on,
    so a probe
    from there proves little.
seealso:
  - name: postroom.mail.verify
    description: The playbook that proves a whole mail host with this module.
    link: https://github.com/postroom/postroom.mail/blob/main/docs/verify.md
"""

EXAMPLES = r"""
---
- name: Prove that mail sent with AUTH over 465 arrives and can be read over 993
  postroom.mail.mail_probe:
    host: mail.example.org
    recipient: alice@example.org
    smtp: {user: alice, password: "{{ vault_alice }}"}
    imap: {user: alice, password: "{{ vault_alice }}"}
  delegate_to: localhost

- name: Prove that strangers cannot relay, and that no password is asked for in the clear
  postroom.mail.mail_probe:
    host: mail.example.org
    ca_file: /etc/ssl/certs/our-own-ca.pem
    probes:
      - name: no relay on 25
        smtp: {tls: none}
        sender: stranger@example.net
        recipient: somebody@example.com
        stop_after: rcpt
        expect: rejected
      - name: AUTH on 587 only after STARTTLS
        smtp: {tls: starttls}
        expect_capabilities:
          absent_before_tls: [AUTH]
          present: [AUTH]
      - name: a wrong password is refused
        smtp: {user: alice, password: this is not it}
        expect: login_rejected
        reply_code: [535]
  delegate_to: localhost

- name: Wait for a message that something else has sent
  postroom.mail.mail_probe:
    host: mail.example.org
    imap: {user: alice, password: "{{ vault_alice }}"}
    message_id: <20261122.1@example.net>
    cleanup: false
    timeout: 60

- name: Prove that port 25 is closed to the network
  postroom.mail.mail_probe:
    host: mail.example.org
    smtp: {tls: none}
    expect: unreachable
    timeout: 5
"""

RETURN = r"""
ok:
  description: Whether every probe saw what it expected.
  returned: success
  type: bool
msg:
  description: The probes that failed and why, or how many there were.
  returned: always
  type: str
  sample: "1 of 3 probes failed. no relay on 25: expected rejected, but it was accepted at rcpt: 250 2.1.5 Ok"
probes:
  description: One row for each probe, in the order of the option. A call without O(probes) has one row.
  returned: when the options are right
  type: list
  elements: dict
  contains:
    name:
      description: The probe's name.
      type: str
    ok:
      description: Whether it saw what it expected.
      type: bool
    problems:
      description: What speaks against it, one sentence each.
      type: list
      elements: str
    outcome:
      description:
        - How the dialogue ended.
        - V(connected), V(authenticated), V(accepted) and V(delivered) tell how far it got.
        - V(rejected) is a 5xx reply or its like, V(deferred) a 4xx reply or its like, V(login_rejected) a refused login.
        - V(not_arrived) means that the message was not in the mailbox in time.
        - V(unreachable) means that nothing answers at the port, V(unresolved) that the host name has no address.
        - V(dropped) means that the server closed the connection, V(timeout) that it did not answer in time.
        - V(tls_failed) means that the TLS handshake failed, V(untrusted) that the certificate is not trusted.
        - V(withheld) means that the password was not sent over a connection that is not encrypted.
        - V(unsupported) means that the server does not offer what the probe needs, V(garbled) that it does not speak the protocol.
      type: str
      sample: delivered
    step:
      description:
        - The last step, one of C(connect), C(greeting), C(ehlo), C(tls), C(auth), C(mail), C(rcpt), C(data) for SMTP and C(connect),
          C(greeting), C(tls),
          C(login), C(select), C(fetch) for IMAP and POP3.
      type: str
      sample: fetch
    reply_code:
      description: The last SMTP reply code that mattered.
      type: int
      sample: 554
    answer:
      description: The server's own last words that mattered, or the reason why there are none.
      type: str
      sample: "554 5.7.1 <somebody@example.com>: Relay access denied"
    latency:
      description: Seconds between the acceptance of the message and its being found in the mailbox.
      type: float
    duration:
      description: Seconds that the probe took.
      type: float
    tls_version:
      description: The TLS version of the probe's first encrypted connection.
      type: str
      sample: TLSv1.3
    cipher:
      description: Its cipher suite.
      type: str
      sample: TLS_AES_256_GCM_SHA384
    message_id:
      description: The identifier of the message.
      type: str
    queue_id:
      description: The identifier that the server gave to the message in its queue, as Postfix tells it.
      type: str
      returned: when the server told it
    headers:
      description: The headers of the message that arrived, in their order, each with its C(name) and C(value).
      type: list
      elements: dict
      returned: when the message arrived
    removed:
      description: Whether the message was removed from the mailbox again.
      type: bool
      returned: when the message arrived and O(cleanup=true)
    size:
      description: The size of the message that arrived, in bytes.
      type: int
      returned: when it arrived by IMAP
    smtp:
      description: What was seen of the SMTP server.
      type: dict
      returned: when SMTP was spoken
      contains: &half
        address:
          description: The address that was connected to.
          type: str
        greeting:
          description: The server's first words.
          type: str
        capabilities_before_tls:
          description: The capabilities that were offered before the connection was encrypted.
          type: list
          elements: str
        capabilities:
          description: The capabilities that were offered at last.
          type: list
          elements: str
        mechanism:
          description: The SASL mechanism of a successful SMTP login.
          type: str
        tls_version:
          description: The TLS version.
          type: str
        cipher:
          description: The cipher suite.
          type: str
        certificate:
          description:
            - The server's certificate. Besides its C(sha256) fingerprint, of a verified one also C(subject), C(issuer), C(not_after) and
              C(names).
          type: dict
    imap:
      description: What was seen of the IMAP server.
      type: dict
      returned: when IMAP was spoken
      contains: *half
    pop3:
      description: What was seen of the POP3 server.
      type: dict
      returned: when POP3 was spoken
      contains: *half
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.postroom.mail.plugins.module_utils._module import run_module
from ansible_collections.postroom.mail.plugins.module_utils._probe import run
from ansible_collections.postroom.mail.plugins.module_utils._probe_judge import verdict
from ansible_collections.postroom.mail.plugins.module_utils._probe_options import OUTCOMES, STEPS, probes
from ansible_collections.postroom.mail.plugins.module_utils._probe_tls import VERSIONS

STRINGS = {"type": "list", "elements": "str"}


def endpoint(**more: t.Any) -> dict[str, t.Any]:
    """How one server is described."""
    options = {
        "host": {"type": "str"},
        "port": {"type": "int"},
        "tls": {"type": "str", "choices": ["none", "starttls", "implicit"], "default": "implicit"},
        "user": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "mechanism": {"type": "str", "choices": ["plain", "login", "cram-md5"]},
        "allow_cleartext": {"type": "bool", "default": False},
        "server_hostname": {"type": "str"},
        **more,
    }
    return {"type": "dict", "options": options}


def probe_options() -> dict[str, t.Any]:
    """The options of one probe, without defaults: a probe in a list takes those of the call."""
    return {
        "host": {"type": "str"},
        "smtp": endpoint(),
        "imap": endpoint(mailbox={"type": "str", "default": "INBOX"}),
        "pop3": endpoint(),
        "recipient": {"type": "str"},
        "sender": {"type": "str"},
        "subject": {"type": "str"},
        "body": {"type": "str"},
        "headers": {"type": "dict"},
        "size": {"type": "int"},
        "message_id": {"type": "str"},
        "stop_after": {"type": "str", "choices": ["connect", "auth", "rcpt"]},
        "helo": {"type": "str"},
        "cleanup": {"type": "bool"},
        "expect": {"type": "str", "choices": list(OUTCOMES)},
        "reply_code": STRINGS,
        "expect_step": {**STRINGS, "choices": list(STEPS)},
        "expect_answer": {"type": "str"},
        "expect_capabilities": {
            "type": "dict",
            "options": dict.fromkeys(("present", "absent", "present_before_tls", "absent_before_tls"), STRINGS),
        },
        "validate_certs": {"type": "bool"},
        "ca_file": {"type": "path"},
        "ca_content": {"type": "str"},
        "certificate_fingerprint": {"type": "str"},
        "server_hostname": {"type": "str"},
        "tls_min_version": {"type": "str", "choices": list(VERSIONS)},
        "tls_max_version": {"type": "str", "choices": list(VERSIONS)},
        "source_address": {"type": "str"},
        "timeout": {"type": "float"},
    }


def argument_spec() -> dict[str, t.Any]:
    defaults = {"cleanup": True, "validate_certs": True, "tls_min_version": "TLSv1.2", "timeout": 30.0}
    spec = {name: {**option, "default": defaults[name]} if name in defaults else option for name, option in probe_options().items()}
    spec["probes"] = {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}, **probe_options()}}
    spec["fail"] = {"type": "bool", "default": True}
    return spec


def main() -> t.NoReturn:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)

    def work() -> dict[str, t.Any]:
        rows = run(probes(module.params), check_mode=module.check_mode)
        ok, msg = verdict(rows)
        return {"changed": False, "ok": ok, "failed": module.params["fail"] and not ok, "msg": msg, "probes": rows}

    run_module(module, work)


if __name__ == "__main__":
    main()
