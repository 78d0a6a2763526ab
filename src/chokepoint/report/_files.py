"""Output files: checked before the work, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from chokepoint.errors import OptionError

__all__ = ["check_writable", "write_all"]


def check_writable(path: str | Path) -> Path:
    """Return the path if a file can be written there; raise OptionError if not."""
    target = Path(path)
    if target.is_dir():
        raise OptionError(f"Expected a file to write to, {target} is a folder. Name a file in it.")
    probe = _part(target)
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OptionError(
            f"Expected a place to write {target.name}, cannot write to the folder "
            f"{target.parent}: {error.strerror}. Name another place."
        ) from error
    return target


def write_all(contents: Mapping[Path, str]) -> None:
    """Write texts to files so that no reader ever sees half a file.

    Everything is written beside the targets first; the targets are replaced after that.
    """
    parts = {target: _part(target) for target in contents}
    try:
        for target, part in parts.items():
            part.write_text(contents[target], "utf-8", newline="\n")
        for target, part in parts.items():
            part.replace(target)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")
