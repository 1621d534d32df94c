# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the scenario."""

from __future__ import annotations

import os
import pathlib
import sys

SCENARIO = pathlib.Path(__file__).parents[1]
# Molecule says it too, but pytest serves by itself.
os.environ.setdefault("MOLECULE_SCENARIO_DIRECTORY", str(SCENARIO))
sys.path.insert(0, str(SCENARIO.parent / "shared"))

pytest_plugins = ["mail_hosts"]
