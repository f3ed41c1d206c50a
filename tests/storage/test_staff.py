"""Staff hand in pictures while nobody answers for the bucket: nothing typed is lost, nothing is half done, and the page says what to do."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from shop.catalog.models import Category, ProductImage
from shop.media.models import Image
from shop.storage import Shelves
from tests.catalog.forms import file, send
from tests.factories import make_product
from tests.media.pictures import picture
from tests.people import inside, log_in, make_user, rows


@pytest.mark.parametrize("place", ["gone", "silent"])
def test_a_category_keeps_what_was_typed_and_says_what_to_do(request: pytest.FixtureRequest, app: Flask, place: str) -> None:
    make_user("staff@example.com", role="staff")
    request.getfixturevalue(place)
    staff = app.test_client()
    log_in(staff, "staff@example.com")
    before = len(rows(select(Category.id)))

    answer = send(
        staff,
        "/admin/categories/new",
        "/admin/categories",
        name_en="Cups",
        name_es="Tazas",
        sentence_en="To drink from",
        picture=file(picture(), "a.jpg"),
    )

    assert answer.status_code == 503
    assert "does not answer. Nothing was changed. Try again in a few minutes" in answer.text
    assert all(typed in answer.text for typed in ("Cups", "Tazas", "To drink from"))
    assert len(rows(select(Category.id))) == before
    assert rows(select(Image.id)) == []


def test_pictures_of_a_product_are_left_out_with_one_sentence(app: Flask, gone: Shelves) -> None:
    make_user("staff@example.com", role="staff")
    staff = app.test_client()
    log_in(staff, "staff@example.com")
    made = inside(make_product)()
    page = f"/admin/products/{made.id}"

    answer = send(staff, page, f"{page}/pictures", files=[file(picture(), "a.jpg"), file(picture(color="navy"), "b.jpg")])

    assert answer.status_code == 422
    assert answer.text.count("does not answer. Nothing was changed.") == 2, "at the top and at the field, for one of them"
    assert rows(select(ProductImage.id)) == []
