"""Categories for staff: the tree, a new one, one with its texts, into the archive and back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.catalog.admin import staff
from shop.catalog.admin.acting import UPLOAD_BYTES, put_problem, save
from shop.catalog.services import KEEP, archive_category, change_category, create_category, restore_category
from shop.catalog.staff_forms.parts import ActForm
from shop.catalog.staff_forms.shelves import ShelfForm, shelf_form
from shop.catalog.staff_queries import StaffShelf, get_shelf, list_shelves
from shop.clock import now
from shop.errors import BadImage, Conflict, FilesAway, Invalid
from shop.media.services import store_image
from shop.media.urls import image_view
from shop.web.locale import current_locale
from shop.web.staff import needs


@staff.get("/categories")
@needs("products.view")
def list_categories() -> ResponseReturnValue:
    """The tree."""
    return _list()


def _list(problem: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "catalog/admin/list_categories.html", shelves=list_shelves(current_locale()), image_view=image_view, problem=problem
    )
    return page, status


@staff.get("/categories/new")
@needs("products.edit")
def show_new_category() -> ResponseReturnValue:
    """The form of a new category; ``?below=7`` says where."""
    shelves = list_shelves(current_locale())
    wanted = request.args.get("below", "")
    parent = next((shelf.id for shelf in shelves if str(shelf.id) == wanted and not shelf.is_archived), 0)
    return _new(shelf_form(shelves, parent=parent, fresh=True))


def _new(form: ShelfForm, status: int = 200) -> ResponseReturnValue:
    return render_template("catalog/admin/show_new_category.html", form=form), status


@staff.post("/categories")
@needs("products.edit")
def add_category() -> ResponseReturnValue:
    """A new shelf in the tree."""
    request.max_content_length = UPLOAD_BYTES
    form = shelf_form(list_shelves(current_locale()))
    if not form.validate_on_submit():
        return _new(form, 422)
    try:
        create_category(
            form.texts, parent_id=form.parent.data or None, position=form.position.data, image_id=_picture(form, None), at=now()
        )
    except (Conflict, Invalid, BadImage, FilesAway) as problem:
        put_problem(form, problem)
        return _new(form, problem.status)
    flash(_("The category is made."), "success")
    return redirect(url_for("admin.catalog_staff.list_categories"), 303)


def _picture(form: ShelfForm, before: int | None) -> int | None:
    """The picture that was handed in, or the one before."""
    file: Any = form.picture.data
    if file:
        return store_image(file.read(), name=file.filename or "", at=now())
    return None if form.no_picture.data else before


@staff.get("/categories/<int:category_id>")
@needs("products.view")
def show_category(category_id: int) -> ResponseReturnValue:
    """One category."""
    shelves = list_shelves(current_locale())
    shelf = get_shelf(category_id, current_locale())
    return _show(shelf, shelf_form(shelves, shelf, fresh=True))


def _show(shelf: StaffShelf, form: ShelfForm, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "catalog/admin/show_category.html",
        shelf=shelf,
        form=form,
        act_form=ActForm(formdata=None, version=shelf.row.version),
        picture=image_view(shelf.row.hash, shelf.row.width, shelf.row.height, shelf.row.widths),
        problem=problem,
    )
    return page, status


@staff.post("/categories/<int:category_id>")
@needs("products.edit")
def change_one_category(category_id: int) -> ResponseReturnValue:
    """Its texts, its place, its picture."""
    request.max_content_length = UPLOAD_BYTES
    shelves, shelf = list_shelves(current_locale()), get_shelf(category_id, current_locale())
    form = shelf_form(shelves, shelf)

    def write() -> None:
        change_category(
            category_id,
            texts=form.texts,
            parent_id=form.parent.data or None,
            position=KEEP if form.position.data is None else form.position.data,
            image_id=_picture(form, shelf.row.image_id),
            expected_version=shelf.row.version,
            at=now(),
        )

    return save(
        form,
        write,
        now=lambda: shelf_form(shelves, get_shelf(category_id, current_locale()), fresh=True),
        what=shelf.name,
        back=url_for("admin.catalog_staff.show_category", category_id=category_id),
        refuse=lambda status: _show(shelf, form, status=status),
        done=_("Saved."),
    )


@staff.get("/categories/<int:category_id>/archiving")
@needs("products.edit")
def show_archiving(category_id: int) -> ResponseReturnValue:
    """Say what goes out of the shop with it, and ask once more."""
    shelf = get_shelf(category_id, current_locale())
    return render_template("catalog/admin/show_archiving.html", shelf=shelf, form=ActForm(formdata=None, version=shelf.row.version))


@staff.post("/categories/<int:category_id>/archiving")
@needs("products.edit")
def archive_one_category(category_id: int) -> ResponseReturnValue:
    """Take it, and what is below it, out of the shop."""
    return _press(category_id, archive_category, _("The category is in the archive. It can be brought back."))


@staff.post("/categories/<int:category_id>/restoration")
@needs("products.edit")
def restore_one_category(category_id: int) -> ResponseReturnValue:
    """Bring it back, with what is below it."""
    return _press(category_id, restore_category, _("The category is back."))


def _press(category_id: int, verb: Any, done: str) -> ResponseReturnValue:
    shelves, shelf = list_shelves(current_locale()), get_shelf(category_id, current_locale())
    form = ActForm()
    if not form.validate_on_submit():
        too_long = _("The page was open too long. Look at it as it is now, and press again.")
        return _show(shelf, shelf_form(shelves, shelf, fresh=True), problem=too_long, status=422)
    try:
        verb(category_id, expected_version=form.seen_version, at=now())
    except Conflict as problem:
        shelf = get_shelf(category_id, current_locale())
        return _show(shelf, shelf_form(shelves, shelf, fresh=True), problem=problem.detail, status=409)
    flash(done, "success")
    return redirect(url_for("admin.catalog_staff.list_categories"), 303)
