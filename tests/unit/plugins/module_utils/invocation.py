# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument that lets a module show its options in its result, which an ansible-core from 2.21 on leaves out without it."""

from __future__ import annotations

from ansible.module_utils.common.parameters import PASS_VARS

SHOWN = {f"_ansible_{name}": True for name in PASS_VARS if name == "inject_invocation"}
