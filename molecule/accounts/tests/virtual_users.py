# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The virtual users of inventory/group_vars/mail.yml, and a way to hear many dialogues at once."""

from __future__ import annotations

CAROL_SHOP = ["carol@shop.example", "carol-shop"]
CAROL_TWO = ["carol@two.example", "carol-two"]
ALICE_SHOP = ["alice@shop.example", "alice-shop"]
DORA = ["dora@shop.example", "dora-shop"]


def together(peer, mail, talks):
    """The answers to many dialogues with *mail*, each (name, arguments)."""
    return peer.ask("together", talks=[[name, {"host": mail.fqdn, **arguments}] for name, arguments in talks])
