#!/usr/bin/python
# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mail_info
short_description: Gather all facts of a mail host in one call
version_added: 0.1.0
author:
  - The postroom.mail contributors (@postroom)
description:
  - Returns the facts of a mail host that a role or an administrator needs before a change, about the host itself, the
    versions of packages, the state of services, the configuration of Postfix and Dovecot, the amount of queued mail,
    the listeners on each port, and other mail servers.
  - The module asks the host itself wherever it can, and does not conclude from the name of the distribution.
  - It never fails because something is not installed; a missing part is V(null), V(false) or empty.
  - Passwords and keys are not part of the answer; where one is set, the value is V([hidden]).
extends_documentation_fragment:
  - postroom.mail._attributes
  - postroom.mail._attributes.info_module
options:
  gather:
    description:
      - The facts to gather. Fewer facts take less time.
      - The module gathers V(policy), which shows the accepted and forwarded mail and the clients with these rights, only on request.
    type: list
    elements: str
    choices: [files, host, packages, services, postfix, dovecot, sasl, queue, listeners, other_mail_servers, accounts, aliases, policy]
    default: [files, host, packages, services, postfix, dovecot, sasl, queue, listeners, other_mail_servers, accounts, aliases]
  packages: {description: "The names of the packages to look up.", type: list, elements: str, default: []}
  services: {description: "The names of the services to look up.", type: list, elements: str, default: [postfix, dovecot]}
  resolve:
    description:
      - Host names to look up as this host sees them, in C(/etc/hosts) first and then through its
        resolver, for no longer than two seconds each. The host's own full name is always among them.
    type: list
    elements: str
    default: []
  accounts:
    description:
      - Names of accounts to look up, in C(/etc/passwd) first and then through the name service (LDAP and the like), for
        no longer than two seconds altogether.
    type: list
    elements: str
    default: []
  sasl_mta:
    description:
      - The mail server that the answer RV(sasl) about Cyrus SASL is for.
    type: str
    choices: [postfix, sendmail]
    default: postfix
notes:
  - Run it as root. As another user it cannot look into the queues (V(null)), find the process that listens, or see
    whether Dovecot's protected files were changed.
seealso:
  - module: postroom.mail.mail_service
  - plugin: postroom.mail.policy_page
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask the mail host
  postroom.mail.mail_info:
    packages: [postfix, dovecot-imapd]
  register: host_info

- name: Show the configuration of Postfix
  ansible.builtin.debug:
    var: host_info.postfix.parameters

- name: Wait until the queue is empty
  postroom.mail.mail_info:
    gather: [queue]
  register: mail
  until: mail.queue.active + mail.queue.incoming + mail.queue.deferred == 0
  retries: 10
  delay: 3
"""

RETURN = r"""
files:
  description: By what the files of Postfix and Dovecot that are there are known again unless somebody writes them, inode, size and time.
  returned: when O(gather) has V(files)
  type: dict
  sample: {/etc/postfix/main.cf: 1574 2101 1764500000000000000}
host:
  description: The host itself.
  returned: when O(gather) has V(host)
  type: dict
  contains:
    fqdn:
      description:
        - The full name, as C(hostname --fqdn) prints it, from C(/etc/hosts) or, for no longer than two seconds, from
          the resolver. It is the host's short name if neither has a longer one.
      type: str
      sample: mail.example.org
    hostname: {description: The name of the host by its kernel., type: str, sample: mail}
    os_family: {description: "The family of the distribution, in Ansible's words.", type: str, sample: Debian}
    package_lists: {description: "If apt has package lists; before it has fetched some it finds no package.", type: bool}
    distribution: {description: "The distribution, in Ansible's words.", type: str, sample: Debian}
    distribution_major_version: {description: "Its major version, or the code name where it has no version.", type: str, sample: "13"}
    service_manager:
      description:
        - The service manager. V(systemd) when it is running, V(sysvinit) when there are init scripts instead, V(none) when there is
          neither.
      type: str
      sample: systemd
    privileged: {description: Whether the module ran as root., type: bool, sample: true}
    ipv6: {description: "Whether the kernel of the host knows IPv6, with an address or without.", type: bool, sample: true}
    addresses:
      description: The addresses of RV(host.fqdn) and of each name in O(resolve); an empty list for a name that does not resolve.
      type: dict
      sample: {mail.example.org: [192.0.2.25]}
packages:
  description: The version of each package in O(packages), V(null) when it is not installed.
  returned: when O(gather) has V(packages)
  type: dict
  sample: {postfix: 3.10.13-0+deb13u1, exim4-daemon-light: null}
services:
  description:
    - The state of each service in O(services). For Postfix and Dovecot RV(services.running) means that the master process lives.
  returned: when O(gather) has V(services)
  type: dict
  sample:
    postfix:
      {installed: true, running: true, enabled: true, outdated: null, reload_required: false, restart_required: false, reasons: []}
  contains:
    installed: {description: Whether the service manager knows it., type: bool}
    running: {description: Whether it runs., type: bool}
    enabled: {description: Whether it is started at boot., type: bool}
    outdated:
      description:
        - The reason why the running Postfix or Dovecot is not the installed one, as after an upgrade without a restart.
        - V(null) when it is, when it does not run, for other services, and for another user than root.
      type: str
      sample: it still runs the /usr/lib/postfix/sbin/master from before an upgrade
    reload_required:
      description:
        - Whether the running Postfix or Dovecot must still read its files; V(false) when it does not run.
        - V(true) when its configuration, a certificate or a lookup table that is no compiled one has changed since it last
          read them, by any change, and with RV(services.restart_required) as well.
      type: bool
    restart_required: {description: "Whether it takes a restart, as for the addresses to listen on.", type: bool}
    reasons:
      description: The reasons, one sentence each.
      type: list
      elements: str
      sample: [Postfix has not read /etc/postfix/main.cf since it changed.]
postfix:
  description: The configuration of Postfix.
  returned: when O(gather) has V(postfix)
  type: dict
  contains:
    installed: {description: Whether C(postconf) is there., type: bool}
    version: {description: The version of Postfix., type: str, sample: 3.10.13}
    config_directory: {description: The directory of main.cf and master.cf., type: str, sample: /etc/postfix}
    queue_directory:
      description: The directory of the queues, which is the root directory of the services that run chrooted.
      type: str
      sample: /var/spool/postfix
    daemon_directory: {description: The directory of the daemon programs., type: str, sample: /usr/lib/postfix/sbin}
    default_database_type: {description: The type of lookup table that Postfix makes when none is named., type: str, sample: hash}
    map_types:
      description: The types of lookup tables that this installation supports.
      type: list
      elements: str
      sample: [cidr, hash, pcre]
    sasl_types: {description: The types of SASL server that it supports., type: list, elements: str, sample: [cyrus, dovecot]}
    parameters:
      description: The parameters that main.cf sets, as C(postconf -n) shows them.
      type: dict
      sample: {myhostname: mail.example.org}
    services:
      description:
        - The services of master.cf by name and type. A V(-) in the columns private, unprivileged and chroot is given
          as the V(true) or V(false) that it stands for.
      type: dict
      sample:
        smtp/inet:
          type: inet
          private: false
          unprivileged: true
          chroot: true
          wakeup: "-"
          process_limit: "-"
          command: smtpd
          args: []
          overrides: {}
    managed_tables:
      description: The sources of lookup tables that this collection writes whole and that main.cf names or that lie beside it.
      type: list
      elements: str
      sample: [/etc/postfix/virtual]
    foreign_tables:
      description:
        - The lookup tables in usual places, such as C(/etc/postfix/virtual), that hold something and were not written by this collection.
      type: list
      elements: str
      sample: []
    config_error: {description: "Postfix's complaint about its configuration files, V(null) when they can be parsed.", type: str}
dovecot:
  description: The configuration of Dovecot.
  returned: when O(gather) has V(dovecot)
  type: dict
  contains:
    installed: {description: Whether C(doveconf) is there., type: bool}
    version: {description: The version of Dovecot., type: str, sample: 2.4.1}
    dialect: {description: "Which of the two languages of dovecot.conf this version speaks, V(2.3) or V(2.4).", type: str, sample: "2.4"}
    config_path: {description: The main configuration file., type: str, sample: /etc/dovecot/dovecot.conf}
    pristine: {description: "Whether every file of the configuration is as the package shipped it, and none was added.", type: bool}
    managed: {description: Whether dovecot.conf was written by this collection., type: bool}
    modified_files:
      description: The files that were changed, added or removed.
      type: list
      elements: str
      sample: [/etc/dovecot/conf.d/10-auth.conf]
    database_files:
      description: The files beside dovecot.conf in which the role C(dovecot) keeps the settings and secrets of its databases.
      type: list
      elements: str
      sample: [/etc/dovecot/postroom-passdb-accounts.conf.ext]
    pam_service: {description: "The PAM service by which the role C(dovecot) has passwords checked, V(null) if it is not there.", type: str}
    settings:
      description:
        - The settings that differ from Dovecot's defaults, nested as M(postroom.mail.dovecot_setting) takes them. Of
          a block that comes more than once under the same name the value is a list.
      type: dict
      sample: {protocols: imap lmtp, service auth: {unix_listener auth-userdb: {mode: "0660"}}}
    config_error: {description: "Dovecot's complaint about its configuration, V(null) when it is valid.", type: str}
sasl:
  description: The parts of Cyrus SASL that are there, and the use that the mail server would make of them.
  returned: when O(gather) has V(sasl)
  type: dict
  contains:
    mechanisms:
      description: The mechanisms that the installed plugins of the library offer.
      type: list
      elements: str
      sample: [CRAM-MD5, LOGIN, PLAIN]
    config_path: {description: The configuration file of smtpd or of sendmail., type: str, sample: /etc/postfix/sasl/smtpd.conf}
    config:
      description: Its options; empty when there is no such file.
      type: dict
      sample: {pwcheck_method: saslauthd, mech_list: PLAIN LOGIN}
    managed: {description: Whether there is anything that the role C(sasl) has written for saslauthd or sasldb., type: bool}
    foreign_files:
      description: The files of another source that the role C(sasl) would replace.
      type: list
      elements: str
      sample: [/etc/saslauthd.conf]
    chrooted:
      description: The services of master.cf that take mail from clients and run chrooted.
      type: list
      elements: str
      sample: [smtp/inet]
    database_copies:
      description: The paths at which these look for C(/etc/sasldb2), as they have an C(/etc) of their own.
      type: list
      elements: path
      sample: [/var/spool/postfix/etc/sasldb2]
    saslauthd:
      description: The daemon that checks passwords in clear.
      type: dict
      contains:
        installed: {description: Whether it is there., type: bool}
        running: {description: Whether it runs., type: bool}
        enabled: {description: Whether it is started at boot., type: bool}
        foreign: {description: "Whether it runs, and not as the role C(sasl) has set it up.", type: bool}
        mechanisms:
          description: The mechanisms by which it can check a password, as C(saslauthd -v) lists them.
          type: list
          elements: str
          sample: [getpwent, kerberos5, pam, rimap, shadow, ldap]
        settings:
          description: The settings in the file for its start.
          type: dict
          sample: {MECHANISMS: pam, OPTIONS: -m /var/run/saslauthd}
        socket: {description: "The socket on which it answers, V(null) when it does not run.", type: str, sample: /var/run/saslauthd/mux}
queue:
  description: How many messages each queue of Postfix holds; V(null) when it cannot be read or counted within a second.
  returned: when O(gather) has V(queue)
  type: dict
  sample: {active: 0, incoming: 0, deferred: 2, hold: 0, maildrop: 0}
accounts:
  description:
    - Whether the host has an account for each name in O(accounts). A name is missing when the name service did not answer in time.
  returned: when O(gather) has V(accounts)
  type: dict
  sample: {alice: true, nobody-here: false}
aliases:
  description: The names in the host's own C(/etc/aliases), each with the text to the right of it.
  returned: when O(gather) has V(aliases)
  type: dict
  sample: {postmaster: root}
listeners:
  description: The TCP ports that are listened on, and the process that does.
  returned: when O(gather) has V(listeners)
  type: list
  elements: dict
  sample: [{address: 0.0.0.0, port: 25, process: master}]
other_mail_servers:
  description:
    - The mail servers beside Postfix that are installed (where mail servers may be installed side by side, those in use),
      and former ones from which M(postroom.mail.mail_takeover) took over, as long as their queue is not empty.
  returned: when O(gather) has V(other_mail_servers)
  type: list
  elements: dict
  contains:
    name: {description: "The name of the mail server, or of its package where nothing else is known of it.", type: str, sample: exim}
    summary:
      description: All of this in words.
      type: str
      sample: exim (exim4-daemon-light) runs and listens on port 25, 3 mails wait in its queue (/var/spool/exim4/input)
    packages: {description: "Its installed packages.", type: list, elements: str, sample: [exim4-daemon-light, exim4-base, exim4-config]}
    installed: {description: Whether it still is in Postfix's place., type: bool}
    running: {description: Whether it runs., type: bool}
    enabled: {description: Whether it is started at boot., type: bool}
    listens: {description: Whether it listens on port 25., type: bool}
    services:
      description: Its services, and whether each runs and is started at boot.
      type: dict
      sample: {exim4: {running: true, enabled: true}}
    processes: {description: The names of its processes., type: list, elements: str, sample: [exim4, exim]}
    queue:
      description: The number of mails in its queue; V(null) when they cannot be counted within a second, or at all.
      type: int
      sample: 3
    held: {description: "How many more it held back (frozen, quarantined).", type: int, sample: 0}
    spool: {description: The directories of its queue., type: list, elements: str, sample: [/var/spool/exim4/input]}
    aliases:
      description: The alias files that it may read, the one that it asks first at the front.
      type: list
      elements: str
      sample: [/etc/aliases]
policy:
  description:
    - The mail that the host accepts and forwards, and the clients with these rights, by its effective configuration and its listeners.
      C(docs/policy.md) explains it, P(postroom.mail.policy_page#filter) makes a page of text from it.
    - Only RV(policy.installed) and RV(policy.config_error) are there when Postfix is not installed or cannot read its configuration.
  returned: when O(gather) has V(policy)
  type: dict
  contains:
    installed: {description: Whether C(postconf) is there., type: bool}
    config_error: {description: "The mistake in the configuration files, V(null) when they can be parsed.", type: str}
    hostname: {description: "C(myhostname).", type: str, sample: mail.example.org}
    version: {description: The version of Postfix., type: str, sample: 3.10.13}
    listeners:
      description:
        - The services that take mail from clients, the addresses on which they really listen, TLS (V(none), V(offered), V(required),
          V(implicit)), AUTH (V(never), V(over TLS), V(in clear)), and the fate of mail from V(strangers), from V(networks)
          (C(mynetworks)) and from V(authenticated) clients to the V(own) domains, to V(relay) domains, and V(elsewhere).
      type: list
      elements: dict
      sample: [{port: 25, tls: offered, auth: never, strangers: {own: accepted, relay: accepted, elsewhere: refused}}]
    final: {description: "The domains with mail that ends here, by V(local), V(virtual_alias) and V(virtual_mailbox).", type: dict}
    forwarded: {description: "The mail taken in for C(relay_domains), the routes in C(transport_maps), and the default.", type: dict}
    clients: {description: "The clients that may send to other domains, and on which ports.", type: dict}
    smarthost: {description: "The host that takes all mail for other domains, V(null) when there is none.", type: dict}
    order: {description: "The lookups of Postfix for an incoming recipient, in its order.", type: list, elements: dict}
    findings:
      description: Facts that an administrator should know without asking, the gravest (V(danger), V(warning), V(note)) first.
      type: list
      elements: dict
      sample: [{level: danger, say: "Every network may relay on port 25: mynetworks has 0.0.0.0/0."}]
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_info import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
