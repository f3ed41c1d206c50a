"""Products for staff: the list, a new one, one with everything about it, into the archive and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.catalog.admin import product_sign, staff
from shop.catalog.admin.acting import put_problem, save
from shop.catalog.services import archive_product, change_product, create_product, restore_product
from shop.catalog.staff_forms.parts import ActForm, PicturesForm, UploadForm, pictures_form
from shop.catalog.staff_forms.product import ProductForm, product_form
from shop.catalog.staff_product import StaffProduct, get_staff_product, list_attributes
from shop.catalog.staff_queries import ProductState, Supply, Wanted, list_shelves, state_of
from shop.catalog.staff_queries import list_products as list_all
from shop.clock import now
from shop.errors import Conflict, Invalid, StaleVersion
from shop.media.urls import image_view
from shop.web.fields import NumberText
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.locale import current_locale
from shop.web.staff import needs


class ProductFilters(Filters):
    """``?state=draft&supply=low&category=7&q=mug``."""

    state = Word(ProductState, load_default=None)
    supply = Word(Supply, load_default=None)
    category = NumberText(low=1, load_default=None)


# Looking


@staff.get("/products")
@needs("products.view")
def list_products() -> ResponseReturnValue:
    """The products of any state, newest first."""
    chosen, at, locale = load_filters(ProductFilters()), now(), current_locale()
    wanted = Wanted(state=chosen["state"], supply=chosen["supply"], category_id=chosen["category"], search=chosen["q"])
    page, amounts = list_all(wanted, locale, cursor=chosen["cursor"], at=at)
    views = [
        view_of(_("All")),
        *(view_of(str(product_sign(state)[1]), state=state.value) for state in ProductState),
        view_of(_("Sold out"), supply=Supply.SOLD_OUT.value),
        view_of(_("Running low"), supply=Supply.LOW.value),
    ]
    return render_template(
        "catalog/admin/list_products.html",
        page=page,
        amounts=amounts,
        views=views,
        chosen=chosen,
        shelves=list_shelves(locale),
        here_with=here_with,
        image_view=image_view,
        state_of=lambda product: state_of(product, at),
    )


@staff.get("/products/<int:product_id>")
@needs("products.view")
def show_product(product_id: int) -> ResponseReturnValue:
    """One product with everything about it."""
    return show(get_staff_product(product_id, at=now()))


def show(
    product: StaffProduct,
    *,
    form: ProductForm | None = None,
    pictures: PicturesForm | None = None,
    upload: UploadForm | None = None,
    problem: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a product; also what an act answers that was refused."""
    page = render_template(
        "catalog/admin/show_product.html",
        product=product,
        form=form or product_form(list_shelves(current_locale()), product, at=now(), fresh=True),
        pictures=pictures or pictures_form(product, fresh=True),
        upload=upload or UploadForm(formdata=None),
        act_form=ActForm(formdata=None, version=product.version),
        attributes={attribute.code: attribute for attribute in list_attributes(current_locale())} if product.facts else {},
        problem=problem,
    )
    return page, status


# Writing


@staff.get("/products/new")
@needs("products.edit")
def show_new_product() -> ResponseReturnValue:
    """The form of a new product."""
    return _new(product_form(list_shelves(current_locale()), at=now(), fresh=True))


def _new(form: ProductForm, status: int = 200) -> ResponseReturnValue:
    return render_template("catalog/admin/show_new_product.html", form=form), status


@staff.post("/products")
@needs("products.edit")
def create() -> ResponseReturnValue:
    """A new product; it can be bought once it has a variant with a price."""
    at = now()
    form = product_form(list_shelves(current_locale()), at=at)
    if not form.validate_on_submit():
        return _new(form, 422)
    try:
        product_id = create_product(form.texts, published_at=form.published_at(None, at), at=at, **_columns(form))
    except (Invalid, Conflict) as problem:
        put_problem(form, problem)
        return _new(form, problem.status)
    flash(_("The product is made. Give it a price and a picture."), "success")
    return redirect(url_for("admin.catalog_staff.show_product", product_id=product_id), 303)


@staff.post("/products/<int:product_id>")
@needs("products.edit")
def change(product_id: int) -> ResponseReturnValue:
    """Other texts, other shelves, published or not."""
    at, shelves = now(), list_shelves(current_locale())
    product = get_staff_product(product_id, at=at)
    form = product_form(shelves, product, at=at)

    def write() -> None:
        published_at = form.published_at(product.row.published_at, at)
        change_product(product_id, texts=form.texts, published_at=published_at, expected_version=product.version, at=at, **_columns(form))

    return save(
        form,
        write,
        now=lambda: product_form(shelves, get_staff_product(product_id, at=at), at=at, fresh=True),
        what=product.name,
        back=url_for("admin.catalog_staff.show_product", product_id=product_id),
        refuse=lambda status: show(product, form=form, status=status),
        done=_("Saved."),
    )


def _columns(form: ProductForm) -> dict[str, Any]:
    return {
        "brand": form.brand.data or "",
        "tax_class": form.tax_class.data,
        "category_ids": form.category_ids,
        "tags": form.tag_list,
    }


@staff.post("/products/<int:product_id>/archiving")
@needs("products.edit")
def archive(product_id: int) -> ResponseReturnValue:
    """Take it out of the shop."""
    return _press(product_id, archive_product, _("The product is in the archive. It can be brought back."))


@staff.post("/products/<int:product_id>/restoration")
@needs("products.edit")
def restore(product_id: int) -> ResponseReturnValue:
    """Bring it back from the archive."""
    return _press(product_id, restore_product, _("The product is back."))


def _press(product_id: int, verb: Callable[..., None], done: str) -> ResponseReturnValue:
    form = ActForm()
    if not form.validate_on_submit():
        too_long = _("The page was open too long. Look at the product as it is now, and press again.")
        return show(get_staff_product(product_id, at=now()), problem=too_long, status=422)
    try:
        verb(product_id, expected_version=form.seen_version, at=now())
    except StaleVersion as problem:
        return show(get_staff_product(product_id, at=now()), problem=problem.detail, status=409)
    flash(done, "success")
    return redirect(url_for("admin.catalog_staff.show_product", product_id=product_id), 303)
