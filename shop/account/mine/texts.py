"""The sentence that a member says yes to."""

from flask_babel import lazy_gettext as _l

MARKETING_TEXT = _l("The shop may write to me about new things and offers. I can take this back here at any time.")
