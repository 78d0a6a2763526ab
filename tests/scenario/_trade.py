"""A chain of trade in five areas with one price, so that values equal quantities."""

from __future__ import annotations

from propagate._chains import Draft, Flow

COUNTRIES = ("AUS", "CHN", "DEU", "USA", "ZAF")
BLOCS = {"DEU": "WEST", "USA": "WEST"}


def trade() -> Draft:
    """Ore from two countries into parts, parts and chips into cars, cars to two markets."""
    return Draft(
        flows=[
            Flow("ore@AUS", "part@CHN", 20.0),
            Flow("ore@CHN", "part@CHN", 20.0),
            Flow("part@CHN", "car@DEU", 80.0),
            Flow("part@CHN", "car@USA", 20.0),
            Flow("chip@USA", "car@DEU", 50.0),
            Flow("chip@USA", "car@USA", 30.0),
            Flow("car@DEU", "market:car@DEU", 120.0),
            Flow("car@DEU", "market:car@USA", 80.0),
            Flow("car@USA", "market:car@USA", 40.0),
            Flow("car@USA", "market:car@DEU", 10.0),
        ],
        countries=COUNTRIES,
        blocs=BLOCS,
    )
