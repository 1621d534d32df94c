#!/usr/bin/python

# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_filter
short_description: Keep the rules that sort mail on arrival, for Sieve and procmail
version_added: 0.1.0
description:
  - Writes all rules of a host, those of the site and those of each user, for Dovecot's Sieve or for procmail. The same rules serve both,
    so that going from one to the other is a change of O(engine).
  - A rule that only the other engine can follow is an error that names that engine.
  - The module tries the rules before they are live. It changes nothing if a Sieve script does not compile, procmail does not understand
    a regular expression, a program is missing or a sample message would go elsewhere than expected.
  - Sieve scripts are written to C(/etc/dovecot/sieve), C(before.sieve) and C(after.sieve) for all users and C(users/NAME.sieve) for one
    user, and compiled there. A user's own script, C(~/.dovecot.sieve), is not touched, and runs after the rules for that user.
  - procmail's recipes are in C(/etc/procmailrc) and in the C(~/.procmailrc) of each user with rules. Other users keep their files.
  - The module does not configure Postfix or Dovecot for the engines; the roles do.
author: "The postroom.mail contributors (@postroom)"
extends_documentation_fragment:
  - postroom.mail._attributes
attributes:
  check_mode:
    support: full
    details:
      - Rules and samples are tried in check mode, too, as far as the engines are installed.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  engine:
    description:
      - The engine that sorts the mail of each user without another engine in O(users).
    type: str
    choices: [sieve, procmail]
    default: sieve
  rules:
    description:
      - The rules of the site, which all mail goes through first, in their order. See the notes for the parts of a rule.
    type: list
    elements: dict
    default: []
  rules_after:
    description:
      - Rules for mail that no rule of its user has put away. Sieve only.
    type: list
    elements: dict
    default: []
  users:
    description:
      - Users with rules of their own, or with another engine than the others.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - A system account, or the address of a virtual mailbox. For the latter there is Sieve only.
        type: str
        required: true
      engine:
        description:
          - The engine that sorts the mail of this user; O(engine) if this is not given.
        type: str
        choices: [sieve, procmail]
      rules:
        description:
          - The user's rules, in their order.
        type: list
        elements: dict
        default: []
      script:
        description:
          - A whole Sieve script instead of rules.
        type: str
      variables:
        description:
          - Variables of procmail that are set before the rules, such as C(LOGFILE), C(VERBOSE) or C(UMASK); C($HOME) and the like may
            stand in them.
        type: dict
        default: {}
  samples:
    description:
      - Messages that the module tries with the rules at each run, before it writes anything. They go nowhere, but programs of procmail's
        conditions and filters do run, as the user.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name of the sample in messages and in the result.
        type: str
      user:
        description:
          - The user with the rules to try, after those of the site.
        type: str
        required: true
      mail:
        description:
          - The message with its headers.
        type: str
        required: true
      sender:
        description:
          - The address in the envelope.
        type: str
        default: sender@elsewhere.example
      expect:
        description:
          - The expected result; the module fails if the rules give another one. Keys that are not mentioned may have any value.
          - C(folder), C(forward), C(flag) and C(pipe) are a text or a list; C(discard), C(reject) and C(vacation) are V(true) or V(false).
        type: dict
        default: {}
  domain:
    description:
      - The domain of system accounts, for the header C(X-Loop) by which procmail's rules know a mail that they forwarded before, and for
        the sender of answers.
    type: str
    required: true
  mail_location:
    description:
      - The location of a user's mail, in the form of Dovecot 2.3 (driver:path:OPTION=value). procmail writes into V(maildir) and V(mbox).
    type: str
    default: maildir:~/Maildir
  virtual_account:
    description:
      - The system account that virtual mailboxes belong to; only this account and root can read their scripts.
      - Required if O(users) has a virtual mailbox with rules.
    type: str
  replace:
    description:
      - Replace files of another source. The module keeps a copy beside each.
    type: bool
    default: false
notes:
  - A rule has C(match), a list of conditions that must all be true, or C(match_any), a list of which one is enough. Without any it
    matches every mail.
  - The action on the mail is one of C(folder) (as mail programs show it), C(forward) (addresses), C(discard), C(reject) (a text, Sieve
    only), C(pipe) (a command, procmail only) and C(rules) (more rules, for mail that matches). With C(copy) the mail goes on
    to the next rule as well; without it, it ends there.
  - C(flag) is a list of IMAP flags such as C(\Flagged), and C(vacation) a text, or C(text), C(subject), C(addresses) and C(days), for
    one answer to each sender.
  - A condition looks at C(header), C(address), C(envelope) (Sieve only), C(body) (V(raw), and V(text) for Sieve), C(larger) or
    C(smaller). Texts are compared with C(is), C(contains), C(matches) (C(*) and C(?)) or C(regex), without regard to case; a list holds
    alternatives. C(exists) asks whether a header is there, C(part) takes the C(localpart) or the C(domain) of an address, and C(not)
    turns a condition round.
  - procmail's own are C(regexp) (on the whole header, or with C(variable) on that), C(program) (its exit code), C(recipe_flags) and
    C(lock), with the meaning of procmailrc(5).
  - For a condition on a part of an address Sieve reads the address; procmail, which knows regular expressions only, reads the
    header.
seealso:
  - module: postroom.mail.mail_probe
  - name: procmailrc(5)
    description: The recipes of procmail.
    link: https://manpages.debian.org/stable/procmail/procmailrc.5.en.html
  - name: RFC 5228
    description: Sieve, a language for filtering mail.
    link: https://www.rfc-editor.org/rfc/rfc5228
"""

EXAMPLES = r"""
---
- name: Sort mail by Sieve, for the site and for alice
  postroom.mail.mail_filter:
    domain: example.org
    rules:
      - name: spam
        match: [{header: X-Spam-Flag, is: "yes"}]
        folder: Junk
    users:
      - name: alice
        rules:
          - name: lists
            match: [{header: List-Id, contains: postfix-users}]
            folder: Lists.postfix
          - name: the boss
            match: [{address: from, is: boss@example.org}]
            flag: [\Flagged]
          - name: a copy for the phone
            match: [{smaller: 100K}]
            forward: alice@phone.example
            copy: true
    samples:
      - name: a mail of the list
        user: alice
        mail: |
          From: bob@elsewhere.example
          List-Id: Postfix users <postfix-users.example.net>
          Subject: hello

          How do you do?
        expect: {folder: Lists.postfix}

- name: The recipes of bob
  postroom.mail.mail_filter:
    domain: example.org
    users:
      - name: bob
        engine: procmail
        variables: {LOGFILE: $HOME/procmail.log}
        rules:
          - name: check for spam
            match: [{smaller: 256K}]
            recipe_flags: fw
            pipe: /usr/bin/bogofilter -uep
          - name: spam
            match: [{regexp: "^X-Bogosity: Spam"}]
            folder: Junk
"""

RETURN = r"""
skipped_users:
  description:
    - The users with homes in which the module could not work, for example because a file there is not the collection's, is no
      plain file or is locked. A warning names each with the file and the reason. Their mail is sorted as before; all other users are
      served.
  returned: success
  type: list
  elements: str
  sample: [mallory]
paths:
  description: The files that were written or removed.
  type: list
  elements: str
  returned: success
  sample: [/etc/dovecot/sieve/users/alice.sieve]
samples:
  description: The result of the rules for each sample.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The sample's name.
      type: str
      returned: always
    user:
      description: The user with the tried rules.
      type: str
      returned: always
    engine:
      description: The engine that tried the rules.
      type: str
      returned: always
    summary:
      description: All of it in a line.
      type: str
      returned: always
      sample: "a mail of the list (alice, sieve): folder Lists.postfix"
    folder:
      description: The folders that it would be put into; C(INBOX) if nothing else becomes of it.
      type: list
      elements: str
      returned: always
    forward:
      description: The addresses that it would be forwarded to.
      type: list
      elements: str
      returned: always
    flag:
      description: The flags that it would have.
      type: list
      elements: str
      returned: always
    pipe:
      description: The commands that it would be given to.
      type: list
      elements: str
      returned: always
    discard:
      description: Whether it would be thrown away.
      type: bool
      returned: always
    reject:
      description: Whether it would be refused.
      type: bool
      returned: always
    vacation:
      description: Whether its sender would be answered, if this were the first mail from there.
      type: bool
      returned: always
"""

from ansible_collections.postroom.mail.plugins.module_utils._core.door import serve
from ansible_collections.postroom.mail.plugins.module_utils._modules.mail_filter import DOOR


def main() -> None:
    serve(DOOR)


if __name__ == "__main__":
    main()
