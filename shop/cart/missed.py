"""Why a code does not count, and what would make it, in words for customers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from shop.catalog.tree import category_tree
from shop.money import format_minor
from shop.pricing.promotions import Missed, MissedReason, Scope

NAMED_MOST = 3
R = MissedReason


def say_missed(missed: Missed, locale: str) -> str:
    """One sentence, or two. Never inside a transaction where goods are named: names come from memory."""
    return str(SAYINGS[missed.reason](missed, locale))


def _goods(scope: Scope, locale: str) -> str:
    """ "Books", "Books or Prints"; "" where it is about all goods, or about some that have no name in memory."""
    if not scope.category_ids or scope.product_ids or scope.variant_ids or len(scope.category_ids) > NAMED_MOST:
        return ""
    shelves = category_tree(locale).by_id
    return str(_(" or ")).join(sorted(shelves[id_].name for id_ in scope.category_ids if id_ in shelves))


def _more(missed: Missed, locale: str) -> str:
    """How much more it takes: "€4.10 of Books", "2 pieces of Books"."""
    goods = _goods(missed.scope, locale)
    is_some = not missed.scope.is_everything and not goods
    if missed.missing_minor:
        amount = format_minor(missed.missing_minor, current_app.extensions["config"].currency, locale)
        if goods:
            return str(_("%(amount)s of %(goods)s", amount=amount, goods=goods))
        return str(_("%(amount)s of the goods that it is for", amount=amount)) if is_some else amount
    count = missed.missing_count or 1
    if goods:
        return str(ngettext("one piece of %(goods)s", "%(num)d pieces of %(goods)s", count, goods=goods))
    if is_some:
        return str(ngettext("one piece of the goods that it is for", "%(num)d pieces of the goods that it is for", count))
    return str(ngettext("one piece", "%(num)d pieces", count))


def _reachable(missed: Missed, locale: str) -> Any:
    if missed.reason is R.NEXT_TIER:
        return _("Add %(more)s, and “%(offer)s” gives you more.", more=_more(missed, locale), offer=missed.label)
    if missed.code:
        return _("%(code)s counts as soon as you add %(more)s.", code=missed.code, more=_more(missed, locale))
    return _("Add %(more)s for “%(offer)s”.", more=_more(missed, locale), offer=missed.label)


def _no_goods(missed: Missed, locale: str) -> Any:
    goods = _goods(missed.scope, locale)
    if goods:
        return _("%(name)s is for %(goods)s. There is none in your cart yet.", name=_name(missed), goods=goods)
    return _("%(name)s is for certain goods. There are none of them in your cart yet.", name=_name(missed))


def _name(missed: Missed) -> str:
    return missed.code or missed.label


def _day(missed: Missed) -> str:
    return str(format_date(date.fromisoformat(missed.on), "long"))


def _expired(missed: Missed, _locale: str) -> Any:
    if missed.on:
        return _("%(code)s was valid until %(day)s.", code=_name(missed), day=_day(missed))
    return _("%(code)s is not valid any more.", code=_name(missed))


SAYINGS: dict[MissedReason, Callable[[Missed, str], Any]] = {
    R.EXPIRED: _expired,
    R.NOT_YET: lambda missed, _locale: _("%(code)s counts from %(day)s on.", code=_name(missed), day=_day(missed)),
    R.USED_UP: lambda missed, _locale: _("%(code)s has been used as often as it can be.", code=_name(missed)),
    R.USED_BY_YOU: lambda missed, _locale: _("You have used %(code)s already, as often as one person can.", code=_name(missed)),
    R.LOG_IN: lambda missed, _locale: _("%(code)s is for certain customers. Sign in, then use it.", code=_name(missed)),
    R.UNKNOWN: lambda _missed, _locale: _("We do not know this code. Look whether it is typed as it was given to you."),
    R.TWICE: lambda missed, _locale: _(
        "A code of the same offer is in your cart already; %(code)s would change nothing.", code=_name(missed)
    ),
    R.GROUP: lambda missed, _locale: _("%(code)s is for certain customers, and your account is not among them.", code=_name(missed)),
    R.NO_GOODS: _no_goods,
    R.MINIMUM_AMOUNT: _reachable,
    R.MINIMUM_COUNT: _reachable,
    R.BUY_MORE: _reachable,
    R.NEXT_TIER: _reachable,
    R.NO_DELIVERY: lambda missed, _locale: _("%(code)s is for the delivery, and not for the one that is chosen now.", code=_name(missed)),
    R.BETTER: lambda missed, _locale: _("“%(other)s” takes off more. Only one of the two counts.", other=missed.other),
    R.EXCLUSIVE: lambda missed, _locale: _("“%(other)s” takes off more, and does not go together with others.", other=missed.other),
    R.NOTHING_LEFT: lambda missed, _locale: _("There is nothing left that %(code)s could take off.", code=_name(missed)),
}
