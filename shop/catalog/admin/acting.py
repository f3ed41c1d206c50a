"""Saving a form of staff: refused with its errors, held up when somebody else saved the same fields meanwhile, or done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import wtforms
from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from shop.catalog.staff_forms.base import Difference, SeenForm
from shop.errors import BadImage, Conflict, FilesAway, Invalid, StaleVersion

UPLOAD_BYTES = 25 * 1024 * 1024
UNTYPED = {"csrf_token", "seen"}


def save(
    form: SeenForm,
    verb: Callable[[], object],
    *,
    now: Callable[[], SeenForm],
    what: str,
    back: str,
    refuse: Callable[[int], ResponseReturnValue],
    done: str,
    to: str = "",
) -> ResponseReturnValue:
    """Do ``verb`` with what was typed, then go ``to`` (or ``back``).

    ``now`` makes the form as it would be shown at this moment; ``refuse`` shows the page again with the form's errors; ``what`` names the object.
    """
    if form.is_submitted() and form.is_overtaken_by(now()):
        return conflict(form, now(), what=what, back=back)
    if not form.validate_on_submit():
        return refuse(422)
    try:
        verb()
    except StaleVersion:
        return conflict(form, now(), what=what, back=back)
    except (Invalid, Conflict, BadImage, FilesAway) as problem:
        put_problem(form, problem)
        return refuse(problem.status)
    flash(done, "success")
    return redirect(to or back, 303)


def conflict(form: SeenForm, now: SeenForm, *, what: str, back: str) -> ResponseReturnValue:
    """Both versions side by side, with everything that was typed."""
    differences = form.differences(now)
    form.seen.data = now.seen.data
    page = render_template(
        "catalog/admin/show_conflict.html", form=form, differences=differences, kept=list(_kept(differences)), what=what, back=back
    )
    return page, 409


def _kept(differences: list[Difference]) -> Iterator[tuple[str, str]]:
    """What else was typed, as it came."""
    shown = {difference.field.name for difference in differences} | UNTYPED
    for name, values in request.form.lists():
        if name not in shown:
            yield from ((name, value.replace("\0", "").encode("utf-8", "replace").decode()) for value in values)


def put_problem(form: Any, problem: Invalid | Conflict | BadImage | FilesAway) -> None:
    """Say what a service refused, at the field where that is known."""
    if isinstance(problem, Invalid):
        form.form_errors += [str(text) for texts in problem.errors.values() for text in texts]
    elif "sku" in problem.extras and "sku" in form:
        add_error(form.sku, problem.detail)
    else:
        form.form_errors.append(problem.detail)


def add_error(field: wtforms.Field, message: str) -> None:
    field.errors = [*field.errors, message]
