"""The floors: the same pages and acts without a shop, on the same tables, by hand-written SQL through sqlite3 or psycopg.

/jinja           24 cards and 50 categories from memory, padded to FLOOR_BYTES
/raw/<id>        the same page with three queries        /product/<id>  a product with three queries and eight related
/start           a session with a cart                   /cart-add      POST product=ID: read the variant, upsert the line, commit
/order           POST product=ID, the least that an order is: three lines, guarded stock, ledger, order, lines, outbox, one commit
/fill            a cart with three lines                 /order-whole   POST the checkout's fields: the very rows that the shop writes, by hand

Rows come as named tuples, which Jinja reads fastest. SQLite is as durable as in the shop: WAL, synchronous=FULL.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from flask import Flask, abort, redirect, request, session

URL = os.environ.get("FLOOR_URL", "")
IS_SQLITE = URL.startswith("sqlite:")
BYTES = int(os.environ.get("FLOOR_BYTES", "30000"))
PRODUCT_BYTES = int(os.environ.get("FLOOR_PRODUCT_BYTES", "20000"))
NOW = "2026-11-21 12:00:00.000000"

app = Flask(__name__)
app.config.update(SECRET_KEY="floor")
app.template_filter("money")(lambda minor: f"€{minor / 100:,.2f}")
local = threading.local()

FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ heading }}</title><link rel="stylesheet" href="/static/site.css"></head><body>
<header><a href="/">Shop</a><form action="/search"><input name="q"><button>Search</button></form><a href="/cart">Cart ({{ count }})</a></header>
<nav><ul>{% for c in categories %}
<li><a href="/c/{{ c.slug }}"{% if c.slug == current %} aria-current="page"{% endif %}>{{ c.name }}</a></li>{% endfor %}</ul></nav>
<main>BODY</main><footer><p>Prices include tax.</p></footer></body></html>"""
CARD = """<li class="card"><a href="/p/{{ p.slug }}"><img src="/media/{{ p.hash }}-640.webp" srcset="/media/{{ p.hash }}-320.webp 320w, /media/{{ p.hash }}-640.webp 640w"
 sizes="25vw" width="{{ p.width }}" height="{{ p.height }}" loading="lazy" alt="{{ p.alt }}"></a><h2><a href="/p/{{ p.slug }}">{{ p.name }}</a></h2><p>{{ p.subtitle }}</p>
<p>{{ p.minor|money }}</p>{% if not p.available %}<p>Sold out</p>{% endif %}<!--{{ padding }}--></li>"""
LIST = FRAME.replace("BODY", "<h1>{{ heading }}</h1><p>{{ total }} products</p><ul>{% for p in products %}" + CARD + "{% endfor %}</ul>")
PRODUCT = FRAME.replace(
    "BODY",
    """<h1>{{ p.name }}</h1><p>{{ p.subtitle }}</p><img src="/media/{{ p.hash }}-960.webp" width="{{ p.width }}" height="{{ p.height }}" alt="{{ p.alt }}">
<p>{{ p.minor|money }}</p>{% if p.on_hand %}<p>In stock</p>{% endif %}<form method="post" action="/cart-add"><input type="hidden" name="product" value="{{ p.id }}">
<input name="quantity" value="1"><button>Add to cart</button></form><div>{{ p.description_html|safe }}</div><!--{{ padding }}-->
<ul>{% for p in related %}"""
    + CARD.replace("<!--{{ padding }}-->", "")
    + "{% endfor %}</ul>",
)
COLUMNS = """SELECT p.id, t.slug, t.name, t.subtitle, p.price_from_minor AS minor, p.available, i.hash, i.width, i.height, a.alt FROM category_products c
 JOIN products p ON p.id = c.product_id JOIN product_texts t ON t.product_id = p.id AND t.locale = 'en' JOIN images i ON i.id = p.image_id
 JOIN product_images pi ON pi.product_id = p.id AND pi.position = 0 JOIN product_image_texts a ON a.product_image_id = pi.id AND a.locale = 'en'"""
CARDS = f"{COLUMNS} WHERE c.category_id = %s ORDER BY c.position, c.product_id LIMIT 24"
RELATED = f"{COLUMNS} WHERE c.category_id = %s AND c.product_id <> %s ORDER BY c.position, c.product_id LIMIT 8"
CATEGORIES = "SELECT t.slug, t.name FROM categories c JOIN category_texts t ON t.category_id = c.id AND t.locale = 'en' WHERE c.id <= 50 ORDER BY c.position"
COUNT = "SELECT product_count AS n FROM categories WHERE id = %s"
ONE = """SELECT p.id, t.name, t.subtitle, t.description_html, pr.minor, s.on_hand, i.hash, i.width, i.height, a.alt FROM products p
 JOIN product_texts t ON t.product_id = p.id AND t.locale = 'en' JOIN variants v ON v.product_id = p.id JOIN prices pr ON pr.variant_id = v.id
 JOIN stock_items s ON s.variant_id = v.id JOIN images i ON i.id = p.image_id JOIN product_images pi ON pi.product_id = p.id
 JOIN product_image_texts a ON a.product_image_id = pi.id AND a.locale = 'en' WHERE p.id = %s AND p.is_listed"""


def ask(sql: str, *values: Any) -> Any:
    """One statement on this thread's own connection, which commits by itself."""
    if not hasattr(local, "connection"):
        local.connection = _connect()
    return local.connection.execute(sql.replace("%s", "?") if IS_SQLITE else sql, values)


def _connect() -> Any:
    if IS_SQLITE:
        connection = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None)
        connection.row_factory = lambda cursor, row: _kind(tuple(column[0] for column in cursor.description))._make(row)
        for pragma in ("synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON", "cache_size=-4000"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
    import psycopg
    from psycopg.rows import namedtuple_row

    return psycopg.connect(URL.replace("+psycopg", ""), autocommit=True, row_factory=namedtuple_row)


@lru_cache(maxsize=64)
def _kind(names: tuple[str, ...]) -> Any:
    return namedtuple("Found", names)


@contextmanager
def write() -> Iterator[None]:
    ask("BEGIN IMMEDIATE" if IS_SQLITE else "BEGIN")
    try:
        yield
        ask("COMMIT")
    except BaseException:
        ask("ROLLBACK")
        raise


LIST_PAGE, PRODUCT_PAGE = app.jinja_env.from_string(LIST), app.jinja_env.from_string(PRODUCT)
MEMORY = [
    SimpleNamespace(id=n, slug=f"product-{n}", name=f"Amber walnut lantern {n}", subtitle="Made by hand, one after another", minor=n * 137, available=n % 9, hash=f"{n:032x}", width=1200, height=1500, alt="A lantern")
    for n in range(1, 25)
]  # fmt: skip
MENU = [SimpleNamespace(slug=f"category-{n}", name=f"Amber and Walnut {n}") for n in range(1, 51)]


def page(products: list[Any], categories: list[Any], total: int, number: int, padding: str | None = None) -> str:
    return LIST_PAGE.render(
        products=products,
        categories=categories,
        total=total,
        current=f"category-{number}",
        heading="Category",
        count=0,
        padding=PADDING if padding is None else padding,
    )


with app.app_context():
    PADDING = "x" * max(0, (BYTES - len(page(MEMORY, MENU, 200, 3, ""))) // 24)


@app.get("/jinja")
def jinja() -> str:
    return page(MEMORY, MENU, 200, 3)


@app.get("/raw/<int:number>")
def raw(number: int) -> str:
    return page(ask(CARDS, number).fetchall(), ask(CATEGORIES).fetchall(), ask(COUNT, number).fetchone().n, number)


@app.get("/product/<int:number>")
def product(number: int) -> str:
    found = ask(ONE, number).fetchone() or abort(404)
    related = ask(RELATED, number % 50 + 1, number).fetchall()
    return PRODUCT_PAGE.render(
        p=found,
        related=related,
        categories=ask(CATEGORIES).fetchall(),
        current="",
        heading=found.name,
        count=0,
        padding="x" * max(0, PRODUCT_BYTES - 12_000),
    )


@app.get("/start")
def start() -> str:
    with write():
        cart = ask("INSERT INTO carts (key, state, currency, created_at, updated_at, version) VALUES (%s, 'open', 'EUR', %s, %s, 1) RETURNING id", secrets.token_hex(16), NOW, NOW).fetchone().id  # fmt: skip
    session.update(cart=cart, csrf=secrets.token_urlsafe(32))
    return str(session["csrf"])


@app.post("/cart-add")
def cart_add() -> Any:
    if not secrets.compare_digest(request.form.get("csrf", ""), session.get("csrf", "-")):
        abort(400)
    number = int(request.form["product"])
    with write():
        price = ask("SELECT minor FROM prices WHERE variant_id = %s ORDER BY valid_from DESC LIMIT 1", number).fetchone() or abort(404)
        ask(
            "INSERT INTO cart_items (cart_id, variant_id, quantity, seen_price_minor, added_at) VALUES (%s, %s, 1, %s, %s)"
            " ON CONFLICT (cart_id, variant_id) DO UPDATE SET quantity = cart_items.quantity + 1",
            session["cart"], number, price.minor, NOW,
        )  # fmt: skip
    return redirect("/cart", 303)


@app.post("/order")
def order() -> Any:
    number = int(request.form["product"])
    wanted = sorted({number, number % 1000 + 1, number // 10 + 1})
    with write():
        lines = []
        for variant in wanted:
            if not ask("UPDATE stock_items SET on_hand = on_hand - 1 WHERE variant_id = %s AND on_hand >= 1", variant).rowcount:
                abort(409)
            ask(
                "INSERT INTO stock_movements (variant_id, delta, reason, reference, actor, at) VALUES (%s, -1, 'sale', '', '', %s)",
                variant,
                NOW,
            )
            lines.append(
                (variant, ask("SELECT v.sku, t.name, p.minor FROM variants v JOIN product_texts t ON t.product_id = v.product_id AND t.locale = 'en' JOIN prices p ON p.variant_id = v.id WHERE v.id = %s", variant).fetchone())
            )  # fmt: skip
        total = sum(line.minor for _, line in lines)
        order_number = secrets.token_hex(5)
        order_id = ask(
            "INSERT INTO orders (number, email, locale, currency, state, payment_state, fulfillment_state, prices_include_tax, subtotal_minor, discount_minor, shipping_minor,"
            " tax_minor, total_minor, shipping_method, shipping_name, is_pickup, payment_method, note, terms_accepted_at, placed_at, is_demo, version) VALUES (%s, 'a@example.org',"
            " 'en', 'EUR', 'open', 'unpaid', 'unfulfilled', %s, %s, 0, 0, 0, %s, 'flat', 'Post', %s, 'bank_transfer', '', %s, %s, %s, 1) RETURNING id",
            order_number, True, total, total, False, NOW, NOW, False,
        ).fetchone().id  # fmt: skip
        ask(
            "INSERT INTO order_lines (order_id, position, variant_id, product_slug, name, options, sku, quantity, shipped_quantity, unit_price_minor, net_minor, tax_minor, gross_minor,"
            " tax_rate_ppm, tax_class, weight_g, requires_shipping) VALUES " + ", ".join(["(%s, %s, %s, '', %s, '', %s, 1, 0, %s, %s, 0, %s, 0, 'standard', 0, %s)"] * len(lines)),
            *(value for place, (variant, line) in enumerate(lines) for value in (order_id, place, variant, line.name, line.sku, line.minor, line.minor, line.minor, True)),
        )  # fmt: skip
        ask(
            "INSERT INTO events (kind, subject, payload, at) VALUES ('order.placed', %s, %s, %s)",
            f"order:{order_id}",
            json.dumps({"order_id": order_id}),
            NOW,
        )
    return redirect(f"/orders/{order_number}", 303)


LINES = """SELECT c.variant_id, c.quantity, c.seen_price_minor, v.sku, v.weight_g, v.requires_shipping, p.tax_class, p.image_id, t.name, t.slug,
 pr.minor, s.is_tracked, s.on_hand FROM cart_items c JOIN variants v ON v.id = c.variant_id JOIN products p ON p.id = v.product_id
 JOIN product_texts t ON t.product_id = p.id AND t.locale = 'en' JOIN stock_items s ON s.variant_id = v.id JOIN prices pr ON pr.id = (SELECT id FROM prices
 WHERE variant_id = v.id AND currency = 'EUR' AND customer_group = '' AND valid_from <= %s ORDER BY valid_from DESC, id DESC LIMIT 1)
 WHERE c.cart_id = %s AND v.archived_at IS NULL AND p.archived_at IS NULL AND p.published_at <= %s ORDER BY c.added_at, c.id"""
FIELDS = ("name", "line1", "city", "postcode", "country")


@app.get("/fill")
def fill() -> str:
    start()
    with write():
        for number in map(int, request.args["numbers"].split(",")):
            ask("INSERT INTO cart_items (cart_id, variant_id, quantity, seen_price_minor, added_at) SELECT %s, variant_id, 1, minor, valid_from FROM prices WHERE variant_id = %s", session["cart"], number)  # fmt: skip
    return ""


@app.post("/order-whole")
def order_whole() -> Any:
    """The same rows as the shop's, fewest statements, as somebody would write them who needs one country, one tax and one way to deliver."""
    sent = {name: request.form.get(f"shipping-{name}", "").strip() for name in FIELDS}
    email = request.form.get("email", "").strip().lower()
    if "@" not in email or not all(sent.values()) or not request.form.get("accepts_terms"):
        abort(422)
    with write():
        if not ask("UPDATE carts SET state = 'ordered', updated_at = %s WHERE id = %s AND state = 'open'", NOW, session["cart"]).rowcount:
            abort(409)
        found = ask(LINES, NOW, session["cart"], NOW).fetchall()
        if not found or any((line.is_tracked and line.on_hand < line.quantity) or line.minor != line.seen_price_minor for line in found):
            abort(409)
        ask("INSERT INTO customers (email, name, locale, created_at) SELECT %s, %s, 'en', %s WHERE NOT EXISTS (SELECT 1 FROM customers WHERE user_id IS NULL AND email = %s)", email, sent["name"], NOW, email)  # fmt: skip
        gross = {line.variant_id: line.minor * line.quantity for line in found}
        tax = {variant: minor - round(minor / 1.21) for variant, minor in gross.items()}
        total, total_tax, number = sum(gross.values()), sum(tax.values()), secrets.token_hex(5)
        order_id = ask(
            "INSERT INTO orders (number, cart_id, customer_id, email, locale, currency, state, payment_state, fulfillment_state, prices_include_tax, subtotal_minor, discount_minor,"
            " shipping_minor, tax_minor, total_minor, shipping_method, shipping_name, is_pickup, payment_method, note, terms_accepted_at, placed_at, is_demo, version) VALUES (%s, %s,"
            " (SELECT min(id) FROM customers WHERE user_id IS NULL AND email = %s), %s, 'en', 'EUR', 'open', 'unpaid', 'unfulfilled', %s, %s, 0, 0, %s, %s, 'flat', 'Post', %s,"
            " 'bank_transfer', '', %s, %s, %s, 1) RETURNING id",
            number, session["cart"], email, email, True, total, total_tax, total, False, NOW, NOW, False,
        ).fetchone().id  # fmt: skip
        many(
            "INSERT INTO order_lines (order_id, position, variant_id, product_slug, name, options, sku, image_id, quantity, shipped_quantity, unit_price_minor, net_minor, tax_minor,"
            " gross_minor, tax_rate_ppm, tax_class, weight_g, requires_shipping) VALUES (%s, %s, %s, %s, %s, '', %s, %s, %s, 0, %s, %s, %s, %s, 210000, %s, %s, %s)",
            [(order_id, place, line.variant_id, line.slug, line.name, line.sku, line.image_id, line.quantity, line.minor, gross[line.variant_id] - tax[line.variant_id],
              tax[line.variant_id], gross[line.variant_id], line.tax_class, line.weight_g, line.requires_shipping) for place, line in enumerate(found)],
        )  # fmt: skip
        ask("INSERT INTO adjustments (order_id, kind, source, label, net_minor, tax_minor, gross_minor, tax_rate_ppm) VALUES (%s, 'shipping', 'flat', 'Post', 0, 0, 0, 210000)", order_id)  # fmt: skip
        ask(
            "INSERT INTO order_addresses (order_id, kind, name, company, line1, line2, city, region, postcode, country, phone) VALUES (%s, 'shipping', %s, '', %s, '', %s, '', %s, %s, '')",
            order_id, *(sent[name] for name in FIELDS),
        )  # fmt: skip
        payload = json.dumps({"order_id": order_id, "number": number})
        event_id = ask("INSERT INTO events (kind, subject, payload, at) VALUES ('order.placed', %s, %s, %s) RETURNING id", f"order:{order_id}", payload, NOW).fetchone().id  # fmt: skip
        ask("INSERT INTO deliveries (event_id, consumer, subject, state, tries, due_at, lease, error) VALUES (%s, 'mail', %s, 'waiting', 0, %s, '', '')", event_id, f"order:{order_id}", NOW)  # fmt: skip
        for line in sorted(found):
            if not ask(
                "UPDATE stock_items SET on_hand = on_hand - %s WHERE variant_id = %s AND on_hand >= %s",
                line.quantity,
                line.variant_id,
                line.quantity,
            ).rowcount:
                abort(409)
        many(
            "INSERT INTO stock_movements (variant_id, delta, reason, reference, actor, at) VALUES (%s, %s, 'sale', %s, 'customer', %s)",
            [(line.variant_id, -line.quantity, number, NOW) for line in found],
        )
        ask(
            "INSERT INTO payments (order_id, gateway, key, state, currency, amount_minor, captured_minor, refunded_minor, error, created_at, attempted_at, version)"
            " VALUES (%s, 'bank_transfer', %s, 'pending', 'EUR', %s, 0, 0, '', %s, %s, 1)",
            order_id, secrets.token_urlsafe(24), total, NOW, NOW,
        )  # fmt: skip
    return redirect(f"/orders/{number}", 303)


def many(sql: str, values: list[tuple[Any, ...]]) -> None:
    """One statement for many rows."""
    if IS_SQLITE:
        local.connection.executemany(sql.replace("%s", "?"), values)
    else:
        local.connection.cursor().executemany(sql, values)
