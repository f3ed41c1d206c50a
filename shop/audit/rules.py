"""What an invariant is: an id, a sentence, and how to find what breaks it.

Most are one statement of SQL that gives a row for each thing that is wrong and none in a healthy shop: its first column names the thing (an order's
number, a SKU, an id), the others are the facts. They run on both databases: CAST, CASE and ``||`` only, moments as parameters. Some need Python
(files, hashes, numbers of cards); those read in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from shop.db import UtcDateTime, connection

MOST = 200  # findings that are kept of one rule; more are counted as "and more"
MOMENTS = {"now": timedelta(), "ago_15m": timedelta(minutes=15), "ago_1h": timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: ``ref`` names it, ``facts`` say how."""

    ref: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """``net=-2, held=3``."""
        return ", ".join(f"{name}={value}" for name, value in self.facts.items())


Check = Callable[[datetime], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant. ``id`` as in the handbook of the shop (I01 …); several rules may share its number."""

    id: str
    sentence: str
    check: Check


RULES: dict[str, Rule] = {}


def sql(rule_id: str, sentence: str, statement: str) -> None:
    """Register an invariant that is one statement. ``:ago_15m``, ``:ago_1h`` and ``:now`` are moments."""
    prepared = _prepare(statement)

    def check(at: datetime) -> Iterator[Finding]:
        wanted = prepared.compile().params.keys()
        moments = {name: moment for name, moment in _moments(at).items() if name in wanted}
        found = connection().execute(prepared, moments)
        for row in found.mappings():
            names = [str(name) for name in row]
            yield Finding(str(row[names[0]]), {name: _plain(row[name]) for name in names[1:]})

    _register(Rule(rule_id, sentence, check))


def by_python(rule_id: str, sentence: str) -> Callable[[Check], Check]:
    """Register an invariant that is a function of the moment."""

    def register(check: Check) -> Check:
        _register(Rule(rule_id, sentence, check))
        return check

    return register


def _register(rule: Rule) -> None:
    if rule.id in RULES:
        raise ValueError(f"two rules are called {rule.id}")
    RULES[rule.id] = rule


def _prepare(statement: str) -> TextClause:
    """Set apart by MATERIALIZED: for the first 201 rows of a healthy shop, which has none, PostgreSQL would choose plans that never end."""
    limited = f"WITH found AS MATERIALIZED ({statement.strip()}) SELECT * FROM found LIMIT {MOST + 1}"  # noqa: S608 - from this package
    names = [name for name in MOMENTS if f":{name}" in limited]
    return text(limited).bindparams(*(bindparam(name, type_=UtcDateTime()) for name in names))


def _moments(at: datetime) -> dict[str, datetime]:
    return {name: at - past for name, past in MOMENTS.items()}


def _plain(value: Any) -> Any:
    """As JSON knows it."""
    if isinstance(value, Decimal):
        return int(value)
    return value if isinstance(value, int | str | bool) or value is None else str(value)
