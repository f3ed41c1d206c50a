"""Builds the demo world, in three steps of which each can be repeated: pictures, then all rows in one transaction, then the test bank's books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from random import Random

from flask import current_app
from sqlalchemy import func, select

from shop.auth.passwords import hash_password
from shop.catalog.models import Category, Product
from shop.db import scalar, transaction
from shop.demo.bank import tell_bank
from shop.demo.deliveries import write_deliveries
from shop.demo.goods import list_goods, stock_shelves
from shop.demo.ledger import count_sales, write_ledger
from shop.demo.offers import write_offers
from shop.demo.orders import write_orders
from shop.demo.people import invite_people, keep_password
from shop.demo.place import Place, this_place
from shop.demo.reviews import write_reviews
from shop.demo.sources import image_files
from shop.demo.stories import Planner
from shop.demo.texts import write_texts
from shop.errors import N_, Conflict
from shop.media.services import store_images
from shop.order.models import Order
from shop.pricing.services import set_up_pricing
from shop.settings.models import Setting
from shop.settings.services import save_settings

MARK = "demo.state"
STATE = select(Setting.value).where(Setting.name == MARK, Setting.locale == "")
REAL_ORDERS = select(func.count()).select_from(Order).where(Order.is_demo.is_(False))
OWN_GOODS = (select(func.count()).select_from(Product), select(func.count()).select_from(Category))


class State(StrEnum):
    """How far the demo world has come."""

    MISSING = "missing"
    WRITTEN = "written"
    COMPLETE = "complete"


class NotEmpty(Conflict):
    """The shop has orders or goods of its own; the demo world would mix with them."""

    slug, title = "not-empty", N_("This shop is in use")


@dataclass(frozen=True, slots=True)
class Built:
    """What there is now; ``password`` opens the demo's log-ins, empty where nobody may log in by it."""

    is_new: bool
    password: str
    products: int
    orders: int


def build_demo(*, seed: int, today: date) -> Built:
    """Fill the empty shop; where the demo world is complete already, change nothing. The same seed and day give the same rows.

    Raises:
        NotEmpty: there are orders or goods that are not the demo's.
    """
    before = demo_state()
    if before is State.MISSING:
        refuse_used()
    password = _password()
    if before is State.MISSING:
        place = this_place(today)
        _write_world(place, seed, _store_pictures(place), hash_password(password) if password else None)
    if before is not State.COMPLETE:
        tell_bank()
        save_settings({(MARK, ""): State.COMPLETE})
    products = scalar(select(func.count()).select_from(Product))
    return Built(before is not State.COMPLETE, password, products, scalar(select(func.count()).select_from(Order)))


def demo_state() -> State:
    found = scalar(STATE)
    return State(found) if found else State.MISSING


def refuse_used() -> None:
    """Raises ``NotEmpty`` unless the shop is as ``flask shop init`` leaves it."""
    orders = scalar(REAL_ORDERS)
    if orders:
        raise NotEmpty(f"This shop has {orders} real orders. The demo world goes into an empty shop only: use another SHOP_INSTANCE.")
    if any(scalar(count) for count in OWN_GOODS):
        raise NotEmpty("This shop has goods of its own. The demo world goes into an empty shop only: use another SHOP_INSTANCE.")


def _password() -> str:
    """Only while developing: in production nobody logs in by a password that lies in a file."""
    config = current_app.extensions["config"]
    return "" if config.is_production else keep_password(config.instance)


def _store_pictures(place: Place) -> dict[str, int]:
    """Ids by file name. Pictures that an interrupted run has stored are found again."""
    ids: dict[str, int] = {}
    for stored in store_images(image_files(), at=place.now):
        if stored.image_id is None:
            raise RuntimeError(f"{stored.source.name}: {stored.problem}")
        ids[stored.source.name] = stored.image_id
    return ids


def _write_world(place: Place, seed: int, images: dict[str, int], password_hash: str | None) -> None:
    chance = Random(seed)  # noqa: S311 - the same each time is what we want
    with transaction():
        refuse_used()
        set_up_pricing(at=place.now)
        write_deliveries(place)
        write_texts(place, images, current_app.extensions["config"].mail_from)
        shelved = stock_shelves(place, images)
        buyers = invite_people(place, password_hash)
        stories = Planner(place, buyers, list(shelved.variants.values()), chance).plan()
        write_ledger(shelved, write_orders(place, stories, chance))
        write_reviews(place, shelved, buyers, chance)
        write_offers(place, shelved)
        count_sales(shelved)
        list_goods(shelved, place)
        save_settings({(MARK, ""): State.WRITTEN})
