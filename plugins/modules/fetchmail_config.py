#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: fetchmail_config
short_description: Set the mailboxes elsewhere from which fetchmail fetches
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Writes C(/etc/fetchmailrc), and C(~/.fetchmailrc) of each user who owns accounts, after fetchmail itself has read the new
    contents. A password can have any character.
  - Writes systemd services for the daemons, C(fetchmail) in the place of the package's own and C(postroom-fetchmail@USER), which runs as
    that user. The module stops the daemons without accounts, and returns those that must be started or restarted in the form
    that M(postroom.mail.mail_service) takes.
  - Where systemd does not run, the package's init script starts the daemon of the host, and accounts cannot have an owner.
  - fetchmail speaks TLS and checks the server's certificate unless an account sets something else.
  - One call writes all files of the host, so that it also removes the accounts that are no longer in the inventory.
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - A missing owner, and a host without fetchmail, are no errors in check mode, because earlier tasks may make them.
  diff_mode:
    support: full
    details:
      - For run control files, which hold passwords, the diff only shows that they change.
  idempotent:
    support: full
options:
  accounts:
    description:
      - All accounts from which this host must fetch mail. fetchmail does not ask any account outside this list.
      - The options have fetchmail's own names, and fetchmail has a default for each that is not given.
    type: list
    elements: dict
    required: true
    suboptions:
      poll: {description: "The server to ask; with O(accounts[].via) only a name for the account.", type: str, required: true}
      skip: {description: "Whether fetchmail asks the account only when its command line names it.", type: bool, default: false}
      via: {description: "The server's real name, when O(accounts[].poll) is not.", type: str}
      proto: {description: "The protocol.", type: str, choices: [pop3, imap, apop, kpop, sdps, etrn, odmr, auto], default: pop3}
      service:
        description:
          - The port, or its name in C(/etc/services). The default is that of the protocol, with TLS or without.
        type: str
        aliases: [port]
      auth:
        description:
          - The way to log in. fetchmail's default, V(any), takes the safest one that the server offers.
        type: str
        choices: [any, password, cram-md5, external, gssapi, kerberos, kerberos_v4, kerberos_v5, msn, ntlm, otp, ssh]
      timeout: {description: "Seconds to wait for the server to answer. fetchmail's default is 300.", type: int}
      interval: {description: "Ask this server only once in this number of polls.", type: int}
      interface:
        description:
          - Poll only while this interface is up and has this address, as in V(ppp0/192.0.2.1/255.255.255.0).
        type: str
      plugin: {description: "A program that makes the connection to the server; C(%h) and C(%p) in it are its name and port.", type: str}
      plugout: {description: "A program that makes the connection to the mail server of this host.", type: str}
      envelope:
        description:
          - In a mailbox of several users, the header that names the recipient of a message, such as V(X-Envelope-To). Empty, there is none,
            and To and Cc are looked at.
        type: str
      envelope_skip: {description: "How many headers of that name to skip.", type: int}
      qvirtual: {description: "A prefix to take off the address in O(accounts[].envelope), as qmail writes one.", type: str}
      aka: {description: "Other names of the server, for addresses in a mailbox of several users.", type: list, elements: str}
      localdomains:
        description:
          - Domains with addresses that fetchmail passes to the mail server of this host unchanged.
        type: list
        elements: str
      dns: {description: "Whether DNS is asked if a host in an address is the server.", type: bool}
      checkalias: {description: "Whether names of the server are compared by their addresses.", type: bool}
      uidl:
        description:
          - Whether POP3 messages are remembered by their unique id, which O(accounts[].keep) wants. The default is V(true) with V(pop3)
            and O(accounts[].keep).
        type: bool
      tracepolls: {description: "Whether the C(Received) header names the account that a message came from.", type: bool}
      badheader:
        description:
          - The action on a message with a malformed header. fetchmail's default is V(reject), which leaves it at the provider.
        type: str
        choices: [accept, reject]
      principal: {description: "The Kerberos principal of the server.", type: str}
      user: {description: "The login at the server.", type: str, required: true}
      password:
        description:
          - Its password.
          - It must be text to YAML, so a password such as V(0123456) or V(yes) stands in quotes.
        type: raw
      is:
        description:
          - The recipient of the mail, a local user or an address. Several, V(robert=bob) for a user whom the provider calls robert, and
            V(*) at the end for everybody else make it a mailbox of several users.
        type: list
        elements: str
        aliases: [to]
      owner:
        description:
          - The user of this host who has the account in C(~/.fetchmailrc), and who runs fetchmail for it. Without one it is in
            C(/etc/fetchmailrc), for the daemon of the host.
        type: str
      ssl:
        description:
          - Whether to speak TLS from the beginning. V(false) is STARTTLS, which is then insisted on.
        type: bool
        default: true
      sslproto:
        description:
          - The version of TLS, such as V(tls1.3+). Empty together with O(accounts[].ssl=false) means a connection without TLS.
        type: str
      sslcertck: {description: "Whether the server's certificate must be good.", type: bool, default: true}
      sslcertfile: {description: "A file with the certificates of authorities to trust besides the system's own.", type: path}
      sslcertpath: {description: "A directory with such certificates.", type: path}
      sslcommonname: {description: "The name that the certificate is for, when it is another one than the server's.", type: str}
      sslfingerprint: {description: "The MD5 fingerprint of the only certificate that is good.", type: str}
      sslcert: {description: "A certificate to show to the server.", type: path}
      sslkey: {description: "The private key of O(accounts[].sslcert).", type: path}
      folder:
        description:
          - The folders to fetch from, IMAP only. The default is the inbox. Write their names as people read them, such as V(Entwürfe); one
            that stands in modified UTF-7 already is left as it is.
        type: list
        elements: str
      smtphost:
        description:
          - The server that takes the mail, as V(HOST) or V(HOST/PORT), or the path of a socket. The default is port 25 of this host.
        type: list
        elements: str
      smtpaddress: {description: "The domain that is appended to local names in RCPT TO.", type: str}
      smtpname: {description: "The whole address for RCPT TO.", type: str}
      lmtp:
        description:
          - Whether to hand over through LMTP to O(accounts[].smtphost). Aliases of the mail server then do not count.
        type: bool
      mda: {description: "A program to hand over to instead, with the message on its standard input.", type: str}
      antispam:
        description:
          - Answers of this host's mail server that mean spam, whereupon the message is deleted at the provider.
        type: list
        elements: int
      preconnect: {description: "A shell command before each connection. If it fails the server is not asked.", type: str}
      postconnect: {description: "A shell command after each connection.", type: str}
      keep: {description: "Whether messages stay at the provider; each is fetched once.", type: bool, default: false}
      fetchall: {description: "Whether fetchmail also fetches messages that were read at the provider already.", type: bool}
      rewrite: {description: "Whether addresses without a domain get the server's name. fetchmail's default is V(true).", type: bool}
      stripcr: {description: "Whether carriage returns at line ends are taken away.", type: bool}
      forcecr: {description: "Whether lines get carriage returns.", type: bool}
      pass8bits:
        description:
          - Whether to declare C(BODY=8BITMIME) always.
        type: bool
      dropstatus: {description: "Whether C(Status) headers are dropped.", type: bool}
      dropdelivered: {description: "Whether C(Delivered-To) headers are dropped. They stop mail that goes round in circles.", type: bool}
      mimedecode: {description: "Whether quoted-printable is decoded.", type: bool}
      idle: {description: "Whether to wait at the server for new mail, IMAP only, and for the only account of its owner.", type: bool}
      limit: {description: "Leave messages that are larger than this at the provider, in bytes.", type: int}
      limitflush: {description: "Whether messages larger than O(accounts[].limit) are deleted there instead.", type: bool}
      warnings: {description: "Seconds between two reports of messages that are too large.", type: int}
      batchlimit: {description: "How many messages to hand over in one connection.", type: int}
      fetchlimit: {description: "How many messages to fetch in one poll.", type: int}
      fetchsizelimit: {description: "How many sizes of messages to ask for at a time.", type: int}
      fastuidl: {description: "In how many polls of POP3 the first new message is looked for by halving.", type: int}
      expunge: {description: "After how many messages deletions are made final.", type: int}
      flush:
        description:
          - Whether fetchmail deletes seen messages at the provider before it fetches new ones, including messages that were read there
            and that it never got.
        type: bool
      fetchdomains: {description: "The domains for which fetchmail asks with V(odmr).", type: list, elements: str}
      bsmtp: {description: "A file that mail is appended to as batched SMTP, instead of being handed over.", type: path}
  settings:
    description:
      - Settings for all accounts.
    type: dict
    default: {}
    suboptions:
      daemon: {description: "Seconds between two polls.", type: int, default: 300}
      postmaster:
        description:
          - The recipient of mail that fetchmail cannot deliver, a local user or an address. The default is C(postmaster), or the
            owner of the accounts.
        type: str
      bouncemail:
        description:
          - Whether the sender gets a report on undeliverable mail. Spam has forged senders, so by default the postmaster gets it.
        type: bool
        default: false
      spambounce: {description: "Whether the sender gets a report on mail that was refused as spam.", type: bool}
      softbounce:
        description:
          - Whether mail that this host refuses for good stays at the provider. Leave it V(true), which is fetchmail's default, or that
            mail is lost.
        type: bool
      syslog: {description: "Whether fetchmail logs to syslog.", type: bool, default: true}
      logfile: {description: "A log file of the daemon of the host, instead of syslog. It must be there already.", type: path}
      idfile: {description: "The file in which the daemon of the host remembers which messages it has seen.", type: path}
      pidfile: {description: "The file in which the daemon of the host leaves its process id.", type: path}
      invisible: {description: "Whether fetchmail leaves no C(Received) header of its own.", type: bool}
      showdots: {description: "Whether the progress of a transfer is shown by dots, where it writes to a log file too.", type: bool}
  replace:
    description:
      - Whether to replace run control files of another source. The module keeps a copy beside each.
    type: bool
    default: false
seealso:
  - name: fetchmail(1)
    description: The meaning of each option.
    link: https://www.fetchmail.info/fetchmail-man.html
  - module: postroom.mail.mail_service
"""

EXAMPLES = r"""
---
- name: Mail that comes to a provider, for a user and for an address of this host
  postroom.mail.fetchmail_config:
    accounts:
      - {poll: pop.provider.example, user: alice77, password: "{{ vault_pop }}", is: [alice]}
      - {poll: imap.provider.example, proto: imap, user: shop, password: "{{ vault_imap }}", is: [sales@example.org], keep: true}
  register: fetched
  notify: Apply the configuration of fetchmail

- name: Stop all fetching
  postroom.mail.fetchmail_config:
    accounts: []
"""

RETURN = r"""
skipped_users:
  description:
    - The users with homes in which the module could not work, for example because a file there is not the collection's, is no
      plain file or is locked. A warning names each with the file and the reason. Their accounts stay as before; all other users are
      served.
  returned: success
  type: list
  elements: str
  sample: [mallory]
paths:
  description: The files that were written or removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/fetchmailrc, /home/alice/.fetchmailrc]
services:
  description: The daemons that do not run as wanted yet, for O(postroom.mail.mail_service#module:services).
  returned: success
  type: list
  elements: dict
  sample: [{name: fetchmail, state: restarted, enabled: true}]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.fetchmail_config import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
