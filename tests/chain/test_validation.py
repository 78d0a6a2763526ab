"""Every rule of a chain, each broken once in the hand-made tables."""

from __future__ import annotations

import pandas as pd
import pytest

from chokepoint.chain import SupplyChain
from chokepoint.errors import TableError


def set_cell(table, row, **cells):
    def change(tables):
        for column, value in cells.items():
            blank = pd.Series("", tables[table].index, dtype=object)
            tables[table][column] = tables[table].get(column, blank)
            tables[table].loc[row, column] = value

    return change


def add_row(table, **cells):
    def change(tables):
        row = pd.DataFrame([cells], index=["new"])
        old = tables.get(table, pd.DataFrame())
        tables[table] = pd.concat([old, row]).fillna("")

    return change


def drop(table, *names):
    def change(tables):
        if names:
            tables[table] = tables[table].drop(columns=list(names))
        else:
            del tables[table]

    return change


BROKEN = {
    "table missing": (drop("products"), "products", "table", "is required"),
    "unknown table": (add_row("site", a=1), "site", "table", 'closest: "sites"'),
    "column missing": (drop("sites", "country"), "sites", "country", "is missing and required"),
    "unknown column": (
        set_cell("sites", 0, out_qty=1), "sites", "out_qty", 'closest: "output_qty"',
    ),
    "bound": (set_cell("sites", 6, output_qty=-1), "sites", "output_qty", "must be >= 0"),
    "number": (set_cell("sites", 6, output_qty="many"), "sites", "output_qty", "finite number"),
    "choice": (set_cell("inputs", 0, combine="nest"), "inputs", "combine", 'closest: "nested"'),
    "range": (set_cell("sites", 0, low=2000), "sites", "low, high", "low <= output_qty <= high"),
    "reference": (set_cell("sites", 6, product="pwer"), "sites", "product", 'closest: "power"'),
    "reference in a list": (
        set_cell("trade", 0, products="magnet;dyy"), "trade", "products", 'closest: "dy"',
    ),
    "area or bloc": (set_cell("trade", 0, importer="EU"), "trade", "importer", "countries.blocs"),
    "source": (set_cell("sites", 0, source="usgz"), "sites", "source", 'closest: "usgs"'),
    "duplicate site": (
        add_row("sites", product="power", country="CHN", output_qty=1), "sites", "site",
        "duplicates row 6",
    ),
    "duplicate recipe row": (
        add_row("inputs", product="car", input="magnet", quantity=1), "inputs", "input",
        "duplicates row 5",
    ),
    "label and columns": (
        set_cell("sites", 6, site="power@JPN"), "sites", "site", 'which make "power@CHN"',
    ),
    "forbidden character": (
        set_cell("products", 4, product="pow:er"), "products", "product", "must not contain",
    ),
    "slot-level columns": (
        set_cell("inputs", 1, stock_weeks=5), "inputs", "stock_weeks",
        "must agree among the inputs of slot ndpr of magnet@CHN; row 0 has 6.0",
    ),
    "slot-level ranges": (
        set_cell("inputs", 1, stock_weeks_high=8), "inputs", "stock_weeks_high", "row 0 has 9.0",
    ),
    "throttle": (
        set_cell("inputs", 6, throttle_weeks=2.5), "inputs", "throttle_weeks",
        "at most stock_weeks + 1 = 2 [weeks]",
    ),
    "disjoint shares": (
        add_row(
            "inputs", product="magnet", input="car", quantity=1, combine="disjoint",
            criticality=0.8,
        ),
        "inputs", "use_share", "of magnet@CHN add up to 1.1, must be <= 1",
    ),
    "recipe of another site": (
        set_cell("inputs", 4, site="power@JPN"), "inputs", "site", "this one makes power",
    ),
    "recipe of a child": (
        add_row("inputs", product="ndpr", site="ndpr@USA", input="power", quantity=1),
        "inputs", "site", "takes no inputs of its own",
    ),
    "child of a child": (
        set_cell("sites", 4, process="dy@USA"), "sites", "process", "name the first process",
    ),
    "two children for one output": (
        add_row(
            "sites", product="dy", country="USA", firm="B", process="feed@USA", output_qty=2
        ),
        "sites", "process", "has this output already: dy@USA",
    ),
    "process without outputs": (
        add_row("sites", product="feed", country="JPN", output_qty=1), "sites", "site",
        "no site names it",
    ),
    "alternative of a process": (
        add_row("alternatives", supplier="feed@USA", buyer="magnet@JPN", max_share=0.1),
        "alternatives", "supplier", "does not take feed",
    ),
    "alternative of an unaccepted product": (
        add_row("alternatives", supplier="power@CHN", buyer="car@USA", max_share=0.1),
        "alternatives", "supplier", "car@USA does not take power; it takes magnet",
    ),
    "unknown slot": (
        set_cell("alternatives", 0, slot="magnets"), "alternatives", "slot",
        'closest: "magnet"',
    ),
    "units of a total": (
        set_cell("trade", 0, products="magnet;car"), "trade", "products",
        "products in different units: t, car",
    ),
    "date": (set_cell("projects", 0, online_date="summer"), "projects", "online_date", "a date"),
    "child output": (
        set_cell("sites", 2, output_qty=210), "sites", "output_qty",
        "must be yield x process output = 200; residual 10",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_named(name, tables):
    change, table, column, text = BROKEN[name]
    change(tables)
    with pytest.raises(TableError) as caught:
        SupplyChain.from_tables(tables)
    lines = [
        issue.line()
        for issue in caught.value.issues
        if issue.table == table and column in issue.column
    ]
    assert any(text in line for line in lines), str(caught.value)


def test_the_tables_are_valid_as_they_are(tables):
    assert SupplyChain.from_tables(tables).sites.shape[0] == 16


def test_child_must_be_an_output_of_its_process(tables):
    tables["joint"] = tables["joint"].drop(index=3)
    with pytest.raises(TableError, match="is not an output of magnet in joint"):
        SupplyChain.from_tables(tables)


def test_all_problems_of_all_tables_come_at_once(tables):
    set_cell("sites", 6, output_qty=-1, product="pwer")(tables)
    set_cell("inputs", 6, throttle_weeks=9)(tables)
    add_row("flow", a=1)(tables)
    set_cell("markets", 0, country="USSA")(tables)
    with pytest.raises(TableError) as caught:
        SupplyChain.from_tables(tables)
    told = {(issue.table, issue.column) for issue in caught.value.issues}
    assert {
        ("sites", "output_qty"),
        ("sites", "product"),
        ("inputs", "throttle_weeks"),
        ("flow", "table"),
        ("markets", "country"),
    } <= told
    assert "sites: " in str(caught.value)
    assert "of 16" in str(caught.value)


class TestGivenFlows:
    """Flows that a user states have to balance."""

    def frames(self, full, **changes):
        frames = full.tables
        flows = frames["flows"].set_index(["supplier", "buyer"])
        for (supplier, buyer), quantity in changes.get("flows", {}).items():
            if quantity is None:
                flows = flows.drop(index=(supplier, buyer))
            else:
                flows.loc[(supplier, buyer), "quantity"] = quantity
        return {**frames, "flows": flows.reset_index()}

    def message(self, frames):
        with pytest.raises(TableError) as caught:
            SupplyChain.from_tables(frames)
        return str(caught.value)

    def test_a_wrong_quantity_is_told_at_both_ends_with_residuals(self, full):
        text = self.message(self.frames(full, flows={("magnet@CHN", "car@USA"): 250.0}))
        assert "output_qty = 500.0" in text
        assert "must equal the sum of its flows out, 510; residual 10" in text
        assert "slot magnet of car@USA must be filled to 3000 (flows / recipe)" in text
        assert "given 3125, residual 125" in text

    def test_an_empty_slot_is_told(self, full):
        text = self.message(self.frames(full, flows={("magnet@CHN", "car@USA"): None}))
        assert "slot magnet of car@USA needs 3000 and nothing supplies it" in text

    def test_a_difference_of_1e_8_is_too_much_and_1e_10_is_not(self, full):
        output = full.flows.set_index(["supplier", "buyer"])["quantity"]
        old = output["magnet@CHN", "car@USA"]
        key = ("magnet@CHN", "car@USA")
        self.message(self.frames(full, flows={key: old * (1 + 1e-7)}))
        SupplyChain.from_tables(self.frames(full, flows={key: old * (1 + 1e-11)}))

    def test_only_the_worst_are_listed(self, full):
        frames = full.tables
        frames["flows"]["quantity"] *= 1.01
        text = self.message(frames)
        assert "smaller residuals are not listed" in text
        with pytest.raises(TableError) as caught:
            SupplyChain.from_tables(frames)
        assert len(caught.value.issues) == 10

    def test_a_product_that_the_buyer_does_not_take(self, full):
        frames = full.tables
        frames["flows"].loc[0, "supplier"] = "power@JPN"
        frames["flows"].loc[0, "slot"] = ""
        frames["flows"].loc[0, "buyer"] = "car@USA"
        assert "car@USA does not take power; it takes magnet" in self.message(frames)

    def test_a_site_does_not_supply_itself(self, full):
        frames = full.tables
        frames["flows"].loc[0, "buyer"] = frames["flows"].loc[0, "supplier"]
        assert "must not be the supplier itself" in self.message(frames)

    def test_an_alternative_is_no_flow_yet(self, full):
        frames = full.tables
        frames["alternatives"].loc[0, "supplier"] = "magnet@CHN"
        assert "supplies this slot already" in self.message(frames)

    def test_a_process_ships_nothing(self, full):
        frames = full.tables
        row = frames["inputs"].iloc[[0]].assign(input="feed", slot="feed")
        frames["inputs"] = pd.concat([frames["inputs"], row])
        frames["flows"].loc[0, ["supplier", "slot"]] = ["feed@USA", "feed"]
        assert "is a process and ships nothing itself" in self.message(frames)

    def test_an_ambiguous_slot_has_to_be_named(self, full):
        frames = full.tables
        row = frames["inputs"].iloc[[2]].assign(input="ndpr")
        frames["inputs"] = pd.concat([frames["inputs"], row])
        frames["flows"].loc[0, "slot"] = ""
        assert "must name one of the buyer's slots ndpr, dy" in self.message(frames)


def test_something_that_is_no_frame(tables):
    with pytest.raises(TableError, match="must be a DataFrame; given list"):
        SupplyChain.from_tables({**tables, "trade": [1]})
