"""The page of the settings: a form for each group, all on one page."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.clock import now
from shop.content.settings.forms import SettingsForm, form_of
from shop.content.settings.services import change_settings
from shop.errors import Invalid, NotFound, StaleVersion
from shop.settings.known import GROUPS
from shop.settings.queries import read_written
from shop.web.staff import StaffEntry, needs

staff = Blueprint("settings_staff", __name__, url_prefix="/settings")
ENTRIES = [StaffEntry("admin.settings_staff.show_settings", _l("Settings"), 95, icon="gear")]


@staff.get("")
@needs("settings.edit")
def show_settings() -> ResponseReturnValue:
    """All settings."""
    return _show()


def _show(sent: SettingsForm | None = None, status: int = 200) -> ResponseReturnValue:
    version, written = read_written()
    forms = [
        sent if sent is not None and sent.group is group else form_of(group, version=version, written=written, fresh=True)
        for group in GROUPS
    ]
    return render_template("content/settings/show_settings.html", forms=forms), status


@staff.post("/<group>")
@needs("settings.edit")
def change_group(group: str) -> ResponseReturnValue:
    """Write one group."""
    found = next((known for known in GROUPS if known.name == group), None)
    if found is None:
        raise NotFound(_("There are no such settings."))
    version, written = read_written()
    form = form_of(found, version=version, written=written)
    if not form.validate_on_submit():
        return _show(form, 422)
    try:
        change_settings(form.values, expected_version=form.seen_version, at=now())
    except Invalid as problem:
        form.form_errors += [str(text) for texts in problem.errors.values() for text in texts]
        return _show(form, 422)
    except StaleVersion as problem:
        form.form_errors.append(problem.detail)
        return _show(form, 409)
    flash(_("The settings are saved."), "success")
    return redirect(url_for("admin.settings_staff.show_settings"), 303)
