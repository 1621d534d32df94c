# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name the plugins of which no unit test runs a line, by the measurement that COVERAGE_FILE holds."""

from __future__ import annotations

import os
import sys
import typing as t

import coverage


def untested(measured: coverage.Coverage) -> t.Iterator[str]:
    for path in sorted(measured.get_data().measured_files()):
        _path, statements, _excluded, missing, _ranges = measured.analysis2(path)
        if statements and statements == missing:
            yield os.path.relpath(path)


def main() -> None:
    measured = coverage.Coverage(config_file=sys.argv[1])
    measured.load()
    found = list(untested(measured))
    if found or not measured.get_data().measured_files():
        sys.exit("\n".join(["No unit test runs anything of these files; write one:", *found]))
    print("Each file has a unit test.")


if __name__ == "__main__":
    main()
