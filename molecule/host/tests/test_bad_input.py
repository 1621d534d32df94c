# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong value is one clear sentence before anything is written, and the hosts go on serving."""

from __future__ import annotations

import re

import pytest
from harness import FILES, play

# What is not as the roles promise: all of it is told at once, before a filter sees it.
NOT_PROMISED = {
    "mail_aliases": {"info@{{ mail_domain }}": "alice"},
    "mail_networks": {"10.1.0.0/16": True},
    "mail_virtual_domains": None,
    "mail_protocols": "imaps",
    "postfix_inet_protocols": "ipv4, ipv5",
    "postfix_submission": "no",
    "postfix_parameters": {"relayhost": "{{ typo }}"},
    "postfix_services": [{"name": "smtps", "command": "smtpd", "colour": "red"}],
    "relay_policy_domains": [{"name": "x.example", "recipients": "ann"}],
    "dovecot_login_processes": {"process_limit": "many"},
}
NOT_PROMISED_WORDS = [
    "mail_aliases has the key 'info@{{ mail_domain }}'",
    "mail_networks is a dictionary, and must be a list",
    "mail_virtual_domains is empty",
    "mail_protocols is text, and must be a list",
    "postfix_inet_protocols[1] must be one of all, ipv4, ipv6; it is 'ipv5'",
    "postfix_submission is text, and must be true or false",
    "postfix_parameters cannot be worked out: 'typo' is undefined",
    "postfix_services[0] has 'colour'",
    "postfix_services[0] has no type",
    "relay_policy_domains[0].recipients is text, and must be a list",
    "dovecot_login_processes.process_limit is text, and must be a whole number",
]
# What no file of Postfix can hold, and keys that it would never look up, with the ones that were meant.
NOT_LOOKED_UP = {
    "mail_virtual_aliases": {"*@v.example": "bob"},
    "mail_virtual_domains": [".s.example", "*.t.example"],
    "mail_virtual_users": [],
    "postfix_client_access": {"198.18.77.0/24": "REJECT"},
    "postfix_sender_access": {"@spam.example": "REJECT"},
    "postfix_parameters": {"relayhost": "a\nb"},
    "postfix_services": [{"name": "filter", "type": "unix", "command": "pipe flags=Rq"}],
    "relay_policy_domains": [{"name": "x.example", "recipients": ["*"]}],
}
NOT_LOOKED_UP_WORDS = [
    "write '@v.example'",
    "as in 's.example'",
    "as in 't.example'",
    "write '198.18.77'",
    "write 'spam.example'",
    "The value of relayhost contains a line break",
    "'pipe flags=Rq' cannot be a command",
    "any_recipient: true",
]
BAD = [
    pytest.param({"postfix_parameters": {"smtpd_bannner": "x"}}, ["smtpd_bannner", "smtpd_banner"], id="misspelt parameter"),
    pytest.param(
        {"postfix_parameters": {"smtpd_tls_security_level": "bogus"}}, ["smtpd_tls_security_level", "bogus"], id="bad enumeration"
    ),
    pytest.param({"postfix_parameters": {"message_size_limit": "ten"}}, ["message_size_limit", "ten"], id="bad number"),
    pytest.param({"postfix_parameters": {"biff": "perhaps"}}, ["biff", "perhaps"], id="bad boolean"),
    pytest.param({"postfix_myhostname": ["a.example.org", "b.example.org"]}, ["myhostname"], id="list for one word"),
    pytest.param({"postfix_parameters": {"transport_maps": "lmdb:/etc/postfix/t"}}, ["lmdb", "postfix-lmdb"], id="map type not installed"),
    pytest.param(
        {"mail_tls_certificate": "/etc/ssl/none.pem", "mail_tls_private_key": "/etc/ssl/none.key"}, ["/etc/ssl/none"], id="no certificate"
    ),
    pytest.param({"dovecot_settings": {"imap_no_such_setting": "1"}}, ["imap_no_such_setting"], id="unknown Dovecot setting"),
    pytest.param({"dovecot_passdbs": [{"driver": "nosuch"}]}, ["nosuch"], id="unknown passdb driver"),
    pytest.param({"mail_domain": ""}, ["mail_domain"], id="no domain"),
    pytest.param({"mail_domain": "not a domain"}, ["mail_domain", "not a domain"], id="not a domain"),
    pytest.param({"mail_hostname": "mail"}, ["mail_hostname", "mail"], id="not an FQDN"),
    pytest.param({"mail_virtual_domains": "{{ typo }}"}, ["'typo' is undefined"], id="undefined"),
    pytest.param(NOT_PROMISED, NOT_PROMISED_WORDS, id="not as promised"),
    pytest.param(NOT_LOOKED_UP, NOT_LOOKED_UP_WORDS, id="never looked up"),
    pytest.param({"mail_networks": ["0.0.0.0/0"]}, ["0.0.0.0/0"], id="everybody may relay"),
]


def still_serves(mail, outside):
    return outside.ask("smtp", host=mail.fqdn)["banner"].startswith(mail.fqdn)


@pytest.mark.parametrize(("variables", "words"), BAD)
def test_bad_input_is_one_sentence_and_writes_nothing(mails, outside, variables, words):
    before = {mail: mail.out(FILES) for mail in mails}
    run = play("site", limit="mail", variables=variables)
    assert run.rc != 0, run.output
    assert "Traceback" not in run.output
    for mail in mails:
        said = "\n".join(re.findall(rf"^fatal: \[{mail.name}\]: .*(?:\n .*)*", run.output, re.MULTILINE))
        for word in words:
            assert word in said, run.output[-3000:]
        assert mail.out(FILES) == before[mail]
        assert still_serves(mail, outside)


def test_bad_input_is_refused_by_a_check_too(mails):
    run = play("site", "--check", limit="mail", variables={"postfix_parameters": {"message_size_limit": "ten"}})
    assert run.rc != 0
    for mail in mails:
        assert re.search(rf"^fatal: \[{mail.name}\]: .*(?:\n .*)*message_size_limit", run.output, re.MULTILINE), run.output[-3000:]


def test_a_dovecot_of_somebody_else_is_told_before_postfix_is_changed(mails):
    """Its dovecot.conf has lost the line that says whose it is, and is another file than that of the package."""
    for mail in mails:
        mail.out("cp -a /etc/dovecot/dovecot.conf /root/ && sed -i '/Managed by postroom.mail/d' /etc/dovecot/dovecot.conf")
    try:
        before = [mail.out(FILES) for mail in mails]
        run = play("site", limit="mail", variables={"postfix_parameters": {"bounce_queue_lifetime": "3d"}})
        after = [mail.out(FILES) for mail in mails]
    finally:
        for mail in mails:
            # Dovecot has to read it again, or the next run would have it do so.
            mail.out("cp -a /root/dovecot.conf /etc/dovecot/dovecot.conf && rm /root/dovecot.conf && doveadm reload")
    assert run.rc != 0
    for mail in mails:
        assert re.search(rf"^fatal: \[{mail.name}\]: .*configured by somebody else, in /etc/dovecot/dovecot.conf", run.output, re.MULTILINE)
    assert after == before
