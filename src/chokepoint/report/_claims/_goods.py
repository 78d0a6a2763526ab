"""Which product groups of the shipped chains a claim is about: a classification, not a fact."""

from __future__ import annotations

__all__ = [
    "ACCELERATORS",
    "CHIPS",
    "CHIP_TOOLS",
    "CHIP_USERS",
    "HIGH_TECH",
    "MEDICINES",
    "MINERALS",
    "RARE_EARTHS",
    "SOY",
]

RARE_EARTHS = (
    "oxide_light", "oxide_heavy", "metal", "alloy", "ndfeb_sintered", "smco", "bonded",
)  # fmt: skip
"""Oxides, metals, alloys and magnets: what export controls on rare earths name."""

HIGH_TECH = ("aerospace", "defence", "electronics", "medical", "machinery", "ai_chip", "vehicle")
"""End sectors, and accelerators, that are meant by high technology."""

CHIP_TOOLS = (
    "lithography", "lithography_part", "deposition", "etch_clean", "implant_cmp",
    "process_control", "process_part", "track", "mask_tool", "backend_tool", "design_tool",
)  # fmt: skip
"""Equipment, its parts, and design software."""

CHIPS = (
    "advanced_logic", "mature_logic", "specialty_wafer", "memory_wafer", "hbm",
    "advanced_packaging", "assembly_test", "small_signal_assembly", "ai_chip", "processor",
    "memory_chip", "legacy_chip", "specialty_chip", "small_signal_chip",
)  # fmt: skip
"""Wafers, packages and chips."""

ACCELERATORS = ("ai_chip", "hbm", "advanced_packaging", "advanced_logic")
"""What an accelerator for AI is made of, and itself."""

MEDICINES = ("ksm", "intermediate", "api_antibiotic", "api_other", "dose_oral", "dose_injectable")
"""From starting materials to finished doses."""

SOY = ("bean",)
"""Soybeans."""

MINERALS = ("gallium_items", "germanium_items", "antimony_items", "graphite_items", "battery_cell")
"""Other goods whose Chinese rules were suspended in November 2025."""

CHIP_USERS = ("electronics", "auto_module", "vehicle", "machinery", "medical", "aerospace")
"""Makers of goods that chips go into."""
