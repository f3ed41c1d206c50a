"""The shop's rules for texts, kept by imports as by forms: NFC, no control characters, no reading against the eye, reasonable lengths."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import ImportedAttribute, ImportedCategory, ImportedImage, ImportedOption, ImportedProduct, Names
from shop.catalog.transfer.values import shown
from shop.web.text import clean_text

TEXT_MAX = {"name": 500, "subtitle": 500, "seo_title": 300, "seo_description": 1000}
SIMPLE = re.compile(r"[!-~]+(?: [!-~]+)*|")  # what needs no cleaning: ASCII, one blank between words
SIMPLE_LINES = re.compile(r"[!-~]+(?:[ \n][!-~]+)*|")
ATTRIBUTE_MAX = 2000
SPACES = re.compile(r"[\s\u200b\ufeff]+")
BAD_IN_HTML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean_line(text: str, maximum: int) -> str:
    """One line; blanks of all kinds become one blank.

    Raises:
        ValueError: too long, or damaged.
    """
    if len(text) <= maximum and SIMPLE.fullmatch(text):
        return text
    return clean_text(SPACES.sub(" ", text), maximum=maximum, is_code=True)


def clean_html(html: str) -> str:
    """Sanitized HTML without characters that no page can show."""
    if html.isascii() and not BAD_IN_HTML.search(html):
        return html
    return unicodedata.normalize("NFC", BIDI.sub("", BAD_IN_HTML.sub("", html)))


class _Cleaner:
    def __init__(self, product: ImportedProduct) -> None:
        self.product = product

    def line(self, text: str, maximum: int, column: str) -> str:
        try:
            return clean_line(text, maximum)
        except ValueError as problem:
            self.product.fault(self.product.line, column, f"{shown(text)!r}: {problem}", "Shorten or retype it.")
            return ""

    def names(self, names: Names, maximum: int, column: str) -> Names:
        return {locale: cleaned for locale, name in names.items() if (cleaned := self.line(name, maximum, column))}


def clean_product(product: ImportedProduct, default: str) -> None:
    """Clean all texts in place; "" among the locales becomes ``default``. What cannot be kept is a fault of the product."""
    cleaner = _Cleaner(product)
    product.handle = cleaner.line(product.handle, 200, "handle")
    texts = {locale or default: texts for locale, texts in product.texts.items()}
    for locale, words in texts.items():
        for field, text in words.items():
            if field == "description_html":
                words[field] = clean_html(text)
            elif field == "slug":
                words[field] = slugify(text, "product")
            else:
                words[field] = cleaner.line(text, TEXT_MAX[field], f"{field} ({locale})")
    product.texts = texts
    product.brand = _maybe(product.brand, lambda text: cleaner.line(text, 200, "brand"))
    product.kind = _maybe(product.kind, lambda text: cleaner.line(text, 200, "type"))
    product.tax_class = _maybe(product.tax_class, lambda text: cleaner.line(text, 60, "tax class"))
    if product.tags is not None:
        product.tags = sorted({cleaned for tag in product.tags if (cleaned := cleaner.line(tag, 200, "tags"))})
    if product.categories is not None:
        product.categories = [
            ImportedCategory(tuple(cleaner.line(name, 200, "category") for name in shelf.path), shelf.slug) for shelf in product.categories
        ]
    if product.attributes and not _are_simple(product.attributes):
        product.attributes = [_attribute(cleaner, found) for found in product.attributes]
    product.options = [_option(cleaner, option, default) for option in product.options]
    if product.images is not None:
        product.images = [
            ImportedImage(image.source, _default(cleaner.names(image.alt, 1000, "image text"), default), image.line, image.facts)
            for image in product.images
        ]
    for variant in product.variants:
        variant.sku = _maybe(variant.sku, lambda text: cleaner.line(text, 200, "SKU"))
        variant.barcode = _maybe(variant.barcode, lambda text: cleaner.line(text, 100, "barcode"))


def _maybe(text: str | None, clean: Callable[[str], str]) -> str | None:
    return None if text is None else clean(text)


def _default(names: Names, default: str) -> Names:
    return {locale or default: name for locale, name in names.items()}


def _are_simple(attributes: list[ImportedAttribute]) -> bool:
    """One look at all of them together: most catalogs' properties are plain words and numbers."""
    texts = [text for found in attributes for items in found.values.values() for text in (found.code, *items)]
    joined = "\n".join(texts)
    return len(joined) <= ATTRIBUTE_MAX and "" not in texts and SIMPLE_LINES.fullmatch(joined) is not None


def _attribute(cleaner: _Cleaner, found: ImportedAttribute) -> ImportedAttribute:
    """Most are fine as they are; their names are cleaned when an attribute is made."""
    if SIMPLE.fullmatch(found.code) and all(
        SIMPLE.fullmatch(text) and len(text) <= ATTRIBUTE_MAX for items in found.values.values() for text in items
    ):
        return found
    values = {
        locale: [cleaned for text in items if (cleaned := cleaner.line(text, ATTRIBUTE_MAX, found.code))]
        for locale, items in found.values.items()
    }
    return found._replace(code=cleaner.line(found.code, 100, "attribute"), values={k: v for k, v in values.items() if v})


def _option(cleaner: _Cleaner, option: ImportedOption, default: str) -> ImportedOption:
    values = [value._replace(names=_default(cleaner.names(value.names, 200, option.code), default)) for value in option.values]
    return option._replace(names=_default(cleaner.names(option.names, 200, "option"), default), values=values)
