# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.postroom.mail.plugins.plugin_utils._wishes import WishAction


class ActionModule(WishAction):
    """Runs the module, or has its options wait for the change of the host."""
