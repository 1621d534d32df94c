# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import conf
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import edit as editor
from hypothesis import example, given
from hypothesis import strategies as st

AUTH = """\
## Authentication

# What is allowed.
#disable_plaintext_auth = yes

auth_mechanisms = plain   # the default

service auth {
  # Postfix asks here.
  unix_listener /private/auth {
    #mode = 0666
  }
  user = $default_internal_user \\
    # nothing
}
!include auth-system.conf.ext
"""


def edited(text, settings):
    return editor.edit(text, conf.wanted_from(settings))


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        pytest.param("a = 1\n", {"a": 1}, "a = 1\n", id="already so"),
        pytest.param('a = "1"\n', {"a": 1}, 'a = "1"\n', id="already so, otherwise written"),
        pytest.param("a = 1\n", {"a": 2}, "a = 2\n", id="changed"),
        pytest.param("  a  =1 # one\n", {"a": 2}, "  a  =2 # one\n", id="indentation, spacing and comment stay"),
        pytest.param("a=\n", {"a": 2}, "a=2\n", id="from empty, tight"),
        pytest.param("a =\n", {"a": 2}, "a = 2\n", id="from empty"),
        pytest.param("a = 1\n", {"a": ""}, "a =\n", id="to empty"),
        pytest.param("a = 1 \\\n  2\nb = 3\n", {"a": 4}, "a = 4\nb = 3\n", id="continuation lines go"),
        pytest.param("a = 1 \\\n  2 # c\n", {"a": 4}, "a = 4 # c\n", id="the comment behind a continuation stays"),
        pytest.param("a = 1\r\nb = 2\r\n", {"a": 3}, "a = 3\r\nb = 2\r\n", id="line ends of Windows"),
        pytest.param("a = 1\na = 2\n", {"a": 3}, "a = 1\na = 3\n", id="the last one counts"),
        pytest.param("a = 1\na = 2\nb = 3\n", {"a": None}, "b = 3\n", id="all go, or an earlier one would count again"),
        pytest.param("a = 1", {"b": 2}, "a = 1\nb = 2\n", id="no line end at the end"),
        pytest.param("a = 1 \\\n", {"b": 2}, "a = 1 \\\n\nb = 2\n", id="a continuation that never comes"),
        pytest.param("a = 1\r", {"b": 2}, "a = 1\r\nb = 2\n", id="half a line end of Windows at the end"),
        pytest.param("a = 1\r", {"a": 2}, "a = 2\r", id="changed, with half a line end"),
        pytest.param("a = 1\r\r\n", {"a": 2}, "a = 2\r\n", id="a carriage return of its own belongs to the value"),
        pytest.param("", {"b": 2}, "b = 2\n", id="empty file"),
        pytest.param("#a = 1\n# a = 2\nb = 3\n", {"a": 5}, "#a = 1\na = 5\n# a = 2\nb = 3\n", id="below its example"),
        pytest.param("#a = 1\n#a = 2\nb = 3\n", {"a": 5}, "#a = 1\n#a = 2\na = 5\nb = 3\n", id="below its last example"),
        pytest.param("s x {\n  a = 1\n}\n", {"s x": {"a": 2}}, "s x {\n  a = 2\n}\n", id="in a block"),
        pytest.param("s x {\n}\n", {"s x": {"a": 2}}, "s x {\n  a = 2\n}\n", id="into a block"),
        pytest.param("s x {\n}\n", {"s x": {"!include_try": "f"}}, "s x {\n  !include_try f\n}\n", id="a file into a block"),
        pytest.param(
            "s x {\n!include_try f\n}\n", {"s x": {"!include_try": "f"}}, "s x {\n!include_try f\n}\n", id="a file is included once"
        ),
        pytest.param('s "x" {\n}\n', {"s x": {"a": 2}}, 's "x" {\n  a = 2\n}\n', id="quotes do not matter"),
        pytest.param("s x {\n}\n", {'s "x"': {"a": 2}}, "s x {\n  a = 2\n}\n", id="quotes do not matter in the name either"),
        pytest.param("b = 1\n", {"s x": {"l y": {"a": 2}}}, "b = 1\ns x {\n  l y {\n    a = 2\n  }\n}\n", id="a new block"),
        pytest.param(
            "s x {\n  a = 1\n}\ns x {\n  b = 2\n}\n", {"s x": {"a": 3}}, "s x {\n  a = 3\n}\ns x {\n  b = 2\n}\n", id="repeated blocks"
        ),
        pytest.param("s x {\n  a = 1\n}\nc = 2\n", {"s x": None}, "c = 2\n", id="a block goes"),
        pytest.param("s x {\n  l y {\n  }\n  a = 1\n}\n", {"s x": {"l y": None}}, "s x {\n  a = 1\n}\n", id="a block inside goes"),
        pytest.param("s x {\n}\n", {"s y": None, "t": None}, "s x {\n}\n", id="nothing to remove"),
        pytest.param(
            "# v\na = 1\n", {"dovecot_config_version": "2.4.0"}, "# v\ndovecot_config_version = 2.4.0\na = 1\n", id="version first"
        ),
        pytest.param(
            "dovecot_config_version = 2.4.0\na = 1\n",
            {"dovecot_storage_version": "2.4.0"},
            "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\na = 1\n",
            id="storage version second",
        ),
        pytest.param(
            "passdb {\n  driver = pam\n}\n", {"passdb": {"driver": "pam"}}, "passdb {\n  driver = pam\n}\n", id="one database, as it is"
        ),
        pytest.param(
            "passdb {\n  # shadow\n  driver = pam\n  args = x\n}\nb = 1\n",
            {"passdb": [{"driver": "pam"}, {"driver": "passwd"}]},
            "passdb {\n  # shadow\n  driver = pam\n}\npassdb {\n  driver = passwd\n}\nb = 1\n",
            id="databases are exactly those",
        ),
        pytest.param(
            "passdb {\n  driver = a\n}\npassdb {\n  driver = b\n}\n",
            {"passdb": [{"driver": "c"}]},
            "passdb {\n  driver = c\n}\n",
            id="surplus goes",
        ),
        pytest.param("passdb {\n  driver = a\n}\nb = 1\n", {"passdb": None}, "b = 1\n", id="all databases go"),
    ],
)
def test_edits(text, settings, expected):
    assert edited(text, settings) == expected
    assert edited(expected, settings) == expected


def test_a_real_file_keeps_everything_else():
    after = edited(
        AUTH,
        {
            "disable_plaintext_auth": False,
            "auth_mechanisms": ["plain", "login"],
            "service auth": {"unix_listener /private/auth": {"mode": "0660"}},
        },
    )
    added = [line for line in after.splitlines() if line not in AUTH.splitlines()]
    assert added == ["disable_plaintext_auth = no", "auth_mechanisms = plain login   # the default", "    mode = 0660"]
    assert [line for line in AUTH.splitlines() if line not in after.splitlines()] == ["auth_mechanisms = plain   # the default"]


def test_nothing_is_edited_behind_a_brace_that_is_missing():
    with pytest.raises(conf.BadSetting, match="'service auth' is opened but never closed"):
        edited("service auth {\na = 1\n", {"b": 2})


# Any text, cut so that no block is left open; what Dovecot would refuse otherwise stays in.
PIECES = ["s x {\n", "}\n", "a = 1\n", "a=2 # c\n", "#a = 3\n", "b = 4 \\\n", " x\n", '"', "'", "#", "\n", "garbage\n", "passdb {\n"]
some_text = st.lists(st.sampled_from(PIECES) | st.text(st.characters(blacklist_characters="{}"), max_size=4), max_size=20).map("".join)
closed_text = some_text.filter(lambda text: all(not isinstance(node, conf.Block) or node.tail for node in conf.parse(text)))


@given(closed_text, st.sampled_from(["1", "it is # so", "\\", "$x", ""]))
@example("0=\r", "1")
def test_setting_one_value_changes_nothing_else(text, value):
    before = conf.flatten(conf.parse(text))
    after = conf.flatten(conf.parse(edited(text, {"a": value})))
    assert after.pop(("a",)) == conf.meaning(conf.written(value))
    before.pop(("a",), None)
    assert after == before


@given(closed_text)
def test_setting_a_value_in_a_block_changes_nothing_else(text):
    before = conf.flatten(conf.parse(text))
    after = conf.flatten(conf.parse(edited(text, {"s x": {"a": "new"}})))
    assert after.pop(("s x", "a")) == ("new", False)
    before.pop(("s x", "a"), None)
    before[("s x", "")] = ("", False)
    assert after == before


@given(closed_text)
def test_removing_a_setting_leaves_all_other_lines(text):
    after = edited(text, {"a": None})
    assert ("a",) not in conf.flatten(conf.parse(after))
    kept = [node for node in conf.parse(text) if not (isinstance(node, conf.Line) and node.kind == "setting" and node.key == "a")]
    assert after == conf.render(kept)


@given(closed_text)
def test_an_edit_made_twice_is_made_once(text):
    settings = {"a": "1", "s x": {"b": "2", "l y": {"c": "3"}}, "passdb": [{"driver": "pam"}]}
    once = edited(text, settings)
    assert edited(once, settings) == once
