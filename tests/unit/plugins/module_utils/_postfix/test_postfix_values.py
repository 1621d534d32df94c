# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._postfix import values as postfix_values
from ansible_collections.postroom.mail.plugins.module_utils._postfix.kinds import Kind, kind_of

DEFAULTS = {
    "smtpd_helo_required": "no",
    "postscreen_helo_required": "$smtpd_helo_required",
    "append_dot_mydomain": "${{$compatibility_level} <level {1} ? {yes} : {no}}",
    "smtpd_per_request_deadline": "${smtpd_per_record_deadline?{$smtpd_per_record_deadline}:{${stress?{yes}:{no}}}}",
    "message_size_limit": "10240000",
    "smtpd_hard_error_limit": "${stress?{1}:{20}}",
    "foo_destination_recipient_limit": "$default_destination_recipient_limit",
    "default_destination_recipient_limit": "50",
    "smtpd_timeout": "${stress?{10}:{300}}s",
    "max_idle": "100s",
    "compatibility_level": "0",
    "readme_directory": "no",
    "require_home_directory": "no",
    "lmtp_tcp_port": "24",
    "myhostname": "mail.example.org",
    "smtpd_forbid_bare_newline": "no",
    "circle": "$other_circle",
    "other_circle": "$circle",
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("smtpd_helo_required", "boolean"),
        ("postscreen_helo_required", "boolean"),
        ("append_dot_mydomain", "boolean"),
        ("smtpd_per_request_deadline", "boolean"),
        ("require_home_directory", "boolean"),
        ("message_size_limit", "number"),
        ("smtpd_hard_error_limit", "number"),
        ("foo_destination_recipient_limit", "number"),
        ("smtpd_timeout", "time"),
        ("max_idle", "time"),
        # Their defaults look like something else than what they take.
        ("compatibility_level", "word"),
        ("readme_directory", "word"),
        ("lmtp_tcp_port", "word"),
        ("smtpd_forbid_bare_newline", "choice"),
        ("smtpd_tls_security_level", "choice"),
        ("inet_protocols", "choices"),
        ("myhostname", "word"),
        ("smtpd_tls_cert_file", "word"),
        ("mydestination", "list"),
        ("virtual_alias_maps", "list"),
        ("smtpd_recipient_restrictions", "list"),
        ("smtpd_banner", "text"),
        ("mailbox_command", "text"),
        ("circle", "text"),
    ],
)
def test_kind_of(name, kind):
    assert kind_of(name, DEFAULTS).name == kind


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (52428800, "52428800"),
        ("", ""),
        ("  spaces around  ", "spaces around"),
        ("a  b", "a  b"),
        ("x = y", "x = y"),
        ([], ""),
        (["a", 1, True], "a, 1, yes"),
        (["check_client_access hash:/x", "reject"], "check_client_access hash:/x, reject"),
        (["a", ""], "a"),
        ("Grüße", "Grüße"),
    ],
)
def test_render(value, text):
    assert postfix_values.render("name", value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\nb", "line break"),
        ("a\n", "line break"),
        (["a\nb"], "line break"),
        ("a\rb", "control character"),
        ("a\0b", "control character"),
        (3.1, "in quotes"),
        ({"a": 1}, "is a dictionary"),
        ([["a"]], "plain strings"),
        ([None], "plain strings"),
    ],
)
def test_render_refuses(value, message):
    with pytest.raises(postfix_values.BadValue, match=message):
        postfix_values.render("name", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smtpd_helo_required", "Yes"),
        ("message_size_limit", "0"),
        ("message_size_limit", "99999999999"),
        ("postscreen_dnsbl_allowlist_threshold", "-1"),
        ("smtpd_timeout", "60"),
        ("smtpd_timeout", "1h"),
        ("smtpd_tls_security_level", ""),
        ("smtpd_tls_security_level", "may"),
        ("smtp_tls_security_level", "dane-only"),
        ("inet_protocols", "ipv4, ipv6"),
        ("smtpd_tls_protocols", ">=TLSv1.2"),
        ("smtpd_tls_mandatory_protocols", "!SSLv2, !SSLv3:!TLSv1"),
        ("smtpd_tls_loglevel", "1"),
        ("mynetworks", "127.0.0.0/8 [::1]/128, [::ffff:127.0.0.0]/104 192.0.2.1 !10.0.0.1 /etc/postfix/nets hash:/etc/x"),
        ("myhostname", "mail.example.org"),
        ("smtpd_banner", "anything = goes, here"),
        ("postscreen_dnsbl_action", "enforce"),
    ],
)
def test_check_accepts(name, value):
    postfix_values.check(name, value, kind_of(name, {**DEFAULTS, "postscreen_dnsbl_allowlist_threshold": "0"}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("smtpd_helo_required", "True", "takes yes or no, not 'True'"),
        ("smtpd_helo_required", "", "takes yes or no"),
        ("message_size_limit", "ten", "takes a whole number, not 'ten'"),
        ("message_size_limit", "10M", "takes a whole number"),
        ("message_size_limit", "-1", "cannot be negative"),
        ("smtpd_hard_error_limit", "2147483648", "32 bits"),
        ("message_size_limit", str(2**63), "64 bits"),
        ("smtpd_timeout", "10parsec", "takes a time"),
        ("smtpd_timeout", "1h30m", "takes a time"),
        ("smtpd_tls_security_level", "bogus", "it takes none, may, encrypt"),
        ("smtpd_tls_security_level", "dane", "it takes none, may, encrypt"),
        ("smtpd_tls_security_level", "may encrypt", "cannot be 'may encrypt'"),
        ("inet_protocols", "ipv5", "cannot contain 'ipv5'"),
        ("smtpd_tls_protocols", ">=TLS1.2", "cannot contain '>=TLS1.2'"),
        ("myhostname", "a b", "takes one word"),
        ("mynetworks", "['127.0.0.0/8']", "cannot contain"),
        ("mynetworks", "300.1.1.1", "cannot contain '300.1.1.1'"),
        ("mynetworks", "2001:db8::/32", "in brackets"),
        ("mynetworks", "192.0.2.5/24", "did you mean 192.0.2.0/24"),
        ("mynetworks", "[2001:db8::1]/32", r"did you mean \[2001:db8::\]/32"),
    ],
)
def test_check_refuses(name, value, message):
    with pytest.raises(postfix_values.BadValue, match=message):
        postfix_values.check(name, value, kind_of(name, DEFAULTS))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("myhostname", ["a", "b"], "takes one word, not a list"),
        ("smtpd_tls_security_level", ["may"], "not a list"),
        ("smtpd_banner", ["a"], "takes a text, not a list"),
        ("message_size_limit", True, "takes a whole number, not yes"),
        ("mydestination", False, "takes a list of words, not no"),
        ("smtpd_tls_security_level", False, "not no; it takes none, may, encrypt"),
        ("smtpd_helo_required", 1, "takes yes or no, not 1"),
    ],
)
def test_shape_refuses(name, value, message):
    with pytest.raises(postfix_values.BadValue, match=message):
        postfix_values.check_shape(name, value, kind_of(name, DEFAULTS))


@pytest.mark.parametrize(
    ("name", "value"),
    [("readme_directory", False), ("smtpd_forbid_bare_newline", True), ("mydestination", ["a"]), ("smtpd_helo_required", True)],
)
def test_shape_accepts(name, value):
    postfix_values.check_shape(name, value, kind_of(name, DEFAULTS))


@pytest.mark.parametrize(
    ("kind", "present", "wanted", "same"),
    [
        ("list", "a b", "a, b", True),
        ("list", "a,\tb", "a, b", True),
        ("list", "b a", "a, b", False),
        ("list", "a, b", "a", False),
        ("list", "{ a, b }", "{ a b }", False),
        ("text", "a  b", "a b", False),
        ("text", "a, b", "a b", False),
        ("boolean", "YES", "yes", True),
        ("word", "Yes", "yes", False),
    ],
)
def test_same(kind, present, wanted, same):
    assert postfix_values.same(Kind(kind), present, wanted) is same


@pytest.mark.parametrize("name", ["", "a b", "a=b", "$a", "-a", "ä", "a\n"])
def test_names_are_held_to_postfix_syntax(name):
    with pytest.raises(postfix_values.BadParameterName):
        postfix_values.check_name(name)


@pytest.mark.parametrize("name", ["2bounce_notice_recipient", "my-transport_destination_rate_delay", "mua_client_restrictions"])
def test_names_of_postfix_pass(name):
    postfix_values.check_name(name)


def test_nearest_names():
    names = ["smtpd_tls_security_level", "smtp_tls_security_level", "mynetworks"]
    assert postfix_values.nearest("smtpd_tls_securty_level", names).startswith("; did you mean smtpd_tls_security_level or ")
    assert postfix_values.nearest("xyzzy", names) == "."
