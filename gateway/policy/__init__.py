"""The only place that limits, waits and asks again. Each wrapper is a `Model` around a `Model`.

From the outside in: `Priced` (money), `Retrying` (again, after what may pass), `Breaker` (not at all, while the other side is down),
`Paced` (requests and tokens a minute), `Limited` (calls at once). `govern` puts on what an entry asks for. A model with batches has
`Posted` in place of the last three.
"""

from __future__ import annotations

from gateway.entry import Entry
from gateway.policy.breaker import Breaker
from gateway.policy.line import Limited
from gateway.policy.pace import Paced
from gateway.policy.posted import Posted
from gateway.policy.purse import Priced, Purse
from gateway.policy.retrying import Retrying
from gateway.vendors import Vendor
from gateway.within import Within
from kernel.contract import Model

__all__ = ["Breaker", "Limited", "Paced", "Posted", "Priced", "Purse", "Retrying", "govern"]

BATCHES = 5
"""Batches that a request goes into before it counts as failed."""


def govern(name: str, model: Model, entry: Entry, purse: Purse, *, supervised: bool) -> Model:
    """The model with what its entry allows: time for a call, calls at once, pace and money; and asked again where that helps."""
    if entry.deadline is not None:
        model = Within(model, entry.deadline)
    if entry.at_once is not None:
        model = Limited(model, entry.at_once)
    if not isinstance(entry, Vendor):
        return Retrying(model, supervised=supervised)
    if entry.mode == "batch":
        model = Retrying(Posted(model, name), attempts=BATCHES, supervised=supervised)
        return model if entry.price is None else Priced(model, entry.price, purse, usual_answer=entry.max_tokens)
    if entry.requests_per_minute or entry.tokens_per_minute:
        model = Paced(model, requests=entry.requests_per_minute, tokens=entry.tokens_per_minute)
    model = Retrying(Breaker(model, name), supervised=supervised)
    return model if entry.price is None else Priced(model, entry.price, purse, usual_answer=entry.max_tokens)
