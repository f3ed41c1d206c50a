"""The verbs of the catalog, the only writers of its tables. Staff pages, JSON and imports all call these; each keeps lists and caches right."""

from __future__ import annotations

from shop.catalog.services.attributes import create_attribute, rename_attribute, set_attributes
from shop.catalog.services.categories import (
    archive_category,
    change_category,
    create_category,
    delete_category,
    restore_category,
)
from shop.catalog.services.core import KEEP, Keep
from shop.catalog.services.images import arrange_images, attach_image, describe_image, order_images, remove_image, show_on_variant
from shop.catalog.services.options import (
    ValueWanted,
    add_option,
    add_option_value,
    change_option_value,
    remove_option,
    remove_option_value,
    rename_option,
    shape_option,
)
from shop.catalog.services.products import (
    archive_product,
    change_product,
    create_product,
    delete_product,
    publish_product,
    restore_product,
    withdraw_product,
)
from shop.catalog.services.variants import (
    archive_variant,
    book_stock,
    change_variant,
    create_variant,
    delete_variant,
    record_stock,
    restore_variant,
    revise_variant,
    set_price,
    set_stock_level,
)

__all__ = [
    "KEEP",
    "Keep",
    "ValueWanted",
    "add_option",
    "add_option_value",
    "archive_category",
    "archive_product",
    "archive_variant",
    "arrange_images",
    "attach_image",
    "book_stock",
    "change_category",
    "change_option_value",
    "change_product",
    "change_variant",
    "create_attribute",
    "create_category",
    "create_product",
    "create_variant",
    "delete_category",
    "delete_product",
    "delete_variant",
    "describe_image",
    "order_images",
    "publish_product",
    "record_stock",
    "remove_image",
    "remove_option",
    "remove_option_value",
    "rename_attribute",
    "rename_option",
    "restore_category",
    "restore_product",
    "restore_variant",
    "revise_variant",
    "set_attributes",
    "set_price",
    "set_stock_level",
    "shape_option",
    "show_on_variant",
    "withdraw_product",
]
