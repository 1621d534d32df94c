# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a mail host with the collection that ANSIBLE_COLLECTIONS_PATH leads to, and then once more, with no change."""

from __future__ import annotations

import sys

from _cases import VARIABLES
from _host import Host, Stopped


def main() -> None:
    host = Host(sys.argv[1], VARIABLES)
    try:
        host.play("postroom.mail.site", changed=True)
        host.play("postroom.mail.site", changed=False)
    finally:
        host.remove()
    print("A fresh host became a mail host, and the second run changed nothing.")


if __name__ == "__main__":
    try:
        main()
    except Stopped as e:
        sys.exit(str(e))
