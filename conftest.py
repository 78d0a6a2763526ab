"""Settings shared by the tests, the doctests of src and the examples of README and docs."""

from __future__ import annotations

import importlib
import os
import socket

import hypothesis
import numpy as np
import pandas as pd
import pytest

# Pages configuration and notebooks are scripts, not modules with doctests; tests/house runs them.
collect_ignore_glob = ["docs/*.py", "docs/_ext/*", "docs/tutorials/*", "docs/_build/*"]

hypothesis.settings.register_profile("developer", deadline=None)
# The same examples every time. A failure is reported as found, not shrunk for minutes: repeat it
# with EXPLORE=1 in the environment, or with --hypothesis-profile=developer, to have it shrunk.
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
# The same examples for everybody; EXPLORE=1 looks for new ones.
hypothesis.settings.load_profile("developer" if os.environ.get("EXPLORE") else "ci")


@pytest.fixture(autouse=True)
def _names_for_examples(doctest_namespace):
    """Examples may say np, pd and cp without importing them."""
    doctest_namespace.update(np=np, pd=pd, cp=importlib.import_module("chokepoint"))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """A test that reaches beyond this machine fails."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = address[0]
            if host not in {"127.0.0.1", "::1", "localhost"}:
                message = f"a test tried to connect to {host}; tests run without a network"
                raise RuntimeError(message)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
