# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages speak of values as whoever wrote them in YAML does."""

from __future__ import annotations

import re

import pytest
from _house import ROOT, files

PLUGINS = [name for name in files() if name.parts[0] == "plugins" and name.suffix == ".py"]


@pytest.mark.parametrize("name", PLUGINS, ids=str)
def test_no_message_shows_the_class_of_a_value(name):
    # That of an exception, as e, tells which one it is. For values there is yaml_kind().
    assert re.findall(r"type\((?!e\))\w+\)\.__name__", (ROOT / name).read_text()) == []
