"""What a timing must say about the machine beyond what pytest-benchmark notes."""

from __future__ import annotations

import os

import pytest

# Before the run, which is work too.
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config, machine_info):  # noqa: ARG001  (hook)
    """Note how busy the machine was: timings under load are upper ends."""
    machine_info["load"] = LOAD
