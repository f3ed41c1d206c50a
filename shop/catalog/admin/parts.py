"""Options and attributes of a product for staff."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.catalog.admin import staff
from shop.catalog.admin.acting import put_problem, save
from shop.catalog.services import add_option, remove_option, set_attributes, shape_option
from shop.catalog.staff_forms.parts import ActForm, FactsForm, OptionForm, facts_form, option_form
from shop.catalog.staff_product import StaffOption, StaffProduct, get_product_of_option, get_staff_product, list_attributes
from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound
from shop.web.locale import current_locale
from shop.web.staff import needs

# Options


@staff.get("/products/<int:product_id>/options")
@needs("products.view")
def show_options(product_id: int) -> ResponseReturnValue:
    """What a product lets its buyer choose, and room for one more choice."""
    return _options(get_staff_product(product_id, at=now()))


def _options(product: StaffProduct, *, form: OptionForm | None = None, problem: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "catalog/admin/show_options.html",
        product=product,
        form=form or option_form(fresh=True),
        act_form=ActForm(formdata=None, version=product.version),
        problem=problem,
    )
    return page, status


@staff.post("/products/<int:product_id>/options")
@needs("products.edit")
def add_one_option(product_id: int) -> ResponseReturnValue:
    """One more choice; the variants that exist must then be given a value."""
    product = get_staff_product(product_id, at=now())
    form = option_form()
    if not form.validate_on_submit():
        return _options(product, form=form, status=422)
    try:
        add_option(product_id, form.names, form.values, at=now())
    except (Invalid, Conflict) as problem:
        put_problem(form, problem)
        return _options(product, form=form, status=problem.status)
    flash(_("The option is made."), "success")
    return redirect(url_for("admin.catalog_staff.show_options", product_id=product_id), 303)


@staff.get("/options/<int:option_id>")
@needs("products.view")
def show_option(option_id: int) -> ResponseReturnValue:
    """One choice with its values."""
    product, option = _get(option_id)
    return _option(product, option, option_form(option, version=product.version, fresh=True))


def _get(option_id: int) -> tuple[StaffProduct, StaffOption]:
    product = get_product_of_option(option_id, at=now())
    option = product.option(option_id)
    if option is None:
        raise NotFound(_("There is no such option."))
    return product, option


def _option(product: StaffProduct, option: StaffOption, form: OptionForm, status: int = 200) -> ResponseReturnValue:
    return render_template("catalog/admin/show_option.html", product=product, option=option, form=form), status


@staff.post("/options/<int:option_id>")
@needs("products.edit")
def change_option(option_id: int) -> ResponseReturnValue:
    """Its names and its values, all at once."""
    product, option = _get(option_id)
    form = option_form(option)

    def fresh() -> OptionForm:
        current, same = _get(option_id)
        return option_form(same, version=current.version, fresh=True)

    return save(
        form,
        lambda: shape_option(option_id, form.names, form.values, expected_version=product.version, at=now()),
        now=fresh,
        what=product.name,
        back=url_for("admin.catalog_staff.show_options", product_id=product.id),
        refuse=lambda status: _option(product, option, form, status),
        done=_("Saved."),
    )


@staff.post("/options/<int:option_id>/removal")
@needs("products.edit")
def remove_one_option(option_id: int) -> ResponseReturnValue:
    """Take a choice away that no variant uses."""
    product, _option_there = _get(option_id)
    if not ActForm().validate_on_submit():
        return _options(product, problem=_("The page was open too long. Look at it as it is now, and press again."), status=422)
    try:
        remove_option(option_id, at=now())
    except Conflict as problem:
        return _options(product, problem=problem.detail, status=409)
    flash(_("The option is taken away."), "success")
    return redirect(url_for("admin.catalog_staff.show_options", product_id=product.id), 303)


# Attributes


@staff.get("/products/<int:product_id>/attributes")
@needs("products.view")
def show_attributes(product_id: int) -> ResponseReturnValue:
    """What is known about a product, with room for one more: ``?more=height``."""
    product = get_staff_product(product_id, at=now())
    more = request.args.get("more", "")
    return _attributes(product, facts_form(product, list_attributes(current_locale()), more=more, fresh=True), more)


def _attributes(product: StaffProduct, form: FactsForm, more: str = "", status: int = 200) -> ResponseReturnValue:
    return render_template("catalog/admin/show_attributes.html", product=product, form=form, more=more), status


@staff.post("/products/<int:product_id>/attributes")
@needs("products.edit")
def set_facts(product_id: int) -> ResponseReturnValue:
    """Exactly these properties; when one more was wanted, the page opens again with room for it."""
    product, known = get_staff_product(product_id, at=now()), list_attributes(current_locale())
    more = request.args.get("more", "")
    form = facts_form(product, known, more=more)
    address = url_for("admin.catalog_staff.show_attributes", product_id=product_id)
    return save(
        form,
        lambda: set_attributes(product_id, form.facts, expected_version=product.version, at=now()),
        now=lambda: facts_form(get_staff_product(product_id, at=now()), known, more=more, fresh=True),
        what=product.name,
        back=address,
        refuse=lambda status: _attributes(product, form, more, status),
        done=_("Saved."),
        to=f"{address}?more={form.more.data}" if form.more.data else "",
    )
