"""A chain from what the reader names: a shipped chain, a folder, or the chain itself."""

from __future__ import annotations

from pathlib import Path

from chokepoint import datasets
from chokepoint.chain import SupplyChain
from chokepoint.errors import OptionError, nearest_label

__all__ = ["load_chain"]


def load_chain(chain: str | SupplyChain) -> tuple[SupplyChain, str]:
    """Return the chain and the Python expression that gives it again.

    Raises
    ------
    OptionError
        If no chain of that name is shipped and there is no such folder.
    """
    if isinstance(chain, SupplyChain):
        return chain, "chain"
    if chain in datasets.names():
        return datasets.load(chain), f"cp.load({chain!r})"
    if Path(chain).is_dir():
        return SupplyChain.read(chain), f"cp.SupplyChain.read({chain!r})"
    nearest = nearest_label(chain, datasets.names())
    raise OptionError(
        f"Expected a shipped chain ({', '.join(datasets.names())}) or a folder of tables, got "
        f'"{chain}"' + (f'; closest: "{nearest}".' if nearest else ".")
    )
