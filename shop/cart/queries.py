"""Reading carts: which one is the visitor's, what lies in it, how many pieces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row, and_, bindparam, case, func, select, true
from sqlalchemy.orm import aliased

from shop.cart.looked import SOMEBODY, Buyer, groups_of_buyer, looked_at
from shop.cart.models import Cart, CartItem, CartState
from shop.catalog.cards import FACTS_OF
from shop.catalog.models import (
    Category,
    OptionValue,
    OptionValueText,
    Price,
    Product,
    ProductCategory,
    ProductImage,
    ProductText,
    Variant,
    VariantOption,
)
from shop.catalog.models import Option as ProductOption
from shop.catalog.prices import NEWEST_PRICE
from shop.db import row, rows, scalar
from shop.inventory.models import StockItem
from shop.media.models import Image

SOUGHT_AT_MOST = 50

_of_guest = and_(Cart.key == bindparam("key"), Cart.user_id.is_(None))
_of_member = Cart.user_id == bindparam("user_id")

_wanted, _default = aliased(ProductText), aliased(ProductText)
_wanted_value, _default_value = aliased(OptionValueText), aliased(OptionValueText)

ON_SALE = and_(
    Variant.archived_at.is_(None),
    Product.archived_at.is_(None),
    Product.published_at.is_not(None),
    Product.published_at <= bindparam("at"),
)
_chosen = (
    select(func.coalesce(_wanted_value.name, _default_value.name, OptionValue.code).label("name"))
    .select_from(VariantOption)
    .join(ProductOption, ProductOption.id == VariantOption.option_id)
    .join(OptionValue, OptionValue.id == VariantOption.value_id)
    .outerjoin(_wanted_value, and_(_wanted_value.value_id == OptionValue.id, _wanted_value.locale == bindparam("locale")))
    .outerjoin(_default_value, and_(_default_value.value_id == OptionValue.id, _default_value.locale == bindparam("default_locale")))
    .where(VariantOption.variant_id == Variant.id)
    .order_by(ProductOption.position, ProductOption.id)
    .correlate(Variant)
    .subquery()
)
_options = select(func.aggregate_strings(_chosen.c.name, ", ")).scalar_subquery()
_picture = select(ProductImage.image_id).where(ProductImage.id == Variant.product_image_id).limit(1).correlate(Variant).scalar_subquery()
_shelves = (
    select(func.coalesce(func.aggregate_strings(Category.path, "/"), ""))
    .select_from(ProductCategory)
    .join(Category, Category.id == ProductCategory.category_id)
    .where(ProductCategory.product_id == Variant.product_id)
    .correlate(Variant)
    .scalar_subquery()
)

_facts = (
    Variant.id.label("variant_id"),
    Variant.product_id,
    Variant.sku,
    Variant.weight_g,
    Variant.requires_shipping,
    Product.tax_class,
    func.coalesce(_wanted.name, _default.name, Product.handle).label("name"),
    func.coalesce(_wanted.slug, _default.slug, "").label("slug"),
    func.coalesce(_options, "").label("options"),
    ON_SALE.label("is_on_sale"),
    Price.minor.label("price_minor"),
    Price.compare_at_minor,
    func.coalesce(StockItem.is_tracked, False).label("is_tracked"),
    func.coalesce(StockItem.on_hand + StockItem.backorder_to, 0).label("on_hand"),  # how many can be ordered
    func.coalesce(StockItem.on_hand, 0).label("on_shelf"),
    func.coalesce(StockItem.lead_days, 0).label("lead_days"),
    Image.id.label("image_id"),
    Image.hash.label("image_hash"),
    Image.width.label("image_width"),
    Image.height.label("image_height"),
    Image.widths.label("image_widths"),
)


def _with_facts(statement: Any) -> Any:
    return (
        statement.join(Product, Product.id == Variant.product_id)
        .outerjoin(_wanted, and_(_wanted.product_id == Product.id, _wanted.locale == bindparam("locale")))
        .outerjoin(_default, and_(_default.product_id == Product.id, _default.locale == bindparam("default_locale")))
        .outerjoin(Price, Price.id == NEWEST_PRICE)
        .outerjoin(StockItem, StockItem.variant_id == Variant.id)
        .outerjoin(Image, Image.id == func.coalesce(_picture, Product.image_id))
    )


_lines = _with_facts(
    select(CartItem.cart_id, CartItem.id, CartItem.quantity, CartItem.seen_price_minor, _shelves.label("shelves"), *_facts)
    .select_from(CartItem)
    .join(Variant, Variant.id == CartItem.variant_id)
).order_by(CartItem.added_at, CartItem.id)


def _lines_of(cart: Any) -> Any:
    """The lines of one cart, each with what is known of the cart as a whole."""
    return _lines.where(CartItem.cart_id == cart).add_columns(looked_at(cart).label("looked"), groups_of_buyer().label("groups"))


LINES = _lines_of(bindparam("cart_id", type_=CartItem.cart_id.type))
OF_GUEST = select(Cart.id).where(Cart.state == CartState.OPEN, _of_guest)
OF_MEMBER = select(Cart.id).where(Cart.state == CartState.OPEN, _of_member)
# Asked for as a value, not joined: PostgreSQL keeps the order of more than eight joins, and would price the lines of all carts before it looks for one.
LINES_OF_GUEST = _lines_of(OF_GUEST.scalar_subquery())
LINES_OF_MEMBER = _lines_of(OF_MEMBER.scalar_subquery())
VARIANT = _with_facts(select(*_facts).select_from(Variant)).where(Variant.id == bindparam("variant_id"))
_can_be_had = StockItem.on_hand + StockItem.backorder_to
PIECES = (
    select(
        func.sum(
            case(
                (~ON_SALE, 0),
                (and_(StockItem.is_tracked, _can_be_had < CartItem.quantity), _can_be_had),
                else_=CartItem.quantity,
            )
        )
    )
    .select_from(Cart)
    .join(CartItem, CartItem.cart_id == Cart.id)
    .join(Variant, Variant.id == CartItem.variant_id)
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Cart.state == CartState.OPEN)
)
COUNT_OF_GUEST = PIECES.where(_of_guest)
COUNT_OF_MEMBER = PIECES.where(_of_member)
SOUGHT = (
    select(Product.id, Product.sold_count, *FACTS_OF)
    .where(Product.is_listed == true(), Product.available == true())
    .order_by(Product.sold_count.desc(), Product.id.desc())
    .limit(bindparam("most"))
)


def find_cart(*, key: str | None, user_id: int | None) -> int | None:
    """The open cart of a member, else the guest's cart with that key. A member's cart is never found by a key: the next person at this browser is
    somebody else."""
    if user_id is not None:
        return scalar(OF_MEMBER, user_id=user_id)
    return scalar(OF_GUEST, key=key) if key else None


def list_cart_lines(cart_id: int, *, locale: str, at: datetime, buyer: Buyer = SOMEBODY) -> Sequence[Row[Any]]:
    """Everything that page, quote and order must know of each line, oldest first; one statement. ``price_minor`` is None without a price."""
    return rows(LINES, cart_id=cart_id, **buyer.params, **_place(locale, at))


def list_visitor_lines(*, key: str | None, buyer: Buyer, locale: str, at: datetime) -> Sequence[Row[Any]]:
    """``list_cart_lines`` of the visitor's open cart; nothing is asked when there can be none."""
    if buyer.user_id is not None:
        return rows(LINES_OF_MEMBER, user_id=buyer.user_id, **buyer.params, **_place(locale, at))
    return rows(LINES_OF_GUEST, key=key, **buyer.params, **_place(locale, at)) if key else ()


def list_sought(*, beside: Collection[int], most: int) -> list[Row[Any]]:
    """Rows for cards: what is bought most and can be had, without the products that lie in the cart already."""
    found = rows(SOUGHT, most=most + min(len(beside), SOUGHT_AT_MOST))
    return [good for good in found if good.id not in beside][:most]


def find_variant(variant_id: int, *, locale: str, at: datetime) -> Row[Any] | None:
    """What ``list_cart_lines`` says of a line, for a variant that lies in no cart."""
    return row(VARIANT, variant_id=variant_id, **_place(locale, at))


def count_visitor_items(*, key: str | None, user_id: int | None, at: datetime) -> int:
    """How many pieces in the visitor's open cart can be bought at that moment, in one statement."""
    if user_id is not None:
        return _count(COUNT_OF_MEMBER, user_id=user_id, at=at)
    return _count(COUNT_OF_GUEST, key=key, at=at) if key else 0


def _count(statement: Any, **params: Any) -> int:
    return int(scalar(statement, **params) or 0)


def _place(locale: str, at: datetime) -> dict[str, Any]:
    config = current_app.extensions["config"]
    return {"locale": locale, "default_locale": config.locales[0], "currency": config.currency, "at": at}
