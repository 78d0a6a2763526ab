"""The program: one parser, one command, one exit code."""

from __future__ import annotations

from collections.abc import Sequence

from chokepoint.cli import _compare, _leverage, _plan, _report, _simulate, _validate
from chokepoint.cli._options import Parser
from chokepoint.cli._text import complain
from chokepoint.errors import ChokepointError, TableError

__all__ = ["main"]

_COMMANDS = (_report, _simulate, _leverage, _plan, _compare, _validate)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the program; None = those of the process.

    Returns
    -------
    int
        0 done, 2 the input is wrong or something is missing, 130 interrupted.

    Examples
    --------
    >>> main(["validate", "no_such_folder"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        return code
    except TableError as error:
        complain(str(error))  # one message that collects every problem, a line each
    except ChokepointError as error:
        complain(f"chokepoint: {' '.join(str(error).split())}")
    except OSError as error:
        complain(f"chokepoint: {error.strerror or error}: {error.filename or ''}".rstrip(": "))
    except KeyboardInterrupt:
        complain("chokepoint: interrupted; no file was changed")
        return 130
    return 2


def _parser() -> Parser:
    from chokepoint import __version__

    parser = Parser(
        prog="chokepoint",
        description="Supply chains as graphs: what a disruption costs, who gains leverage from "
        "it, and what can be done about it.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"chokepoint {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser
