"""The pages of the back office that belong to no feature: the day, the search field, the keys."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from shop.admin import bp
from shop.admin.chart import change, draw, title_of_days
from shop.admin.queries import count_low_stock, find_goods, list_low_stock, list_sales
from shop.admin.times import today_here
from shop.auth.permissions import OFFICE
from shop.mail.queries import NEEDS_PERSON, count_mails, list_all_mails
from shop.money import Money
from shop.order.queries import find_order
from shop.order.worklist import Wanted, count_work, list_work
from shop.outbox.models import DeliveryState
from shop.outbox.queries import count_dead, count_retrying, list_deliveries
from shop.web.lists import Filters, load_filters
from shop.web.locale import current_locale
from shop.web.staff import needs

DAYS = 30
SHOWN = 8


@bp.get("", strict_slashes=False)
@needs(OFFICE)
def dashboard() -> ResponseReturnValue:
    """The day: what is to be done, what was sold, what needs a person."""
    today = today_here()
    sales = list_sales(today, 2 * DAYS)
    before, now = sales[:DAYS], sales[DAYS:]
    sums = [sum((day.total for day in part), Money.zero(now[0].total.currency)) for part in (now, before)]
    counts = [sum(day.orders for day in part) for part in (now, before)]
    return render_template(
        "admin/dashboard.html",
        today=today,
        work=count_work(),
        low=count_low_stock(),
        stock_url=_stock_url(),
        low_stock=list_low_stock(current_locale(), most=SHOWN),
        mails_failed=count_mails(*NEEDS_PERSON),
        dead=count_dead(),
        retrying=count_retrying(),
        failed_mails=list_all_mails(states=NEEDS_PERSON).items[:4],
        dead_letters=list_deliveries(state=DeliveryState.DEAD).items[:4],
        orders=list_work(Wanted(), limit=SHOWN).items,
        sales=now,
        before=before,
        sums=sums,
        counts=counts,
        change=change,
        chart=draw(now, before),
        since=today - timedelta(days=DAYS - 1),
        days_title=title_of_days(now[0].day, today),
    )


def _stock_url() -> str:
    """The list of what runs low; its card on this page where the shop has no pages of stock."""
    endpoint = "admin.catalog_staff.list_stock"
    return url_for(endpoint, view="low") if endpoint in current_app.view_functions else "#low-stock"


@bp.get("/find")
@needs(OFFICE)
def find() -> ResponseReturnValue:
    """What the search field on every page leads to: an order by its number at once, else orders, customers and goods."""
    typed = load_filters(Filters())["q"]
    order = find_order(typed)
    if order is not None:
        return redirect(url_for("admin.order_staff.show_order", number=order.number), 303)
    orders = list_work(Wanted(search=typed), limit=SHOWN).items if typed else ()
    return render_template("admin/find.html", typed=typed, orders=orders, goods=find_goods(typed, current_locale()) if typed else ())


@bp.get("/keys")
@needs(OFFICE)
def show_keys() -> ResponseReturnValue:
    """Every key, and the switch that turns them off."""
    return render_template("admin/show_keys.html")
