"""``flask shop race``: everybody wants the last of something at the same moment, on a scratch copy of the shop; afterwards the audit is asked.

The copy is a database of its own, with the shop's own goods, rules and rows, and is removed again. The shop itself is only read.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import URL, make_url

from config import Config
from config_amazon import StorageSettings
from shop.audit.services import run_audit
from shop.cart.codes import use_code
from shop.cart.looked import Buyer
from shop.cart.services import Owner, put_into_cart
from shop.catalog.models import Price, Product, Variant
from shop.checkout.services import place_order
from shop.checkout.wanted import Checkout, home_country
from shop.customer.values import AddressValues
from shop.db import db, scalar, schema_of
from shop.errors import ShopError
from shop.inventory.models import StockItem
from shop.inventory.services import set_stock
from shop.order.documents.services import issue_invoice
from shop.order.models import Order
from shop.payment.queries import list_attempts
from shop.payment.refunds import refund_payment
from shop.payment.services import record_bank_payment
from shop.pricing.promotions import PromotionKind
from shop.pricing.queries import list_deliveries
from shop.promotion.drafts import Draft
from shop.promotion.offers import list_offers
from shop.promotion.services import add_code, create_promotion

BY = "race"
PLENTY = 1_000_000
LONGEST_S = 300
FOR_SALE = (
    select(Variant.id)
    .join(Product, Product.id == Variant.product_id)
    .join(StockItem, StockItem.variant_id == Variant.id)
    .join(Price, Price.variant_id == Variant.id)
    .where(Product.is_listed, StockItem.is_tracked, Price.minor > 100, Product.published_at.is_not(None))
    .order_by(Variant.id)
    .limit(1)
)


class CannotCopy(Exception):
    """No scratch copy can be made; says why."""


@dataclass(frozen=True, slots=True)
class Race:
    """How one race ended: how many won of how many, how many may, what the others were told, and how long it took."""

    name: str
    runners: int
    winners: int
    may_win: int
    told: dict[str, int]
    took_s: float

    @property
    def is_fair(self) -> bool:
        """As many as may have won, and nobody met anything but a clear refusal."""
        return self.winners == self.may_win and not any(word.startswith("!") for word in self.told)


@contextmanager
def scratch_copy(create_app: Callable[[Config], Flask]) -> Iterator[Flask]:
    """The shop on a copy of its database; its mails go to a folder that is removed with it.

    Raises:
        CannotCopy: PostgreSQL's programs are missing, or this user may make no database.
    """
    config = current_app.extensions["config"]
    folder = Path(tempfile.mkdtemp(prefix="race-"))
    url, forget = _copy_sqlite(folder) if config.database_url.startswith("sqlite") else _copy_postgresql(make_url(config.database_url))
    try:
        inside = {"instance": folder, "mail_url": f"file://{folder / 'mail'}", "storage": StorageSettings(), "listeners": ()}
        scratch = create_app(replace(config, database_url=url, **inside, courier=False))
        try:
            yield scratch
        finally:
            with scratch.app_context():
                db.session.remove()
                db.engine.dispose()
    finally:
        forget()
        shutil.rmtree(folder, ignore_errors=True)


def _copy_sqlite(folder: Path) -> tuple[str, Callable[[], object]]:
    copy = folder / "race.db"
    with db.engine.connect() as link:
        link.execution_options(autocommit=True).execute(text("VACUUM INTO :path"), {"path": str(copy)})
    return f"sqlite:///{copy}", lambda: None


def _copy_postgresql(url: URL) -> tuple[str, Callable[[], object]]:
    target = url.set(database=f"{url.database}_race_{secrets.token_hex(3)}")
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")

    def tell(words: str) -> None:
        with server.connect() as link:
            link.execute(text(words))

    def plain(of: URL) -> str:
        return of.set(drivername="postgresql").render_as_string(hide_password=False)

    def forget() -> None:
        tell(f'DROP DATABASE IF EXISTS "{target.database}" WITH (FORCE)')
        server.dispose()

    try:
        tell(f'CREATE DATABASE "{target.database}"')
        schema = schema_of(plain(url))
        only = [f"--schema={schema}"] if schema else []  # other shops may live in the same database
        dump = subprocess.run(["pg_dump", "--no-owner", *only, "--dbname", plain(url)], check=True, capture_output=True)  # noqa: S603, S607
        words = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--dbname", plain(target)]
        subprocess.run(words, input=dump.stdout, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as problem:
        forget()
        raise CannotCopy("pg_dump and psql must be there, and the shop's user must be allowed to make databases") from problem
    return target.render_as_string(hide_password=False), forget


def run_races(scratch: Flask, *, runners: int, at: datetime) -> tuple[list[Race], list[str]]:
    """All races, one after the other; gives them and what the audit finds afterwards that it did not find before."""
    with scratch.app_context():
        before = _findings(at)
        variant_id = scalar(FOR_SALE)
        if variant_id is None:
            raise CannotCopy("nothing that is counted is for sale; flask shop demo makes some goods")
        races = [race(scratch, int(variant_id), runners, at) for race in (_one_piece, _one_code, _one_refund, _one_number)]
        return races, sorted(_findings(at) - before)


def _findings(at: datetime) -> set[str]:
    return {f"{result.rule} {finding.ref} {finding.words}" for result in run_audit(at=at).broken for finding in result.findings}


def _one_piece(scratch: Flask, variant_id: int, runners: int, at: datetime) -> Race:
    set_stock(variant_id, 1, reason="count", actor=BY, at=at)
    carts = [put_into_cart(Owner(None, None), variant_id, 1, at=at).id for _runner in range(runners)]
    return _race(scratch, "one piece", [_placing(cart_id, at) for cart_id in carts], may_win=1)


def _one_code(scratch: Flask, variant_id: int, runners: int, at: datetime) -> Race:
    """The last use of a code; who comes too late is shown the price without it, and has ordered nothing."""
    set_stock(variant_id, PLENTY, reason="count", actor=BY, at=at)
    names = dict.fromkeys(current_app.extensions["config"].locales, "Race")
    promotion_id = create_promotion(Draft(kind=PromotionKind.PERCENT, names=names, percent_bp=1000, needs_code=True), at=at)
    code = add_code(promotion_id, f"RACE-{secrets.token_hex(4)}", max_uses=1, at=at)
    current_app.extensions["kept"].look_again()
    carts = []
    for _runner in range(runners):
        held = put_into_cart(Owner(None, None), variant_id, 1, at=at)
        use_code(Owner(held.key, None), code, list_offers(_locale()), buyer=Buyer("race@example.com", None), locale=_locale(), at=at)
        carts.append(held.id)
    return _race(scratch, "one code", [_placing(cart_id, at, shown_with_code=True) for cart_id in carts], may_win=1)


def _one_refund(scratch: Flask, variant_id: int, runners: int, at: datetime) -> Race:
    """Two thirds of a payment can go back once only."""
    order = _placing(put_into_cart(Owner(None, None), variant_id, 1, at=at).id, at)()
    record_bank_payment(order.id, by=BY, at=at)
    payment = list_attempts(order.id)[-1]
    share = payment.amount_minor * 2 // 3
    acts = [
        lambda press=press: refund_payment(payment.id, press=f"race-{press}", amount_minor=share, by=BY, at=at) for press in range(runners)
    ]
    return _race(scratch, "one refund", acts, may_win=1)


def _one_number(scratch: Flask, variant_id: int, runners: int, at: datetime) -> Race:
    """Each order gets a number of the series, none twice and without a gap: the audit looks at the gaps."""
    orders = [_placing(put_into_cart(Owner(None, None), variant_id, 1, at=at).id, at)() for _runner in range(runners)]
    for order in orders:
        record_bank_payment(order.id, by=BY, at=at)
    return _race(scratch, "one number each", [lambda order=order: issue_invoice(order.id, at=at) for order in orders], may_win=runners)  # type: ignore[misc]


def _placing(cart_id: int, at: datetime, *, shown_with_code: bool = False) -> Callable[[], Order]:
    """The press of somebody who collects the goods, or has them sent the first way there is."""
    country = home_country()
    delivery = next(iter(list_deliveries(country, currency=current_app.extensions["config"].currency, locale=_locale())), None)
    address = AddressValues(name="Race", country=country, line1="1", city="Race", postcode="00000")
    wanted = Checkout(
        email="race@example.com",
        locale=_locale(),
        shipping_address=None if delivery is None or delivery.is_pickup else address,
        billing_address=None,
        shipping_method=delivery.code if delivery else "",
        payment_method="bank_transfer",
    )
    if shown_with_code:
        wanted = replace(wanted, shown=_fingerprint(cart_id, wanted, at))
    return lambda: place_order(cart_id, wanted, at=at)


def _fingerprint(cart_id: int, wanted: Checkout, at: datetime) -> str:
    from shop.cart.quotes import quote_cart

    buyer = Buyer(wanted.email, wanted.user_id)
    view = quote_cart(cart_id, country=wanted.destination, delivery_code=wanted.shipping_method, locale=wanted.locale, at=at, buyer=buyer)
    return str(view.quote.fingerprint)


def _locale() -> str:
    return str(current_app.extensions["config"].locales[0])


def _race(scratch: Flask, name: str, acts: Sequence[Callable[[], Any]], *, may_win: int) -> Race:
    """All at once, each in a thread with a connection of its own."""
    told: Counter[str] = Counter()
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        with scratch.app_context():
            start.wait(LONGEST_S)
            try:
                act()
                told["won"] += 1
            except ShopError as refusal:
                told[refusal.slug] += 1
            except Exception as bug:  # noqa: BLE001 - told to whoever asked for the race
                told[f"! {type(bug).__name__}"] += 1
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_S)
    took_s = time.monotonic() - began
    return Race(name, len(acts), told.pop("won", 0), may_win, dict(told), took_s)
