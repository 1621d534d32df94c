#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postmap
short_description: Keep Postfix lookup tables, their sources and their compiled forms
version_added: 0.1.0
description:
  - Writes the source of a lookup table and compiles it with C(postmap) or C(postalias), or does so for many tables in one call.
  - The module first compiles a candidate, or opens it for a query, in a private directory. If Postfix finds an error in it, the live
    table stays as it was. Source and compiled form are renamed into place, so that no daemon ever reads half a table.
  - A compiled form that is missing, older than its source or of another type is built again. A table that is right already
    costs no command and keeps its inodes. The module keeps compiled forms of further types beside the source in step with it.
  - Running daemons notice by themselves that a compiled table was replaced. RV(reload_required) is V(true) when they need a reload.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - Where Postfix is installed the candidate is compiled in check mode, too, in a temporary directory.
      - Where Postfix is not installed yet, a table without O(type) is taken to be of type V(hash), and RV(type_known) is V(false).
  diff_mode:
    support: full
    details:
      - The content of a secret table is not shown, nor that of one larger than 200,000 characters.
  idempotent:
    support: full
options:
  path:
    description:
      - The source of the table, as for example V(/etc/postfix/virtual).
    type: path
  type:
    description:
      - The type of the table, for example V(hash), V(lmdb), V(cdb), V(pcre), V(regexp), V(cidr), V(texthash), V(mysql), V(pgsql),
        V(ldap) or V(sqlite).
      - If not given, it is the output of C(postconf -h default_database_type) on the host.
    type: str
  format:
    description:
      - V(table) is a key, white space and its value, as in postmap(1).
      - V(aliases) is a name, a colon and its targets, as in aliases(5), and is compiled with C(postalias).
    type: str
    choices: [table, aliases]
    default: table
  entries:
    description:
      - The entries, a dictionary of key and value, or a list of dictionaries with V(key) (or V(pattern)) and V(value).
      - Ordered tables (V(pcre), V(regexp), V(cidr)) are looked up from top to bottom in the order given; the lines C(if /pattern/)
        and C(endif) have no value.
      - A value may be a list; its items are joined by a comma. In aliases, items with spaces, C(|command) and the like are put in quotes
        where aliases(5) wants them. A value of V(null) means that the key must not be in the table.
      - A key that stands twice is an error. Case does not count, save in ordered tables.
    type: raw
  content:
    description:
      - The whole source as text.
    type: str
  src:
    description:
      - A file on the host with the text for the source; the way for large tables.
      - Without this, O(entries), O(content) and O(parameters), the source is left as it is, and only its compiled form is kept.
    type: path
  parameters:
    description:
      - The client configuration of a table on a server (types V(mysql), V(pgsql), V(ldap), V(sqlite), V(memcache) and
        V(mongodb)), a dictionary of parameter and value. Lists are joined by a comma; booleans are written V(yes) and V(no).
    type: dict
  exclusive:
    description:
      - If V(true), the table has the given entries or parameters and no others.
      - If V(false), the module sets them in the present source; other entries and comments stay.
    type: bool
    default: true
  secret:
    description:
      - Whether the table holds passwords, as C(smtp_sasl_password_maps) does. Source and compiled form are then readable for root only,
        and no content is shown in output or diff.
      - The default is V(true) for tables with O(parameters), which the group C(postfix) may read, because C(proxymap) must, and for
        those with O(file_contents).
    type: bool
  file_contents:
    description:
      - Whether the values are names of files, and lookups must answer with the contents of these files, as C(tls_server_sni_maps) requires
        of a compiled table. The table is compiled with C(postmap -F), and built again when one of the files changed.
      - O(secret) is V(true) by default then, for a private key will be among them.
    type: bool
    default: false
  owner:
    description:
      - The owner of the files. The compiled form always has owner, group and mode of its source.
      - The default is V(root) for secret tables. Otherwise the present owner stays, and a new table is root's.
    type: str
  group:
    description:
      - The group of the files. The default is V(postfix) for tables with O(parameters) and V(root) for other secret tables.
    type: str
  mode:
    description:
      - The mode of the files, in octal digits with a leading zero. The default is V(0640) for tables with O(parameters) and V(0600)
        for other secret tables.
        Otherwise the present mode stays, and a new table gets V(0644).
    type: str
  state:
    description:
      - V(absent) removes the source and every compiled form.
    type: str
    choices: [present, absent]
    default: present
  tables:
    description:
      - Many tables in one call. Every candidate is checked before the first table is put in place.
    type: list
    elements: dict
    suboptions:
      path:
        description: See O(path).
        type: path
        required: true
      type:
        description: See O(type).
        type: str
      format:
        description: See O(format).
        type: str
        choices: [table, aliases]
        default: table
      entries:
        description: See O(entries).
        type: raw
      content:
        description: See O(content).
        type: str
      src:
        description: See O(src).
        type: path
      parameters:
        description: See O(parameters).
        type: dict
      exclusive:
        description: See O(exclusive).
        type: bool
        default: true
      secret:
        description: See O(secret).
        type: bool
      file_contents:
        description: See O(file_contents).
        type: bool
        default: false
      owner:
        description: See O(owner).
        type: str
      group:
        description: See O(group).
        type: str
      mode:
        description: See O(mode).
        type: str
      state:
        description: See O(state).
        type: str
        choices: [present, absent]
        default: present
  config_directory:
    description:
      - The configuration directory of the Postfix instance to use.
    type: path
    default: /etc/postfix
  backup:
    description:
      - Keep a copy of each source that is changed, under its name with the time appended.
    type: bool
    default: false
seealso:
  - module: postroom.mail.postfix_config
"""

EXAMPLES = r"""
---
- name: Virtual aliases in the host's own type of table
  postroom.mail.postmap:
    path: /etc/postfix/virtual
    entries:
      sales@example.org: [alice, bob]
      "@example.net": "@example.org"
  register: virtual

- name: Name the table in main.cf
  postroom.mail.postfix_config:
    parameters:
      virtual_alias_maps: "{{ virtual.table }}"

- name: System aliases, beside those that are there
  postroom.mail.postmap:
    path: /etc/aliases
    format: aliases
    exclusive: false
    entries:
      root: alice
      wizards: [root, alice]
      list: "|/usr/local/bin/list-post --name 'all hands'"

- name: Several tables in one call, one of them with passwords
  postroom.mail.postmap:
    tables:
      - path: /etc/postfix/header_checks
        type: pcre
        entries:
          - {pattern: "/^Subject: .*lottery/i", value: "REJECT We do not play"}
      - path: /etc/postfix/sasl_passwd
        secret: true
        entries:
          "[smtp.example.com]:587": "me:{{ vault_relay_password }}"

- name: Mailboxes in a database
  postroom.mail.postmap:
    path: /etc/postfix/mysql-mailboxes.cf
    type: mysql
    parameters:
      hosts: unix:/run/mysqld/mysqld.sock
      user: postfix
      password: "{{ vault_database_password }}"
      dbname: mail
      query: SELECT maildir FROM mailbox WHERE address = '%s'

- name: A certificate for each name that clients ask for, the key first
  postroom.mail.postmap:
    path: /etc/postfix/sni
    file_contents: true
    entries:
      mail.example.net: [/etc/ssl/private/example.net.key, /etc/ssl/certs/example.net.pem]

- name: A table of a million entries, made by another program
  postroom.mail.postmap:
    path: /etc/postfix/relay_recipients
    src: /srv/export/recipients

- name: No table
  postroom.mail.postmap:
    path: /etc/postfix/generic
    state: absent
"""

RETURN = r"""
table:
  description: The name of the table as main.cf wants it, when one table was given by O(path).
  type: str
  returned: success, when O(path) is given
  sample: hash:/etc/postfix/virtual
tables:
  description: The result for each table, in the order given.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The source.
      type: str
      sample: /etc/postfix/virtual
    type:
      description: The type; empty for a table that is absent and has no O(type).
      type: str
      sample: hash
    table:
      description: The name of the table as main.cf wants it.
      type: str
      sample: hash:/etc/postfix/virtual
    changed:
      description: Whether anything changed.
      type: bool
    rebuilt:
      description: Whether a compiled form was built.
      type: bool
    reload_required:
      description: Whether running daemons serve the new content only after a reload.
      type: bool
    backup_file:
      description: The copy of the former source.
      type: str
      returned: when O(backup) is V(true) and the source changed
reload_required:
  description:
    - Whether any of the tables needs C(postfix reload) for its new content to be served.
    - A compiled table only does when there was none, or none that could be opened. A daemon that asked it meanwhile would
      call it unavailable until then.
  type: bool
  returned: success
type_known:
  description: Whether the default type could be asked of the host. V(false) in check mode without Postfix.
  type: bool
  returned: success
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.postmap import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
