"""Variants for staff: a new one, one with its price and stock, into the archive and back."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from shop.catalog.admin import staff
from shop.catalog.admin.acting import put_problem, save
from shop.catalog.services import archive_variant, create_variant, restore_variant, revise_variant
from shop.catalog.staff_forms.parts import ActForm, VariantForm, variant_form
from shop.catalog.staff_forms.shelves import StockForm, stock_form
from shop.catalog.staff_product import StaffProduct, StaffVariant, find_sku, get_product_of_variant, get_staff_product
from shop.catalog.staff_stock import get_stock, list_movements
from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound
from shop.web.locale import current_locale
from shop.web.staff import needs

SHOWN = 5


@staff.get("/products/<int:product_id>/variants")
@needs("products.edit")
def show_new_variant(product_id: int) -> ResponseReturnValue:
    """The form of a new variant; ``?value=3&value=7`` chooses the values of its options."""
    product = get_staff_product(product_id, at=now())
    wanted = set(request.args.getlist("value")[:20])
    chosen = {option.id: value.id for option in product.options for value in option.values if str(value.id) in wanted}
    return _new(product, variant_form(product, chosen=chosen, fresh=True))


def _new(product: StaffProduct, form: VariantForm, status: int = 200) -> ResponseReturnValue:
    return render_template("catalog/admin/show_new_variant.html", product=product, form=form, other=_other(form, status)), status


def _other(form: VariantForm, status: int) -> object:
    """The variant that has the SKU already, when that is what is wrong."""
    return find_sku(form.sku.data) if status == 409 and form.sku.errors and form.sku.data else None


@staff.post("/products/<int:product_id>/variants")
@needs("products.edit")
def add_variant(product_id: int) -> ResponseReturnValue:
    """One more that can be bought."""
    product = get_staff_product(product_id, at=now())
    form = variant_form(product)
    if not form.validate_on_submit():
        return _new(product, form, 422)
    price = form.price_wanted or (None, None)
    try:
        create_variant(
            product_id,
            **form.columns,
            price_minor=price[0],
            compare_at_minor=price[1],
            on_hand=form["on_hand"].data,
            by=current_user.email,
            at=now(),
        )
    except (Conflict, Invalid) as problem:
        put_problem(form, problem)
        return _new(product, form, problem.status)
    flash(_("The variant is made."), "success")
    return _to(product_id)


@staff.get("/variants/<int:variant_id>")
@needs("products.view")
def show_variant(variant_id: int) -> ResponseReturnValue:
    """One variant: its facts, its price, its stock and why."""
    return show(*_get(variant_id))


def _get(variant_id: int) -> tuple[StaffProduct, StaffVariant]:
    product = get_product_of_variant(variant_id, at=now())
    variant = product.variant(variant_id)
    if variant is None:
        raise NotFound(_("There is no such variant."))
    return product, variant


def show(
    product: StaffProduct,
    variant: StaffVariant,
    *,
    form: VariantForm | None = None,
    stock: StockForm | None = None,
    problem: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a variant; also what an act answers that was refused."""
    item = get_stock(variant.id, current_locale())
    page = render_template(
        "catalog/admin/show_variant.html",
        product=product,
        variant=variant,
        item=item,
        movements=list_movements(variant.id, item.variant.on_hand or 0, limit=SHOWN),
        form=form or variant_form(product, variant, fresh=True),
        stock=stock or stock_form(item, fresh=True),
        act_form=ActForm(formdata=None, version=variant.version),
        other=_other(form, status) if form else None,
        problem=problem,
    )
    return page, status


@staff.post("/variants/<int:variant_id>")
@needs("products.edit")
def change_variant(variant_id: int) -> ResponseReturnValue:
    """Other facts, another price: both or neither."""
    product, variant = _get(variant_id)
    form = variant_form(product, variant)

    def write() -> None:
        revise_variant(variant_id, price=form.price_wanted, expected_version=variant.version, at=now(), **form.columns)

    return save(
        form,
        write,
        now=lambda: variant_form(*_get(variant_id), fresh=True),
        what=" · ".join(part for part in (product.name, variant.words) if part),
        back=url_for("admin.catalog_staff.show_variant", variant_id=variant_id),
        refuse=lambda status: show(product, variant, form=form, status=status),
        done=_("Saved."),
    )


@staff.post("/variants/<int:variant_id>/archiving")
@needs("products.edit")
def archive_one_variant(variant_id: int) -> ResponseReturnValue:
    """No longer sell it."""
    return _press(variant_id, archive_variant, _("The variant is in the archive. It can be brought back."))


@staff.post("/variants/<int:variant_id>/restoration")
@needs("products.edit")
def restore_one_variant(variant_id: int) -> ResponseReturnValue:
    """Sell it again."""
    return _press(variant_id, restore_variant, _("The variant is back."))


def _press(variant_id: int, verb: Callable[..., None], done: str) -> ResponseReturnValue:
    product, variant = _get(variant_id)
    form = ActForm()
    if not form.validate_on_submit():
        too_long = _("The page was open too long. Look at it as it is now, and press again.")
        return show(product, variant, problem=too_long, status=422)
    try:
        verb(variant_id, expected_version=form.seen_version, at=now())
    except Conflict as problem:
        return show(*_get(variant_id), problem=problem.detail, status=409)
    flash(done, "success")
    return _to(product.id)


def _to(product_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.catalog_staff.show_product", product_id=product_id, _anchor="variants"), 303)
