"""Small stochastic programs with published optima, written out from their descriptions.

Numbers and equations: Ariyawansa and Felt, *On a new collection of stochastic linear programming
test problems* (2001; INFORMS Journal on Computing 16, 2004), which names the sources of each.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Writer:
    """Collects rows, columns and cases, and writes the three files."""

    name: str
    rows: list[tuple[str, str, float, int]] = field(default_factory=list)
    columns: list[tuple[str, int, dict[str, float]]] = field(default_factory=list)

    def row(self, kind, name, right=0.0, *, stage=1):
        self.rows.append((kind, name, right, stage))

    def column(self, name, cost=0.0, *, stage=1, **entries):
        self.columns.append((name, stage, {"OBJ": cost, **entries}))

    def core(self):
        lines = [f"NAME {self.name}", "ROWS", " N OBJ"]
        ordered = sorted(self.rows, key=lambda row: row[3])
        lines += [f" {kind} {name}" for kind, name, _, _ in ordered]
        lines.append("COLUMNS")
        for name, _, entries in sorted(self.columns, key=lambda column: column[1]):
            kept = {row: value for row, value in entries.items() if value}
            lines += [f" {name} {row} {value!r}" for row, value in kept.items()]
        lines.append("RHS")
        lines += [f" RIGHT {name} {right!r}" for _, name, right, _ in ordered if right]
        return "\n".join([*lines, "ENDATA", ""])

    def time(self):
        begin = []
        for stage in (1, 2):
            column = next(name for name, when, _ in self.columns if when == stage)
            row = next(name for _, name, _, when in self.rows if when == stage)
            begin.append(f" {column} {row} STAGE{stage}")
        return "\n".join([f"TIME {self.name}", "PERIODS", *begin, "ENDATA", ""])


def independent(name, values):
    """Rows that take values on their own: {row: [(value, probability), ...]}."""
    lines = [f" RIGHT {row} {value!r} STAGE2 {p!r}" for row, some in values.items()
             for value, p in some]  # fmt: skip
    return "\n".join([f"STOCH {name}", "INDEP DISCRETE", *lines, "ENDATA", ""])


def together(name, cases, *, form="BLOCKS"):
    """Cases that change several places at once: [(probability, {(row, column): value})]."""
    lines = []
    for number, (probability, changes) in enumerate(cases):
        if form == "BLOCKS":
            lines.append(f" BL ALL STAGE2 {probability!r}")
        else:
            lines.append(f" SC CASE{number} 'ROOT' {probability!r} STAGE2")
        lines += [f" {column} {row} {value!r}" for (row, column), value in changes.items()]
    return "\n".join([f"STOCH {name}", f"{form} DISCRETE", *lines, "ENDATA", ""])


def lands():
    """Investment in four kinds of power plants for three modes of demand."""
    writer = Writer("LandS")
    invest, operate, hours = (10.0, 7.0, 16.0, 6.0), (4.0, 4.5, 3.2, 5.5), (10.0, 6.0, 1.0)
    writer.row("G", "LEAST", 12.0)
    writer.row("L", "MONEY", 120.0)
    for i in range(4):
        writer.row("L", f"PLANT{i}", stage=2)
        writer.column(f"X{i}", invest[i], LEAST=1.0, MONEY=invest[i], **{f"PLANT{i}": -1.0})
    for j, demand in enumerate((0.0, 3.0, 2.0)):
        writer.row("E", f"DEMAND{j}", demand, stage=2)
        for i in range(4):
            here = {f"PLANT{i}": 1.0, f"DEMAND{j}": 1.0}
            writer.column(f"Y{i}{j}", operate[i] * hours[j], stage=2, **here)
    return writer


LANDS_DEMAND = [(3.0, 0.3), (5.0, 0.4), (7.0, 0.3)]


def airlift():
    """Flights of two kinds of aircraft on two routes, and switching between routes."""
    writer = Writer("AIRL")
    hours = {(1, 1): 24.0, (1, 2): 14.0, (2, 1): 49.0, (2, 2): 29.0}
    tons = {(1, 1): 50.0, (1, 2): 75.0, (2, 1): 20.0, (2, 2): 20.0}
    assigned = {(1, 1): 7200.0, (1, 2): 6000.0, (2, 1): 7200.0, (2, 2): 4000.0}
    switched_hours = {(1, 1, 2): 19.0, (1, 2, 1): 29.0, (2, 1, 2): 36.0, (2, 2, 1): 56.0}
    switched_cost = {(1, 1, 2): 7e3, (1, 2, 1): 8.2e3, (2, 1, 2): 5.5e3, (2, 2, 1): 8.7e3}
    # Decimals of quotients (tons, cost): the published optimum is that of rounded numbers.
    decimals = {(1, 1, 2): (3, 0), (1, 2, 1): (3, 2), (2, 1, 2): (4, 3), (2, 2, 1): (3, 3)}
    for i in (1, 2):
        writer.row("L", f"HOURS{i}", 7200.0)
    for i, j in hours:
        writer.row("L", f"PLANNED{i}{j}", stage=2)
    for j in (1, 2):
        writer.row("E", f"LOAD{j}", stage=2)
    for (i, j), each in hours.items():
        writer.column(
            f"X{i}{j}", assigned[i, j],
            **{f"HOURS{i}": each, f"PLANNED{i}{j}": -each, f"LOAD{j}": tons[i, j]},
        )  # fmt: skip
    for (i, j, k), each in switched_hours.items():
        left = each / hours[i, j]
        of_tons, of_cost = decimals[i, j, k]
        cost = round(switched_cost[i, j, k] - assigned[i, j] * left, of_cost)
        away = -round(tons[i, j] * left, of_tons)
        moved = {f"PLANNED{i}{j}": each, f"LOAD{j}": away, f"LOAD{k}": tons[i, k]}
        writer.column(f"S{i}{j}{k}", cost, stage=2, **moved)
    for j, contracted in ((1, 500.0), (2, 250.0)):
        writer.column(f"MORE{j}", contracted, stage=2, **{f"LOAD{j}": 1.0})
        writer.column(f"LESS{j}", 0.0, stage=2, **{f"LOAD{j}": -1.0})
    return writer


# A sample of 25 pairs of demand, equally likely.
AIRLIFT_FIRST = [
    (927.758357, 1433.626750), (982.516248, 1149.727635), (961.404897, 1492.817415),
    (922.915716, 1250.557154), (986.342969, 1353.935057), (999.134104, 1226.355338),
    (970.324386, 1378.148830), (949.613106, 1200.624255), (991.773703, 1045.317699),
    (979.491162, 899.933450), (979.679661, 1439.677972), (964.052640, 1170.804834),
    (957.691777, 1474.838349), (930.372603, 1572.684651), (933.799027, 1207.662826),
    (995.204085, 1368.931017), (957.344884, 1327.981462), (923.484318, 943.075132),
    (959.026809, 1226.555028), (946.706588, 1543.605354), (991.897924, 1243.379144),
    (956.965721, 1302.917735), (981.616042, 1122.900897), (957.688286, 1355.585501),
    (1000.035618, 1255.185201),
]  # fmt: skip
# Five values of each demand, independent of the other.
AIRLIFT_CHANCES = (0.0668, 0.2417, 0.3830, 0.2417, 0.0668)
AIRLIFT_SECOND = {
    "LOAD1": (988.16, 989.98, 994.92, 1008.37, 1044.92),
    "LOAD2": (1428.94, 1439.86, 1469.54, 1550.22, 1769.54),
}


# A batch plant: materials that a unit of each task makes, batches of each kind of equipment,
# tasks it can do, cost of equipment and of materials (and how much there is) by year.
CHEM_TASKS = {1: {1: -1.0, 2: -1.0, 3: 1.0}, 2: {3: -1.0, 4: 1.0, 5: 1.0},
              3: {2: -1.0, 5: -1.0, 6: 1.0}, 4: {6: -1.0, 7: 1.0}}  # fmt: skip
CHEM_BATCH = {1: 100.0, 2: 200.0, 3: 150.0}
CHEM_ABLE = ((1, 1), (4, 1), (1, 2), (4, 2), (2, 3), (3, 3))
CHEM_EQUIPMENT = {1: (2500.0, 2600.0), 2: (3000.0, 3100.0), 3: (2800.0, 2900.0)}
CHEM_BOUGHT = {1: (23.0, 24.0, 200.0), 2: (25.0, 26.0, 250.0)}
# Cases of a year: probability, demand and price of materials 4 and 7. What the first year brings
# is random; what is sold in the second is chosen before its two cases.
CHEM_YEARS = {
    "T1": {"": (1.0, {4: (150.0, 1.0), 7: (200.0, 1.0)})},
    "T2": {"A": (0.4, {4: (100.0, 50.0), 7: (150.0, 71.0)}),
           "B": (0.6, {4: (150.0, 59.0), 7: (200.0, 81.0)})},
}  # fmt: skip


def chem():
    """Equipment, tasks, materials; sales are split into demand and gifts in the second stage."""
    writer = Writer("CHEM")
    for year in (1, 2):
        _chem_rows(writer, year)
    for year, cases in CHEM_YEARS.items():
        for case, (_, markets) in cases.items():
            for s, (demand, _) in markets.items():
                writer.row("E", f"SOLD{s}{year}{case}", stage=2)
                writer.row("L", f"MOST{s}{year}{case}", demand, stage=2)
                # At least half of the demand is to be met.
                writer.row("G", f"HALF{s}{year}{case}", demand, stage=2)
    for year in (1, 2):
        _chem_equipment(writer, year)
        _chem_materials(writer, year)
    for year, cases in CHEM_YEARS.items():
        for case, (chance, markets) in cases.items():
            for s, (_, price) in markets.items():
                place = f"{s}{year}{case}"
                sold = {f"SOLD{place}": -1.0, f"MOST{place}": 1.0, f"HALF{place}": 2.0}
                writer.column(f"PAID{place}", -chance * price, stage=2, **sold)
                writer.column(f"GIFT{place}", stage=2, **{f"SOLD{place}": -1.0})
    return writer


def _chem_rows(writer, year):
    for j in CHEM_BATCH:
        writer.row("L", f"TIME{j}T{year}", stage=year)
        writer.row("E", f"UNITS{j}T{year}", stage=year)
    for s in range(1, 8):
        writer.row("E", f"MASS{s}T{year}", stage=year)
        writer.row("L", f"STORE{s}T{year}", 400.0, stage=year)
    for i, j in CHEM_ABLE:
        writer.row("L", f"BATCH{i}{j}T{year}", stage=year)
    for s, (*_, most) in CHEM_BOUGHT.items():
        writer.row("L", f"BUY{s}T{year}", most, stage=year)


def _chem_equipment(writer, year):
    for j in CHEM_BATCH:
        owned = {f"TIME{j}T{year}": -80.0, f"UNITS{j}T{year}": 1.0}
        owned |= {f"UNITS{j}T2": -1.0} if year == 1 else {}
        writer.column(f"N{j}T{year}", stage=year, **owned)
        new = {f"UNITS{j}T{year}": -1.0}
        writer.column(f"NEW{j}T{year}", CHEM_EQUIPMENT[j][year - 1], stage=year, **new)
    for i, j in CHEM_ABLE:
        done = {f"TIME{j}T{year}": 4.0, f"BATCH{i}{j}T{year}": -CHEM_BATCH[j]}
        writer.column(f"Y{i}{j}T{year}", stage=year, **done)
        made = {f"MASS{s}T{year}": -share for s, share in CHEM_TASKS[i].items()}
        writer.column(f"B{i}{j}T{year}", stage=year, **{f"BATCH{i}{j}T{year}": 1.0}, **made)


def _chem_materials(writer, year):
    for s in range(1, 8):
        kept = {f"MASS{s}T{year}": 1.0, f"STORE{s}T{year}": 1.0}
        kept |= {f"MASS{s}T2": -1.0} if year == 1 else {}
        writer.column(f"A{s}T{year}", stage=year, **kept)
    for s, prices in CHEM_BOUGHT.items():
        there = {f"MASS{s}T{year}": -1.0, f"BUY{s}T{year}": 1.0}
        writer.column(f"BUYS{s}T{year}", prices[year - 1], stage=year, **there)
    for s in (4, 7):
        split = {f"SOLD{s}T{year}{case}": 1.0 for case in CHEM_YEARS[f"T{year}"]}
        writer.column(f"Q{s}T{year}", stage=year, **{f"MASS{s}T{year}": 1.0}, **split)


CHEM_CASES = [
    (0.6, {("MOST4T1", "RIGHT"): 150.0, ("MOST7T1", "RIGHT"): 200.0,
           ("OBJ", "PAID4T1"): -58.0, ("OBJ", "PAID7T1"): -80.0}),
    (0.4, {("MOST4T1", "RIGHT"): 100.0, ("MOST7T1", "RIGHT"): 150.0,
           ("OBJ", "PAID4T1"): -51.0, ("OBJ", "PAID7T1"): -70.0}),
]  # fmt: skip

# Links between six places, in the order of their number; capacities; routes as places passed.
PHONE_LINKS = ("12", "13", "14", "24", "25", "34", "45", "36")
PHONE_CAPACITY = (2.0, 2.0, 4.0, 4.0, 2.0, 4.0, 3.0, 1.0)
PHONE_ROUTES = {
    "12": "12 142 1452 1342 13452",
    "13": "13 143 1243 12543",
    "14": "14 124 1254 134",
    "15": "125 1245 145 1425 1345 13425",
    "16": "136 1436 12436 125436",
    "23": "213 2143 243 2543 25413 2413",
    "24": "24 214 2134 254",
    "25": "25 245 2145 21345",
    "26": "2136 21436 2436 24136 25436 254136",
    "34": "34 314 3124 31254",
    "35": "345 3425 3145 31425 34125 31245 3125",
    "36": "36",
    "45": "45 425 4125 43125",
    "46": "436 4136 42136 452136",
    "56": "5436 54136 52436 524136 52136 542136 521436",
}
PHONE_DEMAND = dict(
    zip(
        PHONE_ROUTES,
        (3.0, 4.4, 5.0, 5.2, 2.1, 4.6, 5.0, 5.3, 1.1, 6.2, 6.3, 3.1, 7.1, 1.4, 2.1),
        strict=True,
    )
)


def phone():
    """Expansion of links of a telephone network; unserved requests cost one each."""
    writer = Writer("PHONE")
    writer.row("L", "BUDGET", 3.0)
    for number, (link, capacity) in enumerate(zip(PHONE_LINKS, PHONE_CAPACITY, strict=True)):
        writer.row("L", f"LINK{link}", capacity, stage=2)
        writer.column(f"X{number}", BUDGET=1.0, **{f"LINK{link}": -1.0})
    for pair, routes in PHONE_ROUTES.items():
        writer.row("E", f"PAIR{pair}", stage=2)
        for route in routes.split():
            used = {"LINK" + "".join(sorted(route[i : i + 2])) for i in range(len(route) - 1)}
            writer.column(f"F{route}", stage=2, **dict.fromkeys(used, 1.0), **{f"PAIR{pair}": 1.0})
        writer.column(f"UNSERVED{pair}", 1.0, stage=2, **{f"PAIR{pair}": 1.0})
    return writer
