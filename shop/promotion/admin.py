"""Promotions for staff: what runs, a new one, one with its codes, ending it; codes by hand, in batches, as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row

from shop.catalog.admin.acting import save
from shop.catalog.staff_forms.parts import ActForm
from shop.catalog.staff_queries import list_shelves
from shop.clock import now
from shop.errors import Conflict, Invalid
from shop.promotion.queries import PromotionState, StaffPromotion, every_code, get_promotion, list_codes, state_of
from shop.promotion.queries import list_promotions as list_all
from shop.promotion.services import add_code, change_promotion, create_promotion, end_code, end_promotion, make_codes, restart_promotion
from shop.promotion.staff_forms import KINDS, BatchForm, CodeForm, PromotionForm, promotion_form
from shop.web.lists import Filters, Word, here_with, load_filters, view_of
from shop.web.locale import current_locale
from shop.web.staff import StaffEntry, needs

staff = Blueprint("promotion_staff", __name__, url_prefix="/promotions")
ENTRIES = [StaffEntry("admin.promotion_staff.list_promotions", _l("Promotions"), 30, icon="percent")]
MAY = "promotions.edit"
SIGNS: dict[PromotionState, tuple[str, Any]] = {
    PromotionState.PLANNED: ("ring", _l("Planned")),
    PromotionState.RUNNING: ("full", _l("Running")),
    PromotionState.USED_UP: ("square", _l("Used up")),
    PromotionState.OVER: ("square", _l("Over")),
    PromotionState.ENDED: ("square", _l("Ended")),
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class PromotionFilters(Filters):
    """``?state=running&q=summer``."""

    state = Word(PromotionState, load_default=None)


@staff.app_template_global("promotion_sign")
def sign_of(promotion: Row[Any]) -> tuple[str, str]:
    """The shape and the words of a promotion's state."""
    shape, words = SIGNS[state_of(promotion, now())]
    return shape, str(words)


@staff.get("")
@needs(MAY)
def list_promotions() -> ResponseReturnValue:
    """What the shop offers, newest first."""
    chosen = load_filters(PromotionFilters())
    page = list_all(current_locale(), state=chosen["state"], search=chosen["q"], cursor=chosen["cursor"], at=now())
    views = [view_of(_("All")), *(view_of(str(words), state=state.value) for state, (_shape, words) in SIGNS.items())]
    return render_template("promotion/admin/list_promotions.html", page=page, views=views, chosen=chosen, here_with=here_with, kinds=KINDS)


@staff.get("/new")
@needs(MAY)
def show_new_promotion() -> ResponseReturnValue:
    """The form of a new promotion."""
    return _new(promotion_form(list_shelves(current_locale()), fresh=True))


def _new(form: PromotionForm, status: int = 200) -> ResponseReturnValue:
    return render_template("promotion/admin/show_new_promotion.html", form=form), status


@staff.post("")
@needs(MAY)
def add_promotion() -> ResponseReturnValue:
    """A promotion; one that needs a code gets it on its page."""
    form = promotion_form(list_shelves(current_locale()))
    if not form.validate_on_submit():
        return _new(form, 422)
    try:
        promotion_id = create_promotion(form.draft(), at=now())
    except Invalid as problem:
        form.show_errors(problem.errors)
        return _new(form, problem.status)
    flash(_("The promotion is made. Give it a code now.") if form.needs_code.data else _("The promotion is made."), "success")
    return redirect(_url(promotion_id), 303)


@staff.get("/<int:promotion_id>")
@needs(MAY)
def show_promotion(promotion_id: int) -> ResponseReturnValue:
    """One promotion with its codes."""
    promotion = get_promotion(promotion_id, current_locale())
    return _show(promotion, promotion_form(list_shelves(current_locale()), promotion, fresh=True))


def _show(
    promotion: StaffPromotion,
    form: PromotionForm | None = None,
    *,
    code_form: CodeForm | None = None,
    batch_form: BatchForm | None = None,
    problem: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    page = render_template(
        "promotion/admin/show_promotion.html",
        promotion=promotion,
        form=form or promotion_form(list_shelves(current_locale()), promotion, fresh=True),
        act_form=ActForm(formdata=None, version=promotion.row.version),
        code_form=code_form or CodeForm(formdata=None),
        batch_form=batch_form or BatchForm(formdata=None, uses=1),
        codes=list_codes(promotion.id, cursor=load_filters(Filters())["cursor"]),
        here_with=here_with,
        problem=problem,
    )
    return page, status


@staff.post("/<int:promotion_id>")
@needs(MAY)
def change_one_promotion(promotion_id: int) -> ResponseReturnValue:
    """What it gives, to whom, when."""
    shelves, promotion = list_shelves(current_locale()), get_promotion(promotion_id, current_locale())
    form = promotion_form(shelves, promotion)

    def write() -> None:
        try:
            change_promotion(promotion_id, form.draft(), expected_version=promotion.row.version)
        except Invalid as problem:
            form.show_errors(problem.errors)
            raise Invalid({}) from None

    return save(
        form,
        write,
        now=lambda: promotion_form(shelves, get_promotion(promotion_id, current_locale()), fresh=True),
        what=promotion.name,
        back=_url(promotion_id),
        refuse=lambda status: _show(promotion, form, status=status),
        done=_("Saved."),
    )


@staff.post("/<int:promotion_id>/end")
@needs(MAY)
def end_one_promotion(promotion_id: int) -> ResponseReturnValue:
    """It counts no more."""
    return _press(
        promotion_id,
        lambda version: end_promotion(promotion_id, expected_version=version, at=now()),
        _("The promotion is ended. Orders keep what it took off."),
    )


@staff.post("/<int:promotion_id>/restart")
@needs(MAY)
def restart_one_promotion(promotion_id: int) -> ResponseReturnValue:
    """It counts again."""
    return _press(promotion_id, lambda version: restart_promotion(promotion_id, expected_version=version), _("The promotion counts again."))


def _press(promotion_id: int, verb: Callable[[int | None], None], done: str) -> ResponseReturnValue:
    promotion, form = get_promotion(promotion_id, current_locale()), ActForm()
    if not form.validate_on_submit():
        return _show(promotion, problem=_("The page was open too long. Look at it as it is now, and press again."), status=422)
    try:
        verb(form.seen_version)
    except Conflict as problem:
        return _show(get_promotion(promotion_id, current_locale()), problem=problem.detail, status=409)
    flash(done, "success")
    return redirect(_url(promotion_id), 303)


# Codes


@staff.post("/<int:promotion_id>/codes")
@needs(MAY)
def add_one_code(promotion_id: int) -> ResponseReturnValue:
    """A code that people can read out."""
    promotion, form = get_promotion(promotion_id, current_locale()), CodeForm()
    if not form.validate_on_submit():
        return _show(promotion, code_form=form, status=422)
    try:
        code = add_code(promotion_id, form.code.data or "", max_uses=form.max_uses.data, at=now())
    except (Invalid, Conflict) as problem:
        form.code.errors = [*form.code.errors, _words(problem)]
        return _show(promotion, code_form=form, status=problem.status)
    flash(_("%(code)s counts now.", code=code), "success")
    return redirect(_url(promotion_id), 303)


@staff.post("/<int:promotion_id>/batches")
@needs(MAY)
def add_batch(promotion_id: int) -> ResponseReturnValue:
    """Many codes at once."""
    promotion, form = get_promotion(promotion_id, current_locale()), BatchForm()
    if not form.validate_on_submit():
        return _show(promotion, batch_form=form, status=422)
    wanted = {"prefix": form.prefix.data or "", "batch": form.batch.data or "", "max_uses": form.uses.data}
    try:
        made = make_codes(promotion_id, form.count.data or 0, **wanted, at=now())
    except Invalid as problem:
        form.count.errors = [*form.count.errors, _words(problem)]
        return _show(promotion, batch_form=form, status=problem.status)
    flash(_("%(count)d codes are made. Take them as a file.", count=len(made)), "success")
    return redirect(_url(promotion_id), 303)


@staff.post("/<int:promotion_id>/codes/<int:code_id>/end")
@needs(MAY)
def end_one_code(promotion_id: int, code_id: int) -> ResponseReturnValue:
    """This code counts no more."""
    promotion = get_promotion(promotion_id, current_locale())
    if not ActForm().validate_on_submit():
        return _show(promotion, problem=_("The page was open too long. Look at it as it is now, and press again."), status=422)
    end_code(code_id, promotion_id=promotion_id, at=now())
    flash(_("The code is ended."), "success")
    return redirect(_url(promotion_id), 303)


@staff.get("/<int:promotion_id>/codes.csv")
@needs(MAY)
def download_codes(promotion_id: int) -> ResponseReturnValue:
    """All codes as a file for a table or a mailing."""
    get_promotion(promotion_id, current_locale())
    headers = {"Content-Disposition": f'attachment; filename="codes-{promotion_id}.csv"'}
    return Response(stream_with_context(_csv(promotion_id)), mimetype="text/csv", headers=headers)


def _csv(promotion_id: int) -> Iterator[str]:
    page = io.StringIO()
    table = csv.writer(page)
    table.writerow(["code", "batch", "max_uses", "used", "ended_at"])
    for code in every_code(promotion_id):
        batch = f"'{code.batch}" if code.batch.startswith(FORMULA) else code.batch
        table.writerow([code.code, batch, code.max_uses or "", code.used, code.ended_at.isoformat() if code.ended_at else ""])
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


def _words(problem: Invalid | Conflict) -> str:
    if isinstance(problem, Invalid):
        return str(next((text for texts in problem.errors.values() for text in texts), problem))
    return problem.detail


def _url(promotion_id: int) -> str:
    return url_for("admin.promotion_staff.show_promotion", promotion_id=promotion_id)
