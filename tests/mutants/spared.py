"""Mutants that no test can tell from the rules, each with its reason. A name moves when its statement does; argue anew then."""

from __future__ import annotations

NEVER_NONE = "`most or 0` is for the type: a way to the door that does not take the basket has a most"
SPARED: dict[str, str] = {
    "delivery:9ed210e9": NEVER_NONE,
    "delivery:781c5a50": NEVER_NONE,
    "delivery:9164f6bf": "only the order of the three numbers counts, and 3, 1, 0 have the order of 2, 1, 0",
    "delivery:27bfef26": "only the order counts, and nothing else is below zero",
    "delivery:5b3d3e87": "without a first postcode the comparisons below are of empty texts, and true; asking first spares the work",
    "bargains:28749266": "a search by halves finds the same number wherever it looks first, as long as it looks above the lowest",
    "discounts:8ad8bdbd": "a cap of just what is taken off changes nothing, whether it is shared anew or not",
    "trace:b8156c3e": "blanks between the parts of a text for machines",
    "discounts:9ed210e9": "it puts unknown codes, which have no promotion, in an order, and their texts have ordered them before",
}
