"""Fixtures of the tests of the command line."""

from __future__ import annotations

from cli._small import command, folder

__all__ = ["command", "folder"]
