"""The fields of every form and every schema: thin shells around the rules in ``shop.web.text``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import wtforms
from flask import current_app, request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import _FlaskFormCSRF
from flask_wtf.form import _Auto, _is_submitted
from marshmallow import RAISE, Schema, ValidationError, fields
from werkzeug.exceptions import UnsupportedMediaType
from wtforms.validators import DataRequired, InputRequired, Optional

from shop.db import MAX_INT
from shop.money import MAX_MINOR, Money
from shop.web.cookies import has_cookie
from shop.web.text import clean_amount, clean_email, clean_integer, clean_text, clean_url

__all__ = ["DataRequired", "InputRequired", "Optional"]


class _Token(_FlaskFormCSRF):
    """Flask-WTF's token, with words that say what to do when it does not fit."""

    def validate_csrf_token(self, form: Any, field: Any) -> None:
        try:
            super().validate_csrf_token(form, field)
        except wtforms.ValidationError:
            raise wtforms.ValidationError(
                str(_l("This page was opened before you logged in. Nothing was done and nothing is lost: send it once more."))
            ) from None


class ShopForm(FlaskForm):
    """A form. For people who are logged in it carries Flask-WTF's token, without a time limit that would lose a customer's typing."""

    class Meta(FlaskForm.Meta):
        csrf_class = _Token

        @property
        def csrf(self) -> bool:
            return has_cookie() and bool(current_user.is_authenticated)

        csrf_time_limit = None

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """What was sent as a form. Flask-WTF would take JSON as well, and with it lists and numbers where our fields expect texts."""
            if formdata is _Auto and _is_submitted() and request.is_json:
                raise UnsupportedMediaType
            return super().wrap_formdata(form, formdata)


class _Cleaned(wtforms.Field):
    """A text input whose value went through ``self.clean``; ``raw_data`` keeps what was typed for the page that shows it again."""

    widget = wtforms.widgets.TextInput()

    def clean(self, text: str) -> Any:
        raise NotImplementedError

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        try:
            self.data = self.clean(valuelist[0])
        except ValueError as error:
            self.data = None
            raise ValueError(str(error)) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0]).encode("utf-8", "replace").decode().replace("\0", "")
        return "" if self.data is None else self.show(self.data)

    def show(self, value: Any) -> str:
        """How a value that nobody typed is shown in the field."""
        return str(value)


class TextField(_Cleaned):
    """Text of ``minimum`` to ``maximum`` characters, one line unless ``multiline``; ``is_code`` for codes of goods and parcels (``clean_text``)."""

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        maximum: int = 200,
        minimum: int = 0,
        multiline: bool = False,
        is_code: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.maximum, self.minimum, self.multiline, self.is_code = maximum, minimum, multiline, is_code
        if multiline:
            self.widget = wtforms.widgets.TextArea()

    def clean(self, text: str) -> str:
        return clean_text(text, maximum=self.maximum, minimum=self.minimum, multiline=self.multiline, is_code=self.is_code)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or ([""] if self.minimum else []))


class EmailField(_Cleaned):
    """An e-mail address."""

    widget = wtforms.widgets.EmailInput()

    def clean(self, text: str) -> str:
        return clean_email(text)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or [""])


class PasswordField(_Cleaned):
    """A password, verified as typed: never trimmed, never shown again."""

    widget = wtforms.widgets.PasswordInput()

    def __init__(self, label: Any = None, validators: Any = None, *, minimum: int = 1, maximum: int = 256, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.minimum, self.maximum = minimum, maximum

    def clean(self, text: str) -> str:
        if not text:
            raise ValueError(str(_l("Please fill this in.")))
        if not self.minimum <= len(text) <= self.maximum:
            raise ValueError(str(_l("Use %(low)s to %(high)s characters.", low=self.minimum, high=self.maximum)))
        if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in text):
            raise ValueError(str(_l("This text is damaged. Please type it again.")))
        return text

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or [""])


class IntegerField(_Cleaned):
    """A whole number within both bounds. Empty is None when ``optional``, else an error."""

    widget = wtforms.widgets.NumberInput()

    def __init__(
        self, label: Any = None, validators: Any = None, *, low: int = 0, high: int = MAX_INT, optional: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.low, self.high, self.optional = low, high, optional

    def clean(self, text: str) -> int | None:
        if self.optional and not text.strip():
            return None
        return clean_integer(text, low=self.low, high=self.high)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or [""])


class MoneyField(_Cleaned):
    """An amount in ``currency`` (a code, or a function that gives it when the form is made). Empty is None when ``optional``."""

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        currency: str | Callable[[], str],
        low: int = 0,
        high: int = MAX_MINOR,
        optional: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.currency = currency if isinstance(currency, str) else currency()
        self.low, self.high, self.optional = low, high, optional

    def clean(self, text: str) -> Money | None:
        if self.optional and not text.strip():
            return None
        return clean_amount(text, self.currency, low=self.low, high=self.high)

    def show(self, value: Money) -> str:
        return str(value.to_decimal())

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or [""])


class UrlField(_Cleaned):
    """An absolute http(s) address, or empty."""

    widget = wtforms.widgets.URLInput()

    def clean(self, text: str) -> str:
        return clean_url(text)


class ChoiceField(wtforms.SelectField):
    """One of the given choices, by radio buttons or a list."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist[:1])


class TickField(wtforms.BooleanField):
    """A box to tick."""


# JSON


class ShopSchema(Schema):
    """A JSON body. Fields that are not named are refused."""

    class Meta:
        unknown = RAISE


def _documented(kwargs: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What the API document says of a field: its bounds, and what the schema adds."""
    return {**facts, **kwargs.pop("metadata", {})}


def _cleaned(clean: Callable[..., Any], value: Any, **bounds: Any) -> Any:
    if not isinstance(value, str):
        raise ValidationError(str(_l("Send a text.")))
    try:
        return clean(value, **bounds)
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Text(fields.Field[str]):
    """A text of ``minimum`` to ``maximum`` characters."""

    def __init__(self, *, maximum: int = 200, minimum: int = 0, multiline: bool = False, is_code: bool = False, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "string", "minLength": minimum, "maxLength": maximum}), **kwargs)
        self.bounds = {"maximum": maximum, "minimum": minimum, "multiline": multiline, "is_code": is_code}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return _cleaned(clean_text, value, **self.bounds)


class Email(fields.Field[str]):
    """An e-mail address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "string", "format": "email", "maxLength": 254}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return _cleaned(clean_email, value)


class Url(fields.Field[str]):
    """An absolute http(s) address, or empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "uri", "maxLength": 2000}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return _cleaned(clean_url, value)


class Password(fields.Field[str]):
    """A password, taken as typed."""

    def __init__(self, *, minimum: int = 1, maximum: int = 256, **kwargs: Any) -> None:
        super().__init__(
            metadata={**kwargs.pop("metadata", {}), "type": "string", "format": "password", "minLength": minimum, "maxLength": maximum},
            **kwargs,
        )
        self.minimum, self.maximum = minimum, maximum

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if (
            not isinstance(value, str)
            or not self.minimum <= len(value) <= self.maximum
            or any(0xD800 <= ord(c) <= 0xDFFF or c == "\0" for c in value)
        ):
            raise ValidationError(str(_l("Use %(low)s to %(high)s characters.", low=self.minimum, high=self.maximum)))
        return value


class WholeNumber(fields.Field[int]):
    """A JSON integer within both bounds: no ``1.0``, ``"1"`` or ``true``."""

    def __init__(self, *, low: int = 0, high: int = MAX_INT, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "integer", "minimum": low, "maximum": high}), **kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise ValidationError(str(_l("Send a whole number.")))
        if not self.low <= value <= self.high:
            raise ValidationError(str(_l("Send a whole number from %(low)s to %(high)s.", low=self.low, high=self.high)))
        return value


class Flag(fields.Field[bool]):
    """``true`` or ``false``, nothing that merely looks like it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "boolean"}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise ValidationError(str(_l("Send true or false.")))
        return value


class MoneyAmount(fields.Field[Money]):
    """``{"minor": 1999, "currency": "EUR"}`` both ways."""

    def __init__(self, *, low: int = 0, high: int = MAX_MINOR, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"allOf": [{"$ref": "#/components/schemas/Money"}]}), **kwargs)
        self.low, self.high = low, high

    def _serialize(self, value: Money | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.dump()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Money:
        if (
            not isinstance(value, dict)
            or set(value) != {"minor", "currency"}
            or type(value["minor"]) is not int
            or not isinstance(value["currency"], str)
        ):
            raise ValidationError(str(_l('Send an amount such as {"minor": 1999, "currency": "EUR"}.')))
        if not self.low <= value["minor"] <= self.high:
            raise ValidationError(str(_l("This amount is out of range.")))
        currency = current_app.extensions["config"].currency
        if value["currency"] != currency:
            raise ValidationError(str(_l("The shop's currency is %(currency)s.", currency=currency)))
        return Money(value["minor"], value["currency"])


class NumberText(fields.Field[int]):
    """A whole number in a query string, within both bounds."""

    def __init__(self, *, low: int = 0, high: int = MAX_INT, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "integer", "minimum": low, "maximum": high}), **kwargs)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        return _cleaned(clean_integer, value, low=self.low, high=self.high)


class FlagText(fields.Field[bool]):
    """``1``, ``0``, ``true`` or ``false`` in a query string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=_documented(kwargs, {"type": "boolean"}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if value not in {"1", "0", "true", "false"}:
            raise ValidationError(str(_l("Send true or false.")))
        return value in {"1", "true"}
