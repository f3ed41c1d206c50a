"""The sentences that a member says yes to."""

from flask_babel import lazy_gettext as _l

FIGURES_TEXT = _l("The shop may keep my name and e-mail beside its figures of sales. I can take this back here at any time.")
MARKETING_TEXT = _l("The shop may write to me about new things and offers. I can take this back here at any time.")
