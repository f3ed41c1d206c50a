"""Options and pictures of a product. Each answers with its record."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.catalog import bp
from shop.catalog.api_staff import WHAT_MAY_STOP, owner, version_of
from shop.catalog.api_staff.products import dump_record, made, record
from shop.catalog.services import ValueWanted, add_option, arrange_images, attach_image, remove_option, shape_option
from shop.catalog.staff_product import get_product_of_option, get_staff_product
from shop.catalog.staff_schemas import OptionBodySchema, PicturesBodySchema
from shop.clock import now
from shop.errors import BadImage, Conflict, FilesAway, Invalid, NotFound
from shop.media.services import store_image
from shop.web.api import describe
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.text import clean_text

P = ParamSpec("P")
R = TypeVar("R")
UPLOAD_BYTES = 25 * 1024 * 1024
ALT = "alt_"
option, pictures = OptionBodySchema(), PicturesBodySchema()


# Options


@bp.post("/api/v1/products/<int:product_id>/options")
@describe("Offer one more choice", body=option, answer=record, status=201, permission="products.edit", errors=WHAT_MAY_STOP)
@idempotent(owner)
def add_option_json(product_id: int) -> ResponseReturnValue:
    wanted = load_body(option)
    values = [ValueWanted(None, value["names"], value["swatch"]) for value in wanted["values"]]
    add_option(product_id, wanted["names"], values, expected_version=version_of(wanted), at=now())
    return made(product_id)


@bp.put("/api/v1/options/<int:option_id>")
@describe(
    "Give an option these names and exactly these values", body=option, answer=record, permission="products.edit", errors=WHAT_MAY_STOP
)
def change_option_json(option_id: int) -> ResponseReturnValue:
    wanted = load_body(option)
    values = [ValueWanted(value["id"], value["names"], value["swatch"]) for value in wanted["values"]]
    shape_option(option_id, wanted["names"], values, expected_version=version_of(wanted), at=now())
    return json_response(dump_record(get_product_of_option(option_id, at=now()).id))


@bp.delete("/api/v1/options/<int:option_id>")
@describe("Take away a choice that no variant uses", answer=record, permission="products.edit", errors=[NotFound, Conflict])
def remove_option_json(option_id: int) -> ResponseReturnValue:
    product = get_product_of_option(option_id, at=now())
    remove_option(option_id, at=now())
    return json_response(dump_record(product.id))


# Pictures


def takes_files(view: Callable[P, R]) -> Callable[P, R]:
    """Let the body of this view be as large as pictures are; everywhere else a megabyte is the limit."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        request.max_content_length = UPLOAD_BYTES
        return view(*args, **kwargs)

    return wrapped


@bp.post("/api/v1/products/<int:product_id>/images")
@describe(
    "Add a picture: multipart/form-data with one file `image` (JPEG, PNG, WebP or AVIF up to 20 MB) and, per language, `alt_en` …",
    answer=record,
    status=201,
    permission="products.edit",
    errors=[NotFound, BadImage, Invalid, FilesAway],
)
@takes_files
@idempotent(owner)
def add_image_json(product_id: int) -> ResponseReturnValue:
    get_staff_product(product_id, at=now())
    alt = _alt()
    files = request.files.getlist("image")
    if len(files) != 1 or len(request.files) != 1:
        raise Invalid({"/image": [_("Send one file.")]})
    image_id = store_image(files[0].read(), name=files[0].filename or "", at=now())
    attach_image(product_id, image_id, alt=alt, at=now())
    return made(product_id)


def _alt() -> dict[str, str]:
    """What the picture shows, by language; other fields are refused."""
    locales, found = current_app.extensions["config"].locales, {}
    for name, value in request.form.items(multi=True):
        locale = name.removeprefix(ALT)
        if not name.startswith(ALT) or locale not in locales:
            raise Invalid({f"/{name[:100]}": [_("This field is not known.")]})
        try:
            found[locale] = clean_text(value, maximum=500)
        except ValueError as error:
            raise Invalid({f"/{name}": [str(error)]}) from None
    return found


@bp.put("/api/v1/products/<int:product_id>/images")
@describe(
    "Order and describe the pictures; those not named are taken off",
    body=pictures,
    answer=record,
    permission="products.edit",
    errors=WHAT_MAY_STOP,
)
def arrange_images_json(product_id: int) -> ResponseReturnValue:
    wanted = load_body(pictures)
    placed = [(picture["id"], picture["alt"]) for picture in wanted["images"]]
    arrange_images(product_id, placed, expected_version=version_of(wanted), at=now())
    return json_response(dump_record(product_id))
