#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_probe
short_description: Prove the behaviour of a mail host by protocol
version_added: 0.1.0
description:
  - Sends a unique message over SMTP and waits for it over IMAP or POP3, or does only one half of that, and returns the servers' answers.
  - Also proves that something is B(not) possible, for example to relay without authentication or to log in with a wrong password.
  - It asks servers and changes nothing on the host it runs on. The message that it sent is removed from the mailbox after it has arrived.
  - A probe is over after O(timeout), whatever the servers do.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
  - postroom.mail._probe
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

- name: Prove that a host is no open relay, in every form that is known
  postroom.mail.mail_probe:
    host: mail.example.org
    relay: {domain: example.org}
    probes:
      - {name: relay on 25, smtp: {tls: none}}
      - {name: relay on 465, smtp: {tls: implicit}}
      - {name: relay on 587, smtp: {tls: starttls}}
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
  description: Whether every probe had the expected outcome.
  returned: success
  type: bool
msg:
  description: The failed probes with the reasons, or the number of probes.
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
      description: Whether it had the expected outcome.
      type: bool
    problems:
      description: The reasons against success, one sentence each.
      type: list
      elements: str
    outcome:
      description:
        - The end of the dialogue.
        - V(connected), V(authenticated), V(accepted) and V(delivered) name the last step that succeeded.
        - V(rejected) is a 5xx reply or its like, V(deferred) a 4xx reply or its like, V(login_rejected) a refused login.
        - V(not_arrived) means that the message was not in the mailbox in time.
        - V(unreachable) means that nothing answers at the port, V(unresolved) that the host name has no address.
        - V(dropped) means that the server closed the connection, V(timeout) that it did not answer in time.
        - V(tls_failed) means that the TLS handshake failed, V(untrusted) that the certificate is not trusted.
        - V(withheld) means that the password was not sent over a connection that is not encrypted.
        - V(unsupported) means that the server lacks a feature that the probe needs, V(garbled) that it does not speak the protocol.
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
      description: Seconds between the acceptance of the message and its appearance in the mailbox.
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
      description: The identifier that the server gave to the message in its queue, from Postfix's reply.
      type: str
      returned: when the server sent it
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
    forms:
      description: The answer of the host to each form of relaying, in the order in which they are documented.
      type: list
      elements: dict
      returned: for a probe with O(relay)
      contains:
        name:
          description: The form's name.
          type: str
          sample: percent hack, domain
        sender:
          description: The text behind C(MAIL FROM:).
          type: str
          sample: <stranger@example.net>
        recipient:
          description: The text behind C(RCPT TO:).
          type: str
          sample: <somebody%example.com@example.org>
        code:
          description: The reply code that decided.
          type: int
          sample: 554
        answer:
          description: The server's own words, or the reason why there are none.
          type: str
          sample: "554 5.7.1 <somebody%example.com@example.org>: Relay access denied"
        ok:
          description: Whether the form was refused for good, or was the host's to keep.
          type: bool
        kept:
          description: Whether it was accepted as mail for the host's catch-all.
          type: bool
    subject:
      description: The subject of the messages that were sent with the forms that were accepted.
      type: str
      returned: for a probe with O(relay) that sends
    smtp:
      description: The observations of the SMTP server.
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
      description: The observations of the IMAP server.
      type: dict
      returned: when IMAP was spoken
      contains: *half
    pop3:
      description: The observations of the POP3 server.
      type: dict
      returned: when POP3 was spoken
      contains: *half
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_probe import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
