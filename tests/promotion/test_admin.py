"""Promotions in the back office: made, changed, ended; codes by hand, in batches and as a file."""

from __future__ import annotations

import csv

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shop.customer.models import CustomerGroup
from shop.promotion.models import Promotion, PromotionCode, PromotionTarget, PromotionText
from tests.catalog.forms import Form
from tests.factories import NOON, make_category, make_product
from tests.office import Desk, words
from tests.people import change, inside, row, rows
from tests.promotions import make_promotion

NEW = "/admin/promotions/new"
ALL = "/admin/promotions"


class PromotionDesk(Desk):
    """Sends selects, areas and boxes too, as a browser does."""

    def press(self, page: str, action: str, **typed: object) -> TestResponse:
        form = Form(page, action)
        assert form.found, action
        return self.client.post(action, data={**form.fields, **typed})


@pytest.fixture
def desk(client: FlaskClient) -> Desk:
    return PromotionDesk(client)


def only_id() -> int:
    found = row(select(Promotion.id))
    assert found is not None
    return int(found.id)


def test_staff_makes_a_promotion_and_customers_get_it(desk: Desk) -> None:
    pantry = inside(make_category)("Pantry")
    oil = inside(make_product)("Oil", price=1000, categories=[pantry])

    answer = desk.press(
        desk.see(NEW), ALL, name_en="Ten off the pantry", name_es="Diez en la despensa", percent="12.5", categories=str(pantry)
    )

    assert answer.status_code == 303, words(answer.text)
    made = row(select(Promotion.percent_bp, Promotion.is_scoped, Promotion.needs_code))
    assert (made.percent_bp, made.is_scoped, made.needs_code) == (1250, True, False)
    assert {text.locale: text.name for text in rows(select(PromotionText.locale, PromotionText.name))} == {
        "en": "Ten off the pantry",
        "es": "Diez en la despensa",
    }
    shopper = desk.client.application.test_client()
    shopper.post("/cart/items", data={"variant_id": oil.variant_id, "quantity": 1})
    assert shopper.get("/api/v1/cart").json["discounts"][0]["label"] == "Ten off the pantry"
    assert shopper.get("/es/api/v1/cart").json["discounts"][0]["label"] == "Diez en la despensa"


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(desk: Desk) -> None:
    page = desk.see(NEW)
    for typed, message in (
        ({"name_en": ""}, "Please fill this in."),
        ({"percent": ""}, "Say how much it takes off."),
        ({"percent": "101"}, "Write a percentage such as 10 or 12.5."),
        ({"kind": "fixed"}, "Say how much it takes off."),
        ({"kind": "tiers", "tiers": "three: ten"}, "Write a step as “3: 10 %” or “3: 2.00”"),
        ({"goods": "NO-SUCH"}, "There is no SKU or handle NO-SUCH."),
        ({"valid_from": "2026-12-02T00:00", "valid_until": "2026-12-01T00:00"}, "The end comes after the beginning."),
        ({"stacking": "best"}, "a word that they share"),
    ):
        answer = desk.press(page, ALL, **{"name_en": "Kept words", "percent": "10", **typed})

        assert answer.status_code == 422, typed
        assert message in words(answer.text), (typed, words(answer.text))
        assert "Kept words" in answer.text or "name_en" in typed
    assert row(select(func.count()).select_from(Promotion))[0] == 0


def test_every_kind_is_kept_as_it_was_written_and_shown_again(desk: Desk) -> None:
    mug = inside(make_product)("Mug", sku="MUG-1", slug="mug-one")
    change(CustomerGroup.__table__.insert().values(code="club", name="Club", created_at=NOON))
    group = row(select(CustomerGroup.id)).id
    wanted = {
        "name_en": "Steps", "kind": "tiers", "tiers": "3: 10 %\n5: 2.00", "goods": "MUG-1", "get_goods": mug.slug, "group": str(group),
        "minimum": "12.50", "cap": "20.00", "max_uses": "7", "max_uses_each": "2", "valid_from": "2026-12-01T00:00", "stacking": "best",
        "stack_group": "winter", "priority": "-5", "delivery_codes": "standard", "times": "4",
    }  # fmt: skip

    assert desk.press(desk.see(NEW), ALL, **wanted).status_code == 303
    page = desk.see(f"{ALL}/{only_id()}")

    for shown in (
        "3: 10 %\n5: 2",
        "MUG-1",
        mug.slug,
        'value="12.50"',
        'value="20.00"',
        'value="7"',
        'value="winter"',
        'value="-5"',
        "2026-12-01T00:00",
    ):
        assert shown in page, shown
    assert len(rows(select(PromotionTarget.id))) == 2
    assert desk.press(page, f"{ALL}/{only_id()}", needs_code="y").status_code == 303


def test_two_people_who_edit_the_same_field_see_both_versions(desk: Desk) -> None:
    promotion_id = inside(make_promotion)()
    page = desk.see(f"{ALL}/{promotion_id}")
    desk.press(page, f"{ALL}/{promotion_id}", percent="20")

    answer = desk.press(page, f"{ALL}/{promotion_id}", percent="30")

    assert answer.status_code == 409
    assert row(select(Promotion.percent_bp)).percent_bp == 2000


def test_a_promotion_is_ended_and_started_again(desk: Desk) -> None:
    promotion_id = inside(make_promotion)()
    url = f"{ALL}/{promotion_id}"

    desk.press(desk.see(url), f"{url}/end")
    assert "Ended" in words(desk.see(ALL))
    desk.press(desk.see(url), f"{url}/restart")

    assert row(select(Promotion.ended_at)).ended_at is None


def test_codes_are_added_refused_twice_in_any_capitals_and_ended(desk: Desk) -> None:
    url = f"{ALL}/{inside(make_promotion)(code='SUMMER')}"
    page = desk.see(url)

    added, taken, wrong = (desk.press(page, f"{url}/codes", code=code) for code in ("winter-26", "summer", "né?"))
    code_id = row(select(PromotionCode.id).where(PromotionCode.code == "WINTER-26")).id
    desk.press(desk.see(url), f"{url}/codes/{code_id}/end")

    assert (added.status_code, taken.status_code, wrong.status_code) == (303, 409, 422)
    assert "SUMMER exists already." in words(taken.text)
    assert row(select(PromotionCode.ended_at).where(PromotionCode.code == "WINTER-26")).ended_at is not None


def test_a_batch_of_codes_is_made_and_taken_as_a_file(desk: Desk) -> None:
    url = f"{ALL}/{inside(make_promotion)(code='SUMMER')}"

    answer = desk.press(desk.see(url), f"{url}/batches", count="1500", prefix="vip-", batch="=Letter", uses="1")
    table = list(csv.DictReader(desk.client.get(f"{url}/codes.csv").text.splitlines()))

    assert answer.status_code == 303
    codes = [line["code"] for line in table if line["code"].startswith("VIP-")]
    assert len(set(codes)) == 1500
    assert all(len(code) == 14 for code in codes)
    assert {line["batch"] for line in table} == {"'=Letter", ""}
    assert desk.press(desk.see(url), f"{url}/batches", count="10001").status_code == 422


def test_a_limit_does_not_fall_below_what_was_used(desk: Desk) -> None:
    promotion_id = inside(make_promotion)(max_uses=9)
    change(Promotion.__table__.update().values(used=5))
    url = f"{ALL}/{promotion_id}"

    answer = desk.press(desk.see(url), url, max_uses="4")

    assert answer.status_code == 422
    assert "It was used 5 times already." in words(answer.text)


def test_lists_are_by_state_name_and_code(desk: Desk) -> None:
    inside(make_promotion)("Summer sale", code="SUNNY")
    inside(make_promotion)("Winter sale")

    assert "Winter sale" not in words(desk.see(f"{ALL}?q=sunny"))
    assert "Summer sale" not in words(desk.see(f"{ALL}?q=Winter"))
    assert "Summer sale" in words(desk.see(f"{ALL}?state=running"))
    assert "Summer sale" not in words(desk.see(f"{ALL}?state=planned"))


def test_support_may_not_make_promotions(client: FlaskClient) -> None:
    assert Desk(client, role="support").client.get(ALL).status_code == 403


def test_a_press_without_anything_in_it_is_refused_by_every_form(desk: Desk) -> None:
    url = f"{ALL}/{inside(make_promotion)(code='SUMMER')}"

    statuses = {path: desk.client.post(path, data={}).status_code for path in (ALL, url, f"{url}/codes", f"{url}/batches", f"{url}/end")}

    assert statuses == dict.fromkeys(statuses, 422)
