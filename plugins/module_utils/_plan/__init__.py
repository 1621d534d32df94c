# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans of the roles: from their variables and the facts of the host to the wishes of each, by pure functions.

Private to the collection, and free to change at any time.
"""
