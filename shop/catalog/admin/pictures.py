"""Pictures of a product for staff: hand in, order, describe, take off."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from shop.catalog.admin import staff
from shop.catalog.admin.acting import UPLOAD_BYTES, add_error, save
from shop.catalog.admin.products import show
from shop.catalog.services import arrange_images, attach_image
from shop.catalog.staff_forms.parts import UploadForm, pictures_form
from shop.catalog.staff_product import get_staff_product
from shop.clock import now
from shop.errors import BadImage, FilesAway
from shop.media.services import store_image
from shop.web.staff import needs

MOST_FILES = 20


@staff.post("/products/<int:product_id>/pictures")
@needs("products.edit")
def add_pictures(product_id: int) -> ResponseReturnValue:
    """Check and keep pictures, and put them behind the others. A bad one does not hold up the good ones."""
    request.max_content_length = UPLOAD_BYTES
    product = get_staff_product(product_id, at=now())
    form = UploadForm()
    files = [file for file in request.files.getlist("files") if file.filename]
    is_valid = form.validate_on_submit()
    if not files:
        add_error(form.files, _("Choose at least one picture."))
    if len(files) > MOST_FILES:
        add_error(form.files, _("Choose at most %(count)d pictures at once.", count=MOST_FILES))
    if form.files.errors or not is_valid:
        return show(product, upload=form, status=422)
    taken = 0
    for file in files:
        try:
            image_id = store_image(file.read(), name=file.filename or "", at=now())
        except BadImage as problem:
            add_error(form.files, f"{(file.filename or '')[:80]}: {problem.detail}")
            continue
        except FilesAway as problem:  # nor would it take the others
            add_error(form.files, problem.detail)
            break
        attach_image(product_id, image_id, at=now())
        taken += 1
    if taken:
        flash(ngettext("%(num)s picture is added. Say what it shows.", "%(num)s pictures are added. Say what they show.", taken), "success")
    if form.files.errors:
        return show(get_staff_product(product_id, at=now()), upload=form, status=422)
    return redirect(_address(product_id), 303)


@staff.post("/products/<int:product_id>/pictures/order")
@needs("products.edit")
def arrange_pictures(product_id: int) -> ResponseReturnValue:
    """Their order, what they show, and which are taken off."""
    product = get_staff_product(product_id, at=now())
    form = pictures_form(product)
    return save(
        form,
        lambda: arrange_images(product_id, form.wanted, expected_version=product.version, at=now()),
        now=lambda: pictures_form(get_staff_product(product_id, at=now()), fresh=True),
        what=product.name,
        back=_address(product_id),
        refuse=lambda status: show(product, pictures=form, status=status),
        done=_("Saved."),
    )


def _address(product_id: int) -> str:
    return url_for("admin.catalog_staff.show_product", product_id=product_id, _anchor="pictures")
