from __future__ import annotations

import pytest

from chokepoint import SupplyChain
from chokepoint.errors import TableError


def test_a_table_that_is_not_utf_8_is_named(tmp_path, full) -> None:
    full.write(tmp_path / "chain")
    file = tmp_path / "chain" / "products.csv"
    file.write_bytes(file.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(TableError, match="must be text in UTF-8"):
        SupplyChain.read(tmp_path / "chain")
