# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first chain
#
# This notebook loads the chain of rare earths, looks at it, stops one flow and reads the result. It is kept as text and runs with every change of the library;
# `CHOKEPOINT_FAST=1` makes it use fewer draws.

# %%
import os

import chokepoint as cp

FAST = os.environ.get("CHOKEPOINT_FAST", "0") == "1"
chain = cp.load("rare_earths")
chain

# %% [markdown]
# A chain is a set of tables. Each property returns a copy, so nothing that happens here can change the chain.

# %%
chain.sites.head()

# %% [markdown]
# Where do the sites of a product stand? Shares of output by country, for sintered magnets:

# %%
magnets = chain.nodes[chain.nodes["product"].isin(chain.products_in("ndfeb_sintered"))]
output = magnets[magnets["kind"] == "site"].groupby(["product", "country"])["output_qty"].sum()
shares = output / output.groupby("product").transform("sum")
shares.unstack("product").round(3)

# %% [markdown]
# ## One ban
#
# China stops nine tenths of its sintered magnets for the United States, for half a year. The empty scenario runs along as a check: its loss is exactly zero.

# %%
ban = cp.Scenario(
    "magnet ban",
    [cp.ExportBan(by="CHN", against="USA", products="ndfeb_sintered", severity=0.9, weeks=26)],
)
outcome = cp.simulate(chain, [cp.Scenario("baseline"), ban], weeks=26 if FAST else 104)
losses = outcome.loss(by="country")
assert (losses.loc["baseline"] == 0.0).all()
losses.loc["magnet ban"].sort_values(ascending=False).head(8).round(1)

# %% [markdown]
# The first plants stop when stock and goods in transit have run out, not when the ban starts.

# %%
outcome.time_to_impact().loc["magnet ban"].sort_values().head(8)

# %% [markdown]
# Unmet final demand is another number in another unit. It is never added to the loss.

# %%
outcome.unmet(by="country").loc["magnet ban"].sort_values(ascending=False).head(8).round(1)
