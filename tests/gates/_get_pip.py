# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install pip into an environment that has none, from the wheel that lies beside this file.

ansible-test would fetch a script for that from its makers' server. The gate `sanity` lays this file where
ansible-test keeps the fetched one, so that PyPI, or the index that stands for it here, is all the gate needs.
"""

from __future__ import annotations

import pathlib
import sys

WHEEL = next(pathlib.Path(__file__).resolve().parent.glob("pip-*.whl"))
sys.path.insert(0, str(WHEEL))

from pip._internal.cli.main import main

NOT_PIPS = {"--no-setuptools", "--no-wheel"}
sys.exit(main(["install", "--upgrade", *(argument for argument in sys.argv[1:] if argument not in NOT_PIPS)]))
