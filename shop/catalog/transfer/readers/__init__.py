"""Which reader understands a file: told by the person, or by looking at its first lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shop.catalog.transfer.product import Record
from shop.catalog.transfer.readers import google, others, shop, shopify, vendure, woocommerce
from shop.catalog.transfer.source import Source
from shop.catalog.transfer.table import normal

Reader = Callable[[Source], Iterator[Record]]
FORMATS = ("auto", "shopify", "woocommerce", "google", "shop")


class UnknownFormat(ValueError):
    """No reader understands the file; the message says what was looked for."""


def _nothing(_: Source) -> Iterator[Record]:
    return iter(())


def choose_reader(source: Source, wanted: str = "auto") -> Reader:
    """The reader for the file.

    Raises:
        UnknownFormat: it is none that the shop knows, or not the one that was named.
    """
    head = source.peek()
    if not head.strip():
        return _nothing
    is_xml = head.lstrip("\ufeff \r\n\t").startswith("<")
    first = source.first_object() if not is_xml else None
    if wanted == "google" or (wanted == "auto" and is_xml):
        return google.read_google_xml if is_xml else google.read_google_table
    if first is not None:
        return _json_reader(first, wanted)
    cells = source.first_record()
    names = {normal(cell) for cell in cells} - {""}
    if wanted == "auto":
        return _recognize(names, cells, source)
    chosen: dict[str, tuple[bool, Reader]] = {
        "shopify": (bool(names & set(shopify.HANDLE)), shopify.read_shopify),
        "woocommerce": ({woocommerce.english(name) for name in names} >= woocommerce.NEEDED, woocommerce.read_woocommerce),
        "shop": (shop.is_sheet(names, source.locales), shop.read_sheet),
    }
    fits, reader = chosen[wanted]
    if not fits:
        raise UnknownFormat(f"This is no file of the format {wanted}: its columns are {_listed(names)}. Try --format auto.")
    return reader


def _json_reader(first: dict[str, object], wanted: str) -> Reader:
    if shop.is_shop_lines(first) and wanted in {"auto", "shop"}:
        return shop.read_shop_lines
    if others.is_parts(first) and wanted == "auto":
        return others.read_parts
    raise UnknownFormat("The JSON lines are none of ours, and have no sku, name and price.")


def _recognize(names: set[str], cells: list[str], source: Source) -> Reader:
    known: list[tuple[bool, Reader]] = [
        (shopify.is_shopify(names), shopify.read_shopify),
        (others.is_medusa(names), others.read_medusa),
        (vendure.is_vendure(names), vendure.read_vendure),
        (shop.is_sheet(names, source.locales), shop.read_sheet),
        (others.is_prestashop(names), others.read_prestashop),
        (others.is_magento(names), others.read_magento),
        (google.is_google(names), google.read_google_table),
        (woocommerce.is_woocommerce(names), woocommerce.read_woocommerce),
        (others.is_oscar(cells), others.read_oscar),
    ]
    for fits, reader in known:
        if fits:
            return reader
    raise UnknownFormat(f"No format is known that has the columns {_listed(names)}. Say which it is with --format.")


def _listed(names: set[str]) -> str:
    some = sorted(names)[:8]
    return ", ".join(repr(name[:30]) for name in some) + (" …" if len(names) > 8 else "")
