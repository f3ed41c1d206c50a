"""Zones and ways to deliver, written as a whole; a method goes into the archive and comes back."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.errors import Conflict, Invalid, StaleVersion
from shop.pricing.admin import staff
from shop.pricing.deliveries import archive_method, remove_zone, restore_method, write_method, write_zone
from shop.pricing.staff import StaffMethod, StaffZone, get_method, get_zone, list_methods, list_staff_zones
from shop.pricing.staff_forms import MethodForm, PressForm, ZoneForm, method_form, seen_version, show_areas, zone_form
from shop.web.staff import needs


@staff.get("/delivery")
@needs("pricing.edit")
def list_delivery() -> ResponseReturnValue:
    """Zones and methods."""
    return _list()


def _list(problem: str = "", status: int = 200) -> ResponseReturnValue:
    zones, methods = list_staff_zones(), list_methods()
    priced = {cost.row.zone for method in methods if method.row.archived_at is None for cost in method.costs}
    page = render_template(
        "pricing/admin/list_delivery.html", zones=zones, methods=methods, priced=priced, show_areas=show_areas, problem=problem
    )
    return page, status


def _done(words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("admin.pricing_staff.list_delivery"), 303)


# Zones


@staff.get("/delivery/zones/new")
@needs("pricing.edit")
def show_new_zone() -> ResponseReturnValue:
    """The form of a new zone."""
    return _show_zone(zone_form(fresh=True))


@staff.get("/delivery/zones/<code>")
@needs("pricing.edit")
def show_zone(code: str) -> ResponseReturnValue:
    """One zone."""
    found = get_zone(code)
    return _show_zone(zone_form(found, fresh=True), found)


def _show_zone(form: ZoneForm, found: StaffZone | None = None, status: int = 200) -> ResponseReturnValue:
    return render_template("pricing/admin/show_zone.html", form=form, zone=found, press=PressForm(formdata=None)), status


@staff.post("/delivery/zones")
@needs("pricing.edit")
def add_zone() -> ResponseReturnValue:
    """Make a zone."""
    return _write_zone(None)


@staff.post("/delivery/zones/<code>")
@needs("pricing.edit")
def change_zone(code: str) -> ResponseReturnValue:
    """Replace a zone."""
    return _write_zone(get_zone(code))


def _write_zone(found: StaffZone | None) -> ResponseReturnValue:
    form = zone_form()
    if found is not None:
        form.code.process(None, found.row.code)
    if not form.validate_on_submit():
        return _show_zone(form, found, 422)
    try:
        write_zone(form.zone, position=form.position.data or 0, expected_version=seen_version(form))
    except Invalid as problem:
        form.areas.errors = [str(text) for texts in problem.errors.values() for text in texts]
        return _show_zone(form, found, 422)
    except StaleVersion as problem:
        form.form_errors.append(problem.detail)
        return _show_zone(form, found, 409)
    return _done(_("The zone is saved."))


@staff.post("/delivery/zones/<code>/removal")
@needs("pricing.edit")
def remove_one_zone(code: str) -> ResponseReturnValue:
    """Remove a zone in which nothing has a price."""
    if not PressForm().validate_on_submit():
        return _list(_("The page was open too long. Press again."), 422)
    try:
        remove_zone(code)
    except Conflict as problem:
        return _list(problem.detail, 409)
    return _done(_("The zone is gone."))


# Methods


@staff.get("/delivery/methods/new")
@needs("pricing.edit")
def show_new_method() -> ResponseReturnValue:
    """The form of a new way to deliver."""
    return _show_method(method_form(list_staff_zones(), fresh=True))


@staff.get("/delivery/methods/<code>")
@needs("pricing.edit")
def show_method(code: str) -> ResponseReturnValue:
    """One way to deliver."""
    found = get_method(code)
    return _show_method(method_form(list_staff_zones(), found, fresh=True), found)


def _show_method(form: MethodForm, found: StaffMethod | None = None, status: int = 200) -> ResponseReturnValue:
    return render_template("pricing/admin/show_method.html", form=form, method=found, press=PressForm(formdata=None)), status


@staff.post("/delivery/methods")
@needs("pricing.edit")
def add_method() -> ResponseReturnValue:
    """Make a way to deliver."""
    return _write_method(None)


@staff.post("/delivery/methods/<code>")
@needs("pricing.edit")
def change_method(code: str) -> ResponseReturnValue:
    """Replace a way to deliver."""
    return _write_method(get_method(code))


def _write_method(found: StaffMethod | None) -> ResponseReturnValue:
    form = method_form(list_staff_zones())
    if found is not None:
        form.code.process(None, found.row.code)
    if not form.validate_on_submit():
        return _show_method(form, found, 422)
    try:
        write_method(form.draft, expected_version=seen_version(form))
    except Invalid as problem:
        form.form_errors += [str(text) for texts in problem.errors.values() for text in texts]
        return _show_method(form, found, 422)
    except StaleVersion as problem:
        form.form_errors.append(problem.detail)
        return _show_method(form, found, 409)
    return _done(_("The way to deliver is saved."))


@staff.post("/delivery/methods/<code>/archiving")
@needs("pricing.edit")
def archive_one_method(code: str) -> ResponseReturnValue:
    """Offer it no longer."""
    if not PressForm().validate_on_submit():
        return _list(_("The page was open too long. Press again."), 422)
    archive_method(code, at=now())
    return _done(_("It is no longer offered."))


@staff.post("/delivery/methods/<code>/restoration")
@needs("pricing.edit")
def restore_one_method(code: str) -> ResponseReturnValue:
    """Offer it again."""
    if not PressForm().validate_on_submit():
        return _list(_("The page was open too long. Press again."), 422)
    restore_method(code)
    return _done(_("It is offered again."))
