"""Settings as JSON: the values without a language, and those of each language, by the names that are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields

from shop.content.settings.codes import clean_code
from shop.settings.known import KNOWN, Kind, Known
from shop.web.fields import Email, Flag, ShopSchema, Text, WholeNumber


class Code(Text):
    """Capital letters, digits and dashes."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return clean_code(text, low=self.bounds["minimum"], high=self.bounds["maximum"])
        except ValueError as error:
            raise ValidationError(str(error)) from None


class OptionalEmail(Email):
    """An e-mail address, or nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return "" if value == "" else super()._deserialize(value, attr, data, **kwargs)


class Choice(fields.Field[str]):
    """One of the words that a setting offers."""

    default_error_messages = {"unknown": "Send one of: {words}."}

    def __init__(self, words: list[str], **kwargs: Any) -> None:
        super().__init__(metadata={**kwargs.pop("metadata", {}), "type": "string", "enum": words}, **kwargs)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str) or value not in self.words:
            raise self.make_error("unknown", words=", ".join(self.words))
        return value


def _field(known: Known) -> fields.Field[Any]:
    named: dict[str, Any] = {"data_key": known.name, "metadata": {"description": str(known.name)}}
    match known.kind:
        case Kind.FLAG:
            return Flag(**named)
        case Kind.CHOICE:
            return Choice([value for value, _words in known.choices], **named)
        case Kind.NUMBER:
            return WholeNumber(low=known.low, high=known.high, **named)
        case Kind.EMAIL:
            return OptionalEmail(**named)
        case Kind.CODE:
            return Code(minimum=known.low, maximum=known.high, **named)
    return Text(minimum=known.low, maximum=known.high, multiline=known.kind is Kind.LINES, **named)


ValuesSchema: Any = ShopSchema.from_dict(
    {known.key: _field(known) for known in KNOWN.values() if not known.per_language}, name="SettingValuesSchema"
)
TextsSchema: Any = ShopSchema.from_dict(
    {known.key: _field(known) for known in KNOWN.values() if known.per_language}, name="SettingTextsSchema"
)


class SettingsBodySchema(ShopSchema):
    """What is not named stays; ``version`` is that of the last answer."""

    version = WholeNumber(required=True)
    values = fields.Nested(ValuesSchema, load_default=dict)
    texts = fields.Dict(keys=Text(minimum=2, maximum=20), values=fields.Nested(TextsSchema), load_default=dict)


class SettingsSchema(Schema):
    """All settings: what counts (``values``, and ``texts`` by language)."""

    version = fields.Integer()
    values = fields.Nested(ValuesSchema)
    texts = fields.Dict(keys=fields.String(), values=fields.Nested(TextsSchema))
