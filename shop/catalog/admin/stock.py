"""Stock for staff: how many there are of what, and the ledger that says why."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from shop.catalog.admin import staff
from shop.catalog.admin.acting import put_problem
from shop.catalog.services import book_stock, record_stock, set_stock_level
from shop.catalog.staff_forms.shelves import UNCOUNTED, CountForm, StockForm, count_form, stock_form
from shop.catalog.staff_stock import StockRow, StockView, count_stock_tasks, get_stock, list_movements
from shop.catalog.staff_stock import list_stock as list_all
from shop.clock import now
from shop.errors import Conflict, Invalid
from shop.inventory.services import Backorder
from shop.media.urls import image_view
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.locale import current_locale
from shop.web.pagination import Page
from shop.web.staff import needs


class StockFilters(Filters):
    """``?view=low&q=mug``."""

    view = Word(StockView, load_default=None)


class LedgerFilters(Filters):
    """Only a place in the list."""


@staff.get("/stock")
@needs("products.view")
def list_stock() -> ResponseReturnValue:
    """Variants and how many there are of each; the numbers can be written at once."""
    page = _page()
    return _list(page, count_form(page.items, fresh=True))


def _page() -> Page[StockRow]:
    chosen = load_filters(StockFilters())
    return list_all(chosen["view"], chosen["q"], current_locale(), cursor=chosen["cursor"])


def _list(page: Page[StockRow], form: CountForm, status: int = 200) -> ResponseReturnValue:
    counted = count_stock_tasks()
    views = [
        view_of(_("Low or sold out"), counted.low, view="low"),
        view_of(_("Sold out"), counted.sold_out, view="sold_out"),
        view_of(_("All")),
        view_of(_("Not counted"), view="uncounted"),
    ]
    rendered = render_template(
        "catalog/admin/list_stock.html",
        page=page,
        form=form,
        views=views,
        chosen=load_filters(StockFilters()),
        counted=counted,
        here_with=here_with,
        image_view=image_view,
    )
    return rendered, status


@staff.post("/stock")
@needs("stock.edit")
def book() -> ResponseReturnValue:
    """Book the numbers of this page: all of them or none."""
    page = _page()
    form = count_form(page.items)
    if not form.validate_on_submit():
        return _list(page, form, 422)
    try:
        book_stock(form.numbers, reason=form.reason.data, by=current_user.email, at=now())
    except (Conflict, Invalid) as problem:
        put_problem(form, problem)
        return _list(page, form, problem.status)
    booked = len(form.numbers)
    flash(
        ngettext("%(num)s variant is booked.", "%(num)s variants are booked.", booked) if booked else _("Nothing was written."), "success"
    )
    return redirect(_here(), 303)


def _here() -> str:
    """The same page of the list again."""
    asked: dict[str, Any] = request.args.to_dict()
    kept = {name: asked[name] for name in ("view", "q", "cursor") if name in asked}
    return url_for("admin.catalog_staff.list_stock", **kept)


@staff.get("/stock/<int:variant_id>")
@needs("products.view")
def show_ledger(variant_id: int) -> ResponseReturnValue:
    """One variant's stock: set it, and every reason why it ever changed."""
    item = get_stock(variant_id, current_locale())
    return _ledger(item, stock_form(item, fresh=True))


def _ledger(item: StockRow, form: StockForm, status: int = 200) -> ResponseReturnValue:
    chosen = load_filters(LedgerFilters())
    movements = list_movements(item.variant.id, item.variant.on_hand or 0, cursor=chosen["cursor"])
    page = render_template("catalog/admin/show_ledger.html", item=item, form=form, movements=movements, chosen=chosen, here_with=here_with)
    return page, status


@staff.post("/stock/<int:variant_id>")
@needs("stock.edit")
def set_stock(variant_id: int) -> ResponseReturnValue:
    """How many there are, why, and from which number on that is few."""
    item = get_stock(variant_id, current_locale())
    form = stock_form(item)
    if not form.validate_on_submit():
        return _ledger(item, form, 422)
    try:
        _write(item, form)
    except (Conflict, Invalid) as problem:
        put_problem(form, problem)
        return _ledger(item, form, problem.status)
    flash(_("Booked."), "success")
    return redirect(url_for("admin.catalog_staff.show_ledger", variant_id=variant_id), 303)


def _write(item: StockRow, form: StockForm) -> None:
    """An empty number leaves the number alone."""
    variant_id, number, reason, by = item.variant.id, form.number.data, form.reason.data, current_user.email
    if reason == UNCOUNTED:
        set_stock_level(variant_id, None, low_at=form.low_at.data, by=by, at=now())
        return
    backorder = Backorder(form.backorder_to.data or 0, form.lead_days.data or 0)
    record_stock(variant_id, number, reason=reason, low_at=form.low_at.data, backorder=backorder, by=by, at=now())
