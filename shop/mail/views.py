"""The post box of development: every mail that the shop wrote, readable without a mail server. Not registered in production."""

from __future__ import annotations

from flask import make_response, render_template
from flask.typing import ResponseReturnValue

from shop.mail import bp
from shop.mail.queries import get_mail, list_attempts, list_newest_mails
from shop.mail.sealed import open_seals
from shop.web.headers import policy


def mail_policy(*, ancestors: str = "'none'") -> str:
    """A mail may style itself and show the shop's pictures, and nothing else; ``ancestors`` are the pages that may show it within themselves."""
    pictures = policy().rules["img-src"]
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"


@bp.get("/dev/mail")
def list_mails() -> ResponseReturnValue:
    """The newest mails."""
    return render_template("mail/list_mails.html", mails=list_newest_mails())


@bp.get("/dev/mail/<int:mail_id>")
def show_mail(mail_id: int) -> ResponseReturnValue:
    """One mail as text, with its attempts."""
    mail = get_mail(mail_id)
    text = open_seals(mail.text, mail.recipient)
    return render_template("mail/show_mail.html", mail=mail, text=text, attempts=list_attempts(mail_id))


@bp.get("/dev/mail/<int:mail_id>.html")
def show_mail_html(mail_id: int) -> ResponseReturnValue:
    """One mail as its reader sees it: a page of its own that may style itself and nothing else."""
    mail = get_mail(mail_id)
    response = make_response(open_seals(mail.html, mail.recipient))
    response.headers["Content-Security-Policy"] = mail_policy()
    return response
