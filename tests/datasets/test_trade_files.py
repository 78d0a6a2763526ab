"""Files of UN Comtrade and BACI in their layouts, and the rows of `trade` that come of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import chokepoint as cp
from chokepoint.datasets import read_baci, read_comtrade
from chokepoint.errors import OptionError, TableError, UnknownLabelError

FILES = Path(__file__).parent / "files"
COMTRADE, LEGACY = FILES / "comtrade.csv", FILES / "comtrade_legacy.csv"
BACI, CODES = FILES / "baci.csv", FILES / "country_codes.csv"


def made(areas="CHN USA JPN TWN X_EU X_WLD", units=("t", "t", "unit", "set")):
    """Two magnets that share a code, motors of two codes, and a product without a code."""
    countries = pd.DataFrame({"area": areas.split()})
    countries["kind"] = ["residual" if a.startswith("X_") else "country" for a in areas.split()]
    countries["blocs"] = ["EU27" if a == "X_EU" else "" for a in areas.split()]
    products = ["sintered", "bonded", "motor", "car"]
    return cp.SupplyChain.from_tables(
        countries=countries,
        products=pd.DataFrame(
            {
                "product": products,
                "unit": list(units),
                "hs6": ["8505.11", "850511", "8501.10;850131", ""],
            }
        ),
        sites=pd.DataFrame({"product": products, "country": "CHN", "output_qty": 1e4}),
        markets=pd.DataFrame({"product": products, "country": "USA", "quantity": 1e4}),
    )


def table(rows, *columns):
    return rows[["products", "exporter", "importer", *columns]].values.tolist()


@pytest.fixture(scope="module")
def chain():
    return made()


def test_comtrade_in_the_present_layout(chain):
    """Totals of the importer; 9 million USD of unknown weight at the mean unit value.

    With weights are 350 + 100 + 2 + 1 + 30 million USD and 7,444 + 1,000 + 30 + 20 + 500 t of
    imports, and 300 million USD and 7,000 t of exports of China, so 783 / 15,994 million a tonne.
    """
    rows = read_comtrade(COMTRADE, chain, year=2024)
    assert table(rows, "quantity")[:5] == [
        ["sintered;bonded", "CHN", "USA", 7444.0],
        ["sintered;bonded", "JPN", "USA", 1000.0],
        ["sintered;bonded", "TWN", "USA", pytest.approx(9.0 * 15_994 / 783)],
        ["sintered;bonded", "X_EU", "USA", 50.0],
        ["sintered;bonded", "X_WLD", "USA", 500.0],
    ]
    # Motors are counted in pieces: a thousand, and two thousands.
    assert table(rows, "quantity")[5:] == [["motor", "CHN", "JPN", 3000.0]]
    assert rows["value_usd_m"].tolist() == pytest.approx([350.0, 100.0, 9.0, 3.0, 30.0, 0.13])
    assert rows["unit"].tolist() == ["t"] * 5 + ["unit"]
    assert rows["period"].unique().tolist() == ["2024"]
    assert rows["confidence"].tolist() == ["A", "A", "D", "A", "A", "A"]
    assert rows["derivation"][0] == "UN Comtrade, codes 850511"
    assert "; 100% of it from values" in rows["derivation"][2]
    assert rows["derivation"][5] == "UN Comtrade, codes 850110, 850131"


def test_the_other_side_is_an_end_of_the_range(chain):
    first = read_comtrade(COMTRADE, chain, year=2024).iloc[0]
    assert first[["quantity", "low", "high"]].tolist() == [7444.0, 7000.0, 7444.0]
    other = read_comtrade(COMTRADE, chain, year=2024, prefer="exporter").iloc[0]
    assert other[["quantity", "value_usd_m"]].tolist() == [7000.0, 300.0]
    assert read_comtrade(COMTRADE, chain, year=2024)["low"].isna().tolist()[1:] == [True] * 5


def test_rows_fit_into_the_chain(chain):
    rows = read_comtrade(COMTRADE, chain, year=2024, role="fit", source="comtrade")
    sources = pd.DataFrame({"source": ["comtrade"], "title": ["UN Comtrade"]})
    again = chain.replace(trade=rows, sources=sources, flows=chain.flows)
    assert again.trade["role"].unique().tolist() == ["fit"]
    assert again.trade["products"].tolist() == rows["products"].tolist()


def test_former_layout_and_years(chain):
    rows = read_comtrade(LEGACY, chain, year=2020)
    assert table(rows, "quantity", "value_usd_m") == [
        ["sintered;bonded", "CHN", "JPN", 2500.0, 100.0],
        ["sintered;bonded", "CHN", "USA", 6500.0, 280.0],
    ]
    assert rows.attrs["absent"] == ["850110", "850131"]
    with pytest.raises(TableError, match=r"no yearly rows of 2019; the years there are 2020"):
        read_comtrade(LEGACY, chain, year=2019)


def test_several_files_and_another_year(chain):
    rows = read_comtrade([COMTRADE, LEGACY], chain, year=2023)
    assert table(rows, "quantity") == [["sintered;bonded", "CHN", "USA", 6000.0]]


def test_machine_readable_names_and_codes_of_countries(chain, tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(
        "\ufeffyr,rgCode,rtCode,ptCode,cmdCode,NetWeight,TradeValue\n"
        "2015,1,842,156,850511,1000,2000\n"
        "2015,1,842,0,850511,9000,9000\n",
        encoding="utf-8",
    )
    rows = read_comtrade(file, chain, year=2015, countries=CODES)
    assert table(rows, "quantity") == [["sintered;bonded", "CHN", "USA", 1.0]]
    with pytest.raises(TableError, match="give `countries`") as caught:
        read_comtrade(file, chain, year=2015)
    assert [issue.value for issue in caught.value.issues] == ["842", "156"]


def test_baci(chain):
    """Values in thousand USD, quantities in tonnes; the motors' pieces are not known in BACI."""
    chosen = {"year": 2023, "products": ["sintered"]}
    rows = read_baci(BACI, CODES, chain, **chosen)
    assert table(rows, "quantity", "value_usd_m") == [
        ["sintered;bonded", "CHN", "USA", 7444.25, 350.0005],
        ["sintered;bonded", "JPN", "USA", 1000.0, 100.0],
        ["sintered;bonded", "TWN", "USA", pytest.approx(9.0 * 8474.25 / 452.0005), 9.0],
        ["sintered;bonded", "X_EU", "USA", 30.0, 2.0],
    ]
    assert rows["low"].isna().all()
    assert rows["confidence"].tolist() == ["A", "A", "D", "A"]
    both = read_baci(BACI, CODES, chain, year=2023, tonnes={"motor": 0.0015})
    assert table(both, "quantity")[-1] == ["motor", "CHN", "JPN", 2000.0]
    with pytest.raises(TableError, match="no unit value is known"):
        read_baci(BACI, CODES, chain, year=2023)


def test_codes_that_countries_do_not_have(chain, tmp_path):
    file = tmp_path / "baci.csv"
    file.write_text("t,i,j,k,v,q\n2023,156,697,850511,5,1\n2023,697,156,850511,5,1\n")
    with pytest.raises(TableError, match="file of country codes knows") as caught:
        read_baci(file, CODES, chain, year=2023)
    assert [(issue.row, issue.value) for issue in caught.value.issues] == [
        ("line 3", "697"),
        ("line 2", "697"),
    ]


def test_codes_that_lost_their_zero(tmp_path):
    chain = made()
    products = chain.products.assign(hs6=["10121", "", "", ""])
    chain = chain.replace(products=products)
    file = tmp_path / "baci.csv"
    file.write_text("t,i,j,k,v,q\n2023,156,842,10121,5,1\n")
    rows = read_baci(file, CODES, chain, year=2023)
    assert table(rows, "quantity") == [["sintered", "CHN", "USA", 1.0]]
    assert rows.attrs["sets"] == {"sintered": ["010121"]}


def test_headings_stand_for_all_codes_that_begin_with_them(tmp_path):
    chain = made()
    hs6 = ["8505", "850511", "8501.10;850131", ""]
    chain = chain.replace(products=chain.products.assign(hs6=hs6))
    file = tmp_path / "baci.csv"
    file.write_text(
        "t,i,j,k,v,q\n2023,156,842,850511,5,1\n2023,156,842,850519,5,2\n2023,156,842,850590,5,3\n"
    )
    rows = read_baci(file, CODES, chain, year=2023)
    # The narrower code of the bonded magnets is not among those that the heading stands for.
    assert table(rows, "quantity") == [
        ["sintered", "CHN", "USA", 5.0],
        ["bonded", "CHN", "USA", 1.0],
    ]
    assert read_baci(file, CODES, chain, year=2023, products="sintered")["quantity"].tolist() == [5]


def test_products_that_share_a_code_are_chosen_together(chain):
    rows = read_comtrade(COMTRADE, chain, year=2024, products="bonded")
    assert rows["products"].unique().tolist() == ["sintered;bonded"]
    motors = read_comtrade(COMTRADE, chain, year=2024, products="motor")
    assert motors["products"].tolist() == ["motor"]


def test_areas_outside(chain):
    few = made("CHN USA")
    rows = read_comtrade(COMTRADE, few, year=2024)
    assert table(rows, "quantity") == [["sintered;bonded", "CHN", "USA", 7444.0]]
    assert rows.attrs["left_out"] == ["BGR", "HRV", "JPN", "S19", "VNM"]
    own = {"residuals": {"X_EU": ["VNM"]}, "areas": {"S19": "X_EU"}}
    moved = read_comtrade(COMTRADE, chain, year=2024, **own)
    assert "TWN" not in moved["exporter"].tolist()
    sums = moved.set_index("exporter")["quantity"]
    assert sums["X_EU"] == pytest.approx(550.0 + 9.0 * 15_994 / 783)
    with pytest.raises(UnknownLabelError, match="X_ASIA"):
        read_comtrade(COMTRADE, chain, year=2024, residuals={"X_ASIA": []})
    with pytest.raises(UnknownLabelError, match="TAI"):
        read_comtrade(COMTRADE, chain, year=2024, areas={"S19": "TAI"})


def test_blocs_of_the_data_are_the_union():
    rest = cp.datasets._trade_coding._members("EU27")
    assert len(rest) == len(set(rest)) == 27
    assert {"DEU", "HRV"} <= set(rest)
    assert "GBR" not in rest


def head(**more):
    row = {"refYear": "2024", "reporterISO": "USA", "flowCode": "M", "partnerISO": "CHN",
           "cmdCode": "850511", "netWgt": "1000", "primaryValue": "2000"}  # fmt: skip
    return row | more


def written(path, *rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_broken_down_reports_count_once(chain, tmp_path):
    """The total goes before its parts; parts without a total are added; repeated lines are one."""
    file = written(
        tmp_path / "a.csv",
        head(motCode="0", customsCode="C00"),
        head(motCode="1000", customsCode="C00", netWgt="400"),
        head(motCode="0", customsCode="C00"),
        head(motCode="1000", customsCode="C00", partnerISO="JPN", netWgt="400"),
        head(motCode="2100", customsCode="C00", partnerISO="JPN", netWgt="500"),
    )
    rows = read_comtrade(file, chain, year=2024)
    assert table(rows, "quantity") == [
        ["sintered;bonded", "CHN", "USA", 1.0],
        ["sintered;bonded", "JPN", "USA", 0.9],
    ]


def test_services_and_months_are_left_out(chain, tmp_path):
    file = written(
        tmp_path / "a.csv",
        head(typeCode="C", freqCode="A"),
        head(typeCode="S", freqCode="A", netWgt="7"),
        head(typeCode="C", freqCode="M", netWgt="9"),
    )
    assert read_comtrade(file, chain, year=2024)["quantity"].tolist() == [1.0]
    only = written(tmp_path / "b.csv", head(freqCode="M"))
    with pytest.raises(TableError, match="no yearly rows of 2024"):
        read_comtrade(only, chain, year=2024)


def test_all_problems_at_once(chain, tmp_path):
    file = written(
        tmp_path / "a.csv",
        head(classificationCode="H6"),
        head(classificationCode="H6", netWgt="1100"),
        head(classificationCode="H5"),
        head(classificationCode="H6", partnerISO="JPN", netWgt="much"),
    )
    with pytest.raises(TableError) as caught:
        read_comtrade(file, chain, year=2024, strict=True)
    text = str(caught.value)
    assert "line 3" in text
    assert "reported before with other numbers" in text
    assert "under several classifications" in text
    assert 'weight = "much"' in text
    assert "has no rows in the files" in text
    chosen = read_comtrade(file.with_name("a.csv"), chain, year=2024, revision="H5")
    assert chosen["quantity"].tolist() == [1.0]


def test_a_product_unit_must_fit(tmp_path):
    file = written(tmp_path / "a.csv", head())
    with pytest.raises(TableError, match=r"share codes \(such as 850511\).*kg, t"):
        read_comtrade(file, made(units=("t", "kg", "unit", "set")), year=2024)
    with pytest.raises(TableError, match=r"give tonnes=\{'sintered': \.\.\.\}"):
        read_comtrade(file, made(units=("t REO", "t REO", "unit", "set")), year=2024)
    weights = {"sintered": 2.0, "bonded": 2.0}
    rows = read_comtrade(
        file, made(units=("t REO", "t REO", "unit", "set")), year=2024, tonnes=weights
    )
    assert rows["quantity"].tolist() == [0.5]
    kilograms = read_comtrade(file, made(units=("kg", "kg", "unit", "set")), year=2024)
    assert kilograms["quantity"].tolist() == [1000.0]


def test_missing_columns_are_all_named(chain, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("reporterISO,partnerISO,cmdCode\n")
    with pytest.raises(TableError) as caught:
        read_comtrade(file, chain, year=2024)
    assert {issue.column for issue in caught.value.issues} == {"year", "flow", "weight", "value"}
    assert "such as netwgt" in str(caught.value)


def test_options(chain, tmp_path):
    with pytest.raises(OptionError, match="prefer to be 'importer' or 'exporter'; given 'both'"):
        read_comtrade(COMTRADE, chain, year=2024, prefer="both")
    with pytest.raises(OptionError, match="role to be 'check' or 'fit'"):
        read_baci(BACI, CODES, chain, year=2023, role="hold")
    with pytest.raises(OptionError, match="there is no"):
        read_comtrade(tmp_path / "none.csv", chain, year=2024)
    with pytest.raises(OptionError, match="there is no"):
        read_baci(BACI, tmp_path / "none.csv", chain, year=2023)
    with pytest.raises(OptionError, match="none of the chosen has one"):
        read_comtrade(COMTRADE, chain, year=2024, products="car")
    with pytest.raises(UnknownLabelError, match="moter"):
        read_comtrade(COMTRADE, chain, year=2024, tonnes={"moter": 1.0})
    odd = chain.replace(products=chain.products.assign(hs6="85x"))
    with pytest.raises(OptionError, match="product sintered has '85x'"):
        read_comtrade(COMTRADE, odd, year=2024)


def test_units_of_money_take_the_value(tmp_path):
    file = written(tmp_path / "a.csv", head(netWgt="0", primaryValue="3000000"))
    rows = read_comtrade(file, made(units=("USD m", "USD m", "unit", "set")), year=2024)
    assert rows["quantity"].tolist() == rows["value_usd_m"].tolist() == [3.0]


def test_a_shipped_chain_takes_magnets():
    chain = cp.load("rare_earths")
    rows = read_comtrade(COMTRADE, chain, year=2024, products="magnet_ndfeb")
    assert rows["exporter"].tolist()[:2] == ["CHN", "JPN"]
    assert "magnet_ndfeb" in rows["products"][0].split(";")
    assert rows["quantity"][0] == 7444.0
