"""SupplyChain: validated tables that never change, and the views computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from chokepoint.chain import _graph, _summary
from chokepoint.chain._assemble import Draft, assemble, blank_derived, complete_values
from chokepoint.chain._balance import balance, with_residuals
from chokepoint.chain._fit import FlowEstimate, estimate_flows, wants_estimate
from chokepoint.chain._identity import digest, same_tables
from chokepoint.chain._industries import IndustryTable
from chokepoint.chain._industry_frames import (
    balance_frame,
    edge_frame,
    industry_tables,
    slot_frame,
)
from chokepoint.chain._io_options import IoOptions
from chokepoint.chain._io_table import read_io_table
from chokepoint.chain._links import Links, links_of
from chokepoint.chain._properties import TableProperties
from chokepoint.chain._provenance import Chosen, Provenance, provenance_of
from chokepoint.chain._recipes import recipes
from chokepoint.chain._rules import check_balance, check_structure
from chokepoint.chain._select import select_areas, select_products
from chokepoint.chain._stored import Stored
from chokepoint.chain._table_store import TableStore, refuse_long
from chokepoint.chain._views import edge_view, node_view, slot_view
from chokepoint.errors import ImmutableError, TableError

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SupplyChain"]


class SupplyChain(Stored, TableProperties):
    """A supply chain: tables of products, sites, recipes, flows and markets, validated once.

    A chain never changes: no attribute can be set, and every property returns a copy. A change
    makes a new chain (:meth:`replace`). Quantities are per year in each product's own unit, money
    in USD million per year at baseline prices.

    Rows keep the order in which they were given, and labels, not positions, identify them: chains
    whose tables hold the same rows in another order are equal. The columns of the tables are
    explained by :func:`chokepoint.schema.describe`.

    See Also
    --------
    chokepoint.load : read one of the shipped chains.

    Examples
    --------
    >>> chain = cp.SupplyChain.from_tables(
    ...     products=pd.DataFrame({"product": ["ore", "metal"], "tier": [0, 1]}),
    ...     sites=pd.DataFrame(
    ...         {"product": ["ore", "metal"], "country": ["CHN", "JPN"], "output_qty": [20.0, 10.0]}
    ...     ),
    ...     inputs=pd.DataFrame({"product": ["metal"], "input": ["ore"], "quantity": [2.0]}),
    ...     markets=pd.DataFrame({"product": ["metal"], "country": ["JPN"], "quantity": [10.0]}),
    ...     name="one mine",
    ... )
    >>> chain
    <SupplyChain 'one mine'>
      nodes: 2 products, 2 sites, 1 markets in 2 areas
      flows: 2 (0 reported), 0 dormant
      sites by tier: 0: 1, 1: 1
      confidence: A 0%, B 0%, C 0%, D 100% of 8 rows (flows not counted)
    >>> chain.edges[["supplier", "buyer", "quantity"]]
        supplier             buyer  quantity
    0    ore@CHN         metal@JPN      20.0
    1  metal@JPN  market:metal@JPN      10.0
    """

    __slots__ = ("_cache", "_fit", "_name", "_tables")

    _cache: dict[str, Any]
    _fit: FlowEstimate | None
    _name: str
    _tables: Mapping[str, pd.DataFrame]

    def __init__(self) -> None:
        raise TypeError("build a chain with SupplyChain.from_tables, .read or .from_networkx")

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, pd.DataFrame] | None = None,
        *,
        name: str = "chain",
        **frames: pd.DataFrame | None,
    ) -> SupplyChain:
        """Build a chain from tables.

        Parameters
        ----------
        tables : mapping of DataFrame, optional
            Tables by name.
        name : str
            Name of the chain; not part of its identity.
        **frames : DataFrame
            Tables as keywords (``products=..., sites=...``); they win over `tables`. `products`
            and `sites` are required. Where `countries` is missing it lists the codes used. Where
            `inputs` is missing, recipes are read off the flows. Where `flows` is missing, or all
            its rows are marked "reported" and do not fill every slot, flows are estimated (see
            :attr:`fit`); `preferences` and rows of `trade` with role "fit" steer the estimate.

        Returns
        -------
        SupplyChain

        Raises
        ------
        TableError
            If anything is wrong with the tables: every problem is listed in one error.
        InfeasibleError
            If flows are to be estimated and the totals leave no room for any.
        ConvergenceError
            If the estimate does not reach its tolerance.
        """
        given = {**(tables or {}), **frames}
        draft = assemble({key: frame for key, frame in given.items() if frame is not None})
        check_structure(draft)
        _raise(draft)
        fit = None
        if wants_estimate(draft.tables, draft.recipe):
            fit = estimate_flows(draft.tables, recipe=draft.recipe)
            draft.tables["flows"] = fit.flows
            draft.rows["flows"] = list(fit.flows.index)
            complete_values(draft.tables)
        check_balance(draft)
        _raise(draft)
        cache = {"recipes": draft.recipe}
        return cls._from_trusted(draft.tables, name=name, fit=fit, cache=cache)

    @classmethod
    def from_io_table(
        cls,
        table: pd.DataFrame | Any,
        final_demand: pd.DataFrame | None = None,
        *,
        name: str = "table",
        usd_million: float = 1.0,
        output: pd.Series | pd.DataFrame | None = None,
        inventories: Any = 4.0,
        criticality: Any = 1.0,
        throttle: float | None = None,
        reorder_weeks: Any = 4.0,
        ramp_max: Any = 1.1,
        ramp_weeks: Any = 26.0,
        growth_max: float | None = None,
        areas: Mapping[str, str] | None = None,
        residual: Sequence[str] = (),
        tolerance: float = 1e-3,
    ) -> SupplyChain:
        r"""Build a chain from an input-output table of one or several regions.

        Every industry becomes a site ``SECTOR@REGION``, every sector that it buys from a slot:
        sellers in different regions replace one another inside a slot, sectors do not. Final
        demand becomes a market for each sector in each consuming region.

        .. math::
            x_i = \sum_j Z_{ij} + \sum_r Y_{ir}, \qquad
            a_{si} = \frac{1}{x_i} \sum_{j \in s} Z_{ji}, \qquad
            v_i = x_i - \sum_j Z_{ji}

        are output, input of sector s per unit of output, and value added.

        Parameters
        ----------
        table : DataFrame or pymrio.IOSystem
            Flows Z per year with (region, sector) labels on both axes, seller in the rows; or a
            system with ``Z``, ``Y`` and ``x`` as the only table.
        final_demand : DataFrame
            Final demand Y per year: the same rows; columns are regions or (region, category).
        name : str
            Name of the chain.
        usd_million : float
            Millions of US dollars per unit of the table.
        output : Series, optional
            Output x by industry, checked against the sums of the rows.
        inventories : float, None, Series or DataFrame
            Stock cover [weeks of use]: one number, one per input sector, or a frame with input
            sectors in the rows and using sectors or industries in the columns. None or infinite:
            the input never binds, and is ordered as it is used.
        criticality : float, Series or DataFrame
            How hard an industry stops without the input, in [0, 1]; given like `inventories`.
        throttle : float, optional
            Share of full cover (stock and one week's arrivals) below which production slows
            down, the parameter psi of inventory models; None = one week's use.
        reorder_weeks : float, Series or DataFrame
            Weeks over which gaps of the stock are reordered; given like `inventories`.
        ramp_max, ramp_weeks : float or Series
            Largest output over baseline output and its time constant [weeks]: one number, one
            per sector or one per (region, sector).
        growth_max : float, optional
            Growth over the baseline flow that a supplier delivers without being qualified
            anew (share); None = no limit.
        areas : mapping, optional
            New codes of regions, for instance ``{"DE": "DEU"}``.
        residual : sequence of str
            Areas that stand for the rest of the world or of a continent and are no actors. Codes
            such as ROW, WA or X_WLD count as such without being named.
        tolerance : float
            Largest relative gap between output and the sum of sales that is overlooked; the sum
            of sales is then taken as the output.

        Returns
        -------
        SupplyChain
            Its flows stay in a matrix (:attr:`links`); tables and views with a row per flow are
            made when asked for. Above a million flows it cannot be written, edited table by
            table or made a graph.

        Raises
        ------
        TableError
            If labels differ, entries are negative or missing, an industry buys and does not
            sell, the table is not balanced, or an option fits no sector: all problems at once.

        Notes
        -----
        Industries that neither buy nor sell stay as sites without flows. The defaults of
        inventories, reordering and ramp-up are assumptions (grade C).

        Examples
        --------
        >>> industries = pd.MultiIndex.from_product([["NOR", "DEU"], ["energy", "goods"]])
        >>> flows = [[0, 2, 0, 6], [1, 0, 0, 1], [0, 1, 1, 3], [1, 2, 1, 4]]
        >>> Z = pd.DataFrame(flows, industries, industries, dtype=float)
        >>> Y = pd.DataFrame({"NOR": [3.0, 4, 0, 2], "DEU": [5.0, 2, 4, 20]}, industries)
        >>> chain = cp.SupplyChain.from_io_table(Z, Y)
        >>> chain
        <SupplyChain 'table'>
          nodes: 2 products, 4 sites, 4 markets in 2 areas
          flows: 18 (18 reported), 0 dormant
          sites by tier: 0: 4
          confidence: A 0%, B 0%, C 0%, D 100% of 19 rows (flows not counted)
        >>> chain.inputs.loc[chain.inputs["site"] == "goods@DEU", ["input", "quantity"]]
            input  quantity
        5  energy  0.300000
        6   goods  0.166667
        """
        options = IoOptions(
            usd_million=usd_million,
            output=output,
            inventories=inventories,
            criticality=criticality,
            throttle=throttle,
            reorder_weeks=reorder_weeks,
            ramp_max=ramp_max,
            ramp_weeks=ramp_weeks,
            growth_max=growth_max,
            areas=areas or {},
            residual=tuple(residual),
            tolerance=tolerance,
        )
        industries = read_io_table(table, final_demand, options)
        return cls._from_trusted(industry_tables(industries), name=name)

    @classmethod
    def from_networkx(cls, graph: nx.Graph[Any], *, name: str | None = None) -> SupplyChain:
        """Build a chain from a directed graph whose edges run from supplier to buyer.

        Parameters
        ----------
        graph : DiGraph or MultiDiGraph
            Either one made by :meth:`to_networkx`, or any with node attributes `product`,
            `country`, and `output_qty` (the sum of its flows where left out) or
            ``kind="market"``, and the edge attribute `quantity` per year. In the second case
            every input product is a slot of its own and recipes are flow / output. Other
            attributes named like columns of `sites`, `markets` and `flows` are used too. Sites
            that share product and country take the node's name as their firm.
        name : str, optional
            Name of the chain; the graph's where left out.

        Examples
        --------
        >>> import networkx as nx
        >>> graph = nx.DiGraph()
        >>> graph.add_node("mine", product="ore", country="CHN")
        >>> graph.add_node("smelter", product="metal", country="JPN")
        >>> graph.add_node("users", product="metal", country="JPN", kind="market")
        >>> graph.add_edge("mine", "smelter", quantity=20.0)
        >>> graph.add_edge("smelter", "users", quantity=10.0)
        >>> chain = cp.SupplyChain.from_networkx(graph)
        >>> chain.inputs[["product", "input", "quantity"]].values.tolist()
        [['metal', 'ore', 2.0]]
        """
        tables, graph_name = _graph.graph_tables(graph)
        return cls.from_tables(tables, name=graph_name if name is None else name)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Return the chain as a graph: nodes are sites and markets, edges are flows.

        Nodes carry `kind` ("site" or "market") and the columns of their table; edges the columns
        of `flows`, with the slot as key. All other tables ride in ``graph.graph["tables"]``, so
        that ``SupplyChain.from_networkx(chain.to_networkx()) == chain``.
        """
        advice = "chain.links has its flows as arrays, which a sparse matrix takes as they are."
        refuse_long(self._tables, "make a graph", advice)
        return _graph.chain_graph(self._tables, name=self._name)

    def replace(self, **tables: pd.DataFrame | None) -> SupplyChain:
        """Return a new chain in which some tables are others; None drops a table.

        Values in USD million that follow from quantity x price are derived again. With
        ``flows=None`` the flows are estimated anew; to hold the reported ones, pass only those.

        Examples
        --------
        >>> chain = cp.SupplyChain.from_tables(
        ...     products=pd.DataFrame({"product": ["ore"]}),
        ...     sites=pd.DataFrame({"product": ["ore"], "country": ["CHN"], "output_qty": [5.0]}),
        ...     markets=pd.DataFrame({"product": ["ore"], "country": ["CHN"], "quantity": [5.0]}),
        ... )
        >>> more = chain.replace(
        ...     sites=chain.sites.assign(output_qty=8.0),
        ...     markets=chain.markets.assign(quantity=8.0),
        ...     flows=None,
        ... )
        >>> float(more.flows["quantity"].sum())
        8.0
        """
        advice = "Change the input-output table or the options and build the chain again."
        refuse_long(self._tables, "change its tables", advice)
        given: dict[str, pd.DataFrame | None] = {**self._tables, **tables}
        frames = {key: frame for key, frame in given.items() if frame is not None}
        return SupplyChain.from_tables(blank_derived(self._tables, frames), name=self._name)

    @classmethod
    def _from_trusted(
        cls,
        tables: Mapping[str, pd.DataFrame],
        *,
        name: str,
        fit: FlowEstimate | None = None,
        cache: Mapping[str, pd.DataFrame] | None = None,
    ) -> SupplyChain:
        """Build a chain from completed tables that are known to be valid, without checking."""
        chain = object.__new__(cls)
        object.__setattr__(chain, "_tables", tables)
        object.__setattr__(chain, "_name", name)
        object.__setattr__(chain, "_fit", fit)
        object.__setattr__(chain, "_cache", dict(cache or {}))
        return chain

    @property
    def name(self) -> str:
        """Name of the chain; not part of its identity."""
        return self._name

    @property
    def fit(self) -> FlowEstimate | None:
        """How the flows were estimated, None where they were given."""
        return self._fit

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Copies of all tables by name, in reading order; tables without rows included."""
        return {table: frame.copy() for table, frame in self._tables.items()}

    @property
    def nodes(self) -> pd.DataFrame:
        """Sites in table order, then markets: one row per node of the graph.

        Index `node` (label). Columns kind ("site", "market"), product, country, firm, cohort,
        sector, output_qty (units per year; a market's demand), value_usd_m and value_added_usd_m
        (per year; value added is 0 for markets and pure processes), ramp_max (ratio), ramp_weeks,
        surplus_weeks, process (label, "" for none), wanted (False for a by-product), is_process
        (True if it ships nothing itself), critical_weight and backlog_share (0 for sites), tier
        (the product's).
        """
        return self._view("nodes").copy()

    @property
    def slots(self) -> pd.DataFrame:
        """Needs of sites and markets, in the order of nodes.

        Index (buyer, slot). Columns need (units per year of the buyer's output), use_share,
        combine, criticality, stock_weeks, throttle_weeks, reorder_weeks, thrift_weekly,
        thrift_floor, decay_weekly, repair_weeks, storable (all its inputs can be stored). A market
        has one slot, `demand`, storable where the market holds a stock.
        """
        return self._view("slots").copy()

    @property
    def edges(self) -> pd.DataFrame:
        """Flows and dormant alternatives, in the order of slots, then suppliers.

        Columns supplier, buyer, slot, product, quantity (units of the input per year, 0 where
        dormant), recipe (input per unit of the buyer's output), growth_max (share, 0 where
        dormant), lead_weeks, qualification_weeks, max_share (NaN for flows), dormant, known.
        The share of a flow in its slot is ``quantity / recipe / need``.
        """
        return self._view("edges").copy()

    @property
    def links(self) -> Links:
        """Flows and dormant alternatives as positions and numbers, in the order of `edges`.

        Arrays that cannot be written to: what :attr:`edges` says, without labels and without the
        time that labels of very many flows take.
        """
        if "links" not in self._cache:
            self._cache["links"] = self._links()
        links: Links = self._cache["links"]
        return links

    def _links(self) -> Links:
        if self.industries is not None:
            return self.industries.links
        slots = self._view("slots").index
        return links_of(self._tables, self._view("nodes").index, slots, self._view("edges"))

    @property
    def industries(self) -> IndustryTable | None:
        """The arrays of the input-output table that the chain was made from, None for others."""
        return self._tables.source if isinstance(self._tables, TableStore) else None

    def areas(self, names: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the areas that codes and blocs stand for, in the order of `countries`.

        Parameters
        ----------
        names : str or iterable of str, optional
            A code ("CHN"), a bloc ("EU27"), several of them, or "WLD" or None for all areas.

        Raises
        ------
        UnknownLabelError
            If the chain has no such area or bloc; the message offers the nearest name.
        """
        return select_areas(self._tables, names)

    def products_in(self, names: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Return the products that products and groups stand for, in the order of `products`.

        Parameters
        ----------
        names : str or iterable of str, optional
            A product, a group, or several of them; None for all products.

        Raises
        ------
        UnknownLabelError
            If the chain has no such product or group; the message offers the nearest name.
        """
        return select_products(self._tables, names)

    def balance(self) -> pd.DataFrame:
        """Return the residuals of the accounting identities.

        Returns
        -------
        DataFrame
            One row per identity: identity ("output": flows out of a site = output; "slot": flows
            into a slot / recipe = output of the buyer; "child": output = yield x process output),
            node, slot, expected, actual, residual (actual - expected), relative
            (residual / expected). All relative residuals are at most 1e-9.
        """
        if self.industries is not None:
            return with_residuals(balance_frame(self.industries, self._tables))
        return balance(self._tables, self._view("recipes"))

    def provenance(
        self,
        products: str | Iterable[str] | None = None,
        countries: str | Iterable[str] | None = None,
        *,
        sites: str | Iterable[str] | None = None,
        tables: str | Iterable[str] | None = None,
        upstream: bool = False,
    ) -> Provenance:
        """Return the numbers behind a part of the chain: values, ranges, sources and grades.

        Parameters
        ----------
        products, countries, sites : str or iterable of str, optional
            Products and groups, areas and blocs, sites and markets asked about; None = all.
        tables : str or iterable of str, optional
            Tables to look into; None = all that hold numbers.
        upstream : bool
            Whether numbers of everything that supplies the chosen sites and markets belong too.

        Raises
        ------
        UnknownLabelError
            If the chain has no such product, area, site or table.

        Examples
        --------
        >>> chain = cp.load("rare_earths")
        >>> chain.provenance("ndfeb_sintered", "JPN", tables="sites").grades.columns.tolist()
        ['A', 'B', 'C', 'D', 'numbers', 'ranged']
        """
        chosen = Chosen.of(
            self._tables,
            self._view("nodes"),
            self._view("recipes"),
            products=products,
            countries=countries,
            sites=sites,
            links=(self.links.supplier, self.links.buyer) if upstream else None,
        )
        return provenance_of(self._tables, chosen, tables)

    def _view(self, key: str) -> pd.DataFrame:
        if key not in self._cache:
            self._cache[key] = _BUILDERS[key](self)
        frame: pd.DataFrame = self._cache[key]
        return frame

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a chain does not change."""
        raise ImmutableError(f"a chain does not change; chain.replace({name}=...) makes a new one")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: a chain does not change."""
        raise ImmutableError("a chain does not change; chain.replace(...) makes a new one")

    def __eq__(self, other: object) -> bool:
        """Return whether all tables hold the same rows; names and row order do not count."""
        if not isinstance(other, SupplyChain):
            return NotImplemented
        mine, theirs = self.industries, other.industries
        if mine is not None and theirs is not None and (mine is theirs or mine.same(theirs)):
            return True
        return same_tables(self._tables, other._tables)

    def __hash__(self) -> int:
        """Return a hash of the tables' contents."""
        if "hash" not in self._cache:
            self._cache["hash"] = digest(self._tables)
        return int(self._cache["hash"])

    def __reduce__(self) -> tuple[Callable[..., SupplyChain], tuple[Any, ...]]:
        """Pickle tables and name; views are computed again."""
        return _unpickle, (self._tables, self._name, self._fit)

    def __copy__(self) -> SupplyChain:
        """Return the chain itself, which never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SupplyChain:
        """Return the chain itself, which never changes."""
        return self

    def __repr__(self) -> str:
        """Return counts, tiers and confidence in a few lines."""
        return _summary.text(self._tables, self._name)

    def _repr_html_(self) -> str:
        """Return the same facts as a table, with the most concentrated products."""
        return _summary.html(self._tables, self._name)


def _slots(chain: SupplyChain) -> pd.DataFrame:
    if chain.industries is not None:
        return slot_frame(chain.industries, chain._tables)
    return slot_view(chain._tables, chain._view("recipes"))


def _edges(chain: SupplyChain) -> pd.DataFrame:
    if chain.industries is not None:
        return edge_frame(chain.industries, chain._tables)
    return edge_view(chain._tables, chain._view("recipes"), chain._view("slots"))


_BUILDERS: dict[str, Callable[[SupplyChain], pd.DataFrame]] = {
    "recipes": lambda chain: recipes(chain._tables),
    "nodes": lambda chain: node_view(chain._tables),
    "slots": _slots,
    "edges": _edges,
}


def _unpickle(
    tables: Mapping[str, pd.DataFrame], name: str, fit: FlowEstimate | None
) -> SupplyChain:
    return SupplyChain._from_trusted(tables, name=name, fit=fit)


def _raise(draft: Draft) -> None:
    if draft.issues:
        sizes = {table: len(frame) for table, frame in draft.tables.items()}
        raise TableError(draft.issues, sizes=sizes)
