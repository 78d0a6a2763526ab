"""The command line: chokepoint report, simulate, leverage, plan, compare and validate.

Results go to files and the standard output, progress and errors to the error stream. Exit codes:
0 done, 2 the input is wrong or something is missing, 130 interrupted.
"""

from __future__ import annotations

from chokepoint.cli._main import main

__all__ = ["main"]
