"""The pages of my data."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.account import bp
from shop.account.forms import ButtonForm
from shop.account.mine.texts import FIGURES_TEXT, MARKETING_TEXT
from shop.auth.current import current_user, leave, login_required, network
from shop.auth.services import prove_again
from shop.clock import now
from shop.errors import Conflict, Invalid, NotFound, TooManyTries
from shop.privacy.holdings import find_person
from shop.privacy.queries import dump_person, get_receipt, has_agreed, list_consents, list_sections, list_terms
from shop.privacy.services import FIGURES, MARKETING, erase_person, set_consent
from shop.web.fields import InputRequired, PasswordField, ShopForm, TickField
from shop.web.json import json_response
from shop.web.locale import current_locale


class MarketingForm(ShopForm):
    """One box to tick."""

    is_given = TickField(MARKETING_TEXT)


class FiguresForm(ShopForm):
    """One box to tick."""

    is_given = TickField(FIGURES_TEXT)


class ErasureForm(ShopForm):
    """The password once more."""

    password = PasswordField(_l("Your password"), [InputRequired(_l("Write your password."))])


@bp.get("/account/data")
@login_required
def show_my_data() -> ResponseReturnValue:
    """What the shop knows of me."""
    return _show(ErasureForm(formdata=None))


def _show(form: ErasureForm, status: int = 200) -> ResponseReturnValue:
    person = find_person(user_id=current_user.id)
    page = render_template(
        "account/show_my_data.html",
        sections=list_sections(person),
        consents=list_consents(current_user.id),
        terms=list_terms(person),
        marketing=MarketingForm(formdata=None, data={"is_given": has_agreed(current_user.id, MARKETING)}),
        figures=FiguresForm(formdata=None, data={"is_given": has_agreed(current_user.id, FIGURES)}) if _asks_for_figures() else None,
        form=form,
        button=ButtonForm(formdata=None),
    )
    return page, status


def _asks_for_figures() -> bool:
    """It is asked where there are figures, and nowhere else."""
    return current_app.extensions["config"].analytics is not None


@bp.get("/account/data.json")
@login_required
def download_my_data() -> ResponseReturnValue:
    """The same as a file for programs."""
    answer = json_response(dump_person(user_id=current_user.id))
    answer.headers["Content-Disposition"] = "attachment; filename=my-data.json"
    return answer


@bp.post("/account/data/marketing")
@login_required
def set_marketing() -> ResponseReturnValue:
    """May the shop write about new things?"""
    form = MarketingForm()
    if form.validate_on_submit():
        text = str(MARKETING_TEXT)
        set_consent(current_user.id, MARKETING, is_given=bool(form.is_given.data), text=text, locale=current_locale(), at=now())
        flash(_("Saved."), "good")
    return redirect(url_for("account.show_my_data"), 303)


@bp.post("/account/data/figures")
@login_required
def set_figures() -> ResponseReturnValue:
    """May name and e-mail stand beside the shop's figures?"""
    form = FiguresForm()
    if form.validate_on_submit():
        text = str(FIGURES_TEXT)
        set_consent(current_user.id, FIGURES, is_given=bool(form.is_given.data), text=text, locale=current_locale(), at=now())
        flash(_("Saved."), "good")
    return redirect(url_for("account.show_my_data"), 303)


@bp.post("/account/data/erasure")
@login_required
def erase_me() -> ResponseReturnValue:
    """Erase my account."""
    form = ErasureForm()
    if not form.validate_on_submit():
        return _show(form, 422)
    try:
        prove_again(current_user.login_session_id, email=current_user.email, password=form.password.data, network=network(), at=now())
        reference = erase_person(find_person(user_id=current_user.id), by="customer", at=now())
    except Invalid as problem:
        form.password.errors = [str(text) for texts in problem.errors.values() for text in texts]
        return _show(form, 422)
    except (Conflict, TooManyTries) as problem:
        form.form_errors.append(problem.detail)
        return _show(form, problem.status)
    leave()
    return redirect(url_for("account.show_erasure", reference=reference), 303)


@bp.get("/erasures/<reference>")
def show_erasure(reference: str) -> ResponseReturnValue:
    """The receipt of an erasure: for whoever has its reference, which nobody can guess. It names nobody."""
    receipt = get_receipt(reference)
    if receipt is None:
        raise NotFound(_("There is no such receipt."))
    return render_template("account/show_erasure.html", receipt=receipt)
