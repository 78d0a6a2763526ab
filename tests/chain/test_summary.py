"""What a chain says about itself."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest
from strategies import layered_tables

from chokepoint.chain import SupplyChain, concentration


def test_repr_is_a_few_lines_of_facts(full):
    assert repr(full).splitlines() == [
        "<SupplyChain 'full'>",
        "  nodes: 8 products, 16 sites, 6 markets in 3 areas",
        "  flows: 36 (0 reported), 1 dormant",
        "  sites by tier: 0: 2, 1: 9, 2: 2, 3: 3",
        "  confidence: A 8%, B 6%, C 6%, D 80% of 51 rows (flows not counted)",
    ]


def test_many_tiers_are_summed_up():
    chain = SupplyChain.from_tables(layered_tables(1, stages=12, products=1, sites=1, slots=1))
    assert "sites by tier: 12 tiers from 0 to 11, most in tier 0 (1)" in repr(chain)


def test_stages_are_named():
    chain = SupplyChain.from_tables(
        products=pd.DataFrame({"product": ["ore"], "stage": ["mine"]}),
        sites=pd.DataFrame({"product": ["ore"], "country": ["CHN"], "output_qty": [1.0]}),
        markets=pd.DataFrame({"product": ["ore"], "country": ["CHN"], "quantity": [1.0]}),
    )
    assert "sites by tier: 0 mine: 1" in repr(chain)


def test_html_holds_the_same_facts_and_escapes_labels(full):
    products = full.products
    chain = SupplyChain.from_tables(full.replace(products=products).tables, name="<b>&")
    html = chain._repr_html_()
    assert "<strong>SupplyChain &lt;b&gt;&amp;</strong>" in html
    assert "8 products, 16 sites, 6 markets in 3 areas" in html
    open_tags = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag, attrs):
            del attrs
            open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Balanced().feed(html)
    assert open_tags == []


def test_concentration_is_the_sum_of_squared_country_shares(full):
    frame = concentration(full.tables)
    assert frame.loc["power", "hhi"] == pytest.approx((500 / 620) ** 2 + (120 / 620) ** 2)
    assert frame.loc["power", ["country", "share"]].tolist() == ["CHN", pytest.approx(500 / 620)]
    # Cohorts of one country count together.
    assert frame.loc["car", "hhi"] == pytest.approx(0.5)
    assert frame["hhi"].is_monotonic_decreasing
