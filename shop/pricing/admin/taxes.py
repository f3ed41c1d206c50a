"""Tax rates: what counts, what will, a new one from a day on, and how sales are taxed."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from shop.clock import now
from shop.customer.addresses import country_name
from shop.errors import Conflict, Invalid
from shop.pricing.admin import staff
from shop.pricing.queries import eu_sales, prices_include_tax
from shop.pricing.staff import list_rates
from shop.pricing.staff_forms import PressForm, RateForm, RulesForm, TableForm
from shop.pricing.tax import EuSales
from shop.pricing.taxes import adopt_rates, append_rate, set_tax_rules, withdraw_rate
from shop.web.locale import current_locale
from shop.web.staff import needs


@staff.get("/taxes")
@needs("pricing.edit")
def list_taxes() -> ResponseReturnValue:
    """All rates; ``?country=ES`` those of a country, with what is past."""
    return _list()


def _list(
    *, rate: RateForm | None = None, table: TableForm | None = None, rules: RulesForm | None = None, problem: str = "", status: int = 200
) -> ResponseReturnValue:
    country = request.args.get("country", "")[:2].upper()
    table, rules = table or TableForm(formdata=None), rules or RulesForm(formdata=None, data=_rules())
    table.offer(current_locale())
    rules.offer()
    found = list_rates(at=now(), country=country)
    page = render_template(
        "pricing/admin/list_taxes.html",
        rates=found if country else [one for one in found if one.state != "past"],
        country=country,
        country_name=lambda code: country_name(code, current_locale()),
        rate_form=rate or RateForm(formdata=None, data={"tax_class": "standard", "country": country}),
        table_form=table,
        rules_form=rules,
        press=PressForm(formdata=None),
        problem=problem,
    )
    return page, status


def _rules() -> dict[str, object]:
    return {"prices_include_tax": prices_include_tax(), "eu_sales": eu_sales().value}


def _back(country: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("admin.pricing_staff.list_taxes", country=country), 303)


@staff.post("/taxes")
@needs("pricing.edit")
def add_tax() -> ResponseReturnValue:
    """Append a rate; earlier days keep theirs."""
    form = RateForm()
    if not form.validate_on_submit():
        return _list(rate=form, status=422)
    try:
        append_rate(form.rate, by=current_user.email, at=now())
    except Conflict as problem:
        form.form_errors.append(problem.detail)
        return _list(rate=form, status=409)
    flash(_("The rate is written. It counts from the midnight that begins its day."), "success")
    return _back(country=form.rate.country)


@staff.post("/taxes/table")
@needs("pricing.edit")
def adopt_table() -> ResponseReturnValue:
    """Take over what the tables know of a place."""
    form = TableForm()
    form.offer(current_locale())
    if not form.validate_on_submit():
        return _list(table=form, status=422)
    country, _dash, region = form.place.data.partition("-")
    try:
        number = adopt_rates(country, region, by=current_user.email, at=now())
    except Invalid as problem:
        return _list(table=form, problem=str(next(iter(problem.errors.values()))[0]), status=422)
    flash(
        ngettext("One rate was taken over.", "%(num)d rates were taken over.", number) if number else _("All of them stand here already."),
        "success",
    )
    return _back(country=country)


@staff.post("/taxes/rules")
@needs("pricing.edit")
def change_tax_rules() -> ResponseReturnValue:
    """How sales are taxed from now on."""
    form = RulesForm()
    form.offer()
    if not form.validate_on_submit():
        return _list(rules=form, status=422)
    set_tax_rules(prices_include_tax=bool(form.prices_include_tax.data), eu_sales=EuSales(form.eu_sales.data), at=now())
    flash(_("Saved. Orders that were placed keep their taxes."), "success")
    return _back()


@staff.post("/taxes/<int:rate_id>/withdrawal")
@needs("pricing.edit")
def withdraw_tax(rate_id: int) -> ResponseReturnValue:
    """Take a rate back that has not begun."""
    if not PressForm().validate_on_submit():
        return _list(problem=_("The page was open too long. Press again."), status=422)
    try:
        withdraw_rate(rate_id, at=now())
    except Conflict as problem:
        return _list(problem=problem.detail, status=409)
    flash(_("The rate is taken back. It had not begun."), "success")
    return _back()
