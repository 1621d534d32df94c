# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

from __future__ import annotations


class ModuleDocFragment:
    """The options of postroom.mail.mail_probe: those of one probe, at the top and in a list of probes."""

    DOCUMENTATION = r"""
options:
  probes:
    description:
      - Several probes in one call. They run side by side, eight at a time, so that the call takes seconds.
      - Options beside O(probes) serve as defaults for every probe. The servers themselves (O(smtp), O(imap), O(pop3)) are given in each
        probe.
      - Probes that expect a login to be rejected run after all others, because servers slow down for a client that guesses passwords.
    type: list
    elements: dict
    suboptions:
      name: &name
        description: What the probe proves, for the report. By default the probes have numbers.
        type: str
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
                IMAP, and 110, 110 and 995 for POP3.
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
            description:
              - The user's password.
              - It must be text to YAML, so a password such as V(0123456) or V(yes) stands in quotes.
            type: raw
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
              - To prove that a server refuses this, use a password of no user.
            type: bool
            default: false
          server_hostname:
            description: The name that the certificate must carry, where the connection is to another name.
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
      relay: &relay
        description:
          - Try every known form of relaying, as a stranger, on the server given in C(smtp).
          - Each form is an envelope, such as C(<somebody%example.com@example.org>) for the recipient. There are between 60 and 90, and
            U(https://github.com/postroom/postroom.mail/blob/main/docs/open_relay.md) lists them.
          - The probe succeeds when the server refuses each for good, with a 5xx reply. See RV(probes[].forms) for the answers.
          - Such a probe goes without a login, and O(sender), O(recipient) and the other options about a message mean nothing to it, save
            O(subject).
        type: dict
        suboptions:
          domain:
            description: The host's main domain.
            type: str
            required: true
          hostname:
            description:
              - The host's own name. The default is the name that its certificate must carry, or by which it is reached.
            type: str
          addresses:
            description:
              - The host's own addresses, of which the forms take one IPv4 and one IPv6 address. The default is what its name resolves
                to.
            type: list
            elements: str
          other_domain:
            description:
              - Another domain for which the host accepts mail, for example as a backup. The probe tries it like the main one.
            type: str
          elsewhere:
            description: A recipient that does not belong to the host.
            type: str
            default: somebody@example.com
          stranger:
            description:
              - A sender that does not belong to the host. The host must accept mail from this sender; a refusal because of the sender
                proves nothing.
            type: str
            default: stranger@example.net
          catch_all:
            description:
              - Set it for a host with a catch-all, which accepts mail for any recipient in its own domains.
              - The host can then accept a form with a recipient that ends with an own domain, name or address. Only the mail that
                leaves the host shows whether it kept such a mail.
            type: bool
            default: false
          skip:
            description: Forms not to try, by their names.
            type: list
            elements: str
            default: []
          send:
            description:
              - Send a message with each accepted form, so that the arrivals elsewhere can be counted. All messages of a probe
                have the same C(Subject), see RV(probes[].subject).
              - By default, and in check mode, the probe offers only the envelope, and then takes it back.
            type: bool
            default: false
      stop_after: &stop_after
        description:
          - End the dialogue after this step. With V(rcpt) the probe offers the recipient, and then takes the envelope back, so that
            even a server that relays for strangers has no mail to relay.
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
            one with O(relay) V(rejected), and one that does none of this V(connected). A probe that got further than expected
            succeeds too.
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
          - The probe looks for them in the SMTP half where there is one.
        type: dict
        suboptions:
          present:
            description: Offered when the real dialogue begins, which is after TLS where there is TLS.
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
          - Trust only the certificate with this SHA-256 fingerprint, with any issuer and any name.
        type: str
      server_hostname: &server_hostname
        description: The name that the certificate must carry, where the connection is to another name.
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
  name: *name
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
  relay: *relay
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
      - Fail when a probe had an unexpected outcome, after all of them have run. With V(false) only RV(ok) shows it.
    type: bool
    default: true
"""
