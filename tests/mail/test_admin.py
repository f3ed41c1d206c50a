"""Staff read what the shop wrote, and send again what did not arrive."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from shop.db import transaction
from shop.mail.models import Mail, MailAttempt, MailState
from shop.outbox.models import Delivery, DeliveryState, Event
from tests.factories import NOON
from tests.office import Desk, fields_of, offers, words
from tests.people import inside, log_in, make_user, row, the_shop  # noqa: F401


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def make_mail(state=MailState.SENT, *, recipient="ana@example.com", subject="Order confirmed", error="", about="order:1"):
    with transaction() as session:
        mail_id = session.execute(
            insert(Mail)
            .values(
                cause=f"{recipient}:{subject}:{state}",
                recipient=recipient,
                subject=subject,
                text="Hello Ana,\n<b>thank you</b>",
                html="<p>Hello <script>alert(1)</script></p>",
                locale="en",
                about=about,
                state=state,
                created_at=NOON,
            )
            .returning(Mail.id)
        ).scalar_one()
        session.execute(insert(MailAttempt).values(mail_id=mail_id, at=NOON, error=error))
    return mail_id


def state_of(mail_id):
    return row(select(Mail.state).where(Mail.id == mail_id)).state


def path(mail_id, act=""):
    return f"/admin/mails/{mail_id}{act}"


def test_a_mail_is_shown_with_its_text_its_attempts_and_its_error(desk):
    mail_id = make_mail(MailState.FAILED, error="550 no such user")

    page = desk.see(path(mail_id))

    assert "&lt;b&gt;thank you&lt;/b&gt;" in page
    assert "550 no such user" in words(page)
    assert "sandbox" in page


def test_the_html_of_a_mail_can_run_nothing_and_stands_only_in_our_own_frame(desk):
    answer = desk.client.get(path(make_mail(), ".html"))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize("state", [MailState.FAILED, MailState.MAYBE_SENT])
def test_a_mail_that_did_not_arrive_is_sent_again_once(desk, state):
    mail_id = make_mail(state)
    page = desk.see(path(mail_id))

    first, second = (desk.press(page, path(mail_id, "/attempts")) for _click in range(2))

    assert (first.status_code, second.status_code) == (303, 409)
    assert state_of(mail_id) is MailState.WAITING
    assert row(select(Event.payload).where(Event.kind == "mail.queued")).payload == {"mail_id": mail_id}


@pytest.mark.parametrize("state", [MailState.SENT, MailState.WAITING, MailState.SENDING])
def test_a_mail_that_arrived_or_waits_is_not_offered_again(desk, state):
    mail_id, failed = make_mail(state), make_mail(MailState.FAILED)
    token = fields_of(desk.see(path(failed)), path(failed, "/attempts"))

    assert not offers(desk.see(path(mail_id)), path(mail_id, "/attempts"))
    assert desk.client.post(path(mail_id, "/attempts"), data=token).status_code == 409
    assert state_of(mail_id) is state


def test_without_the_token_or_as_somebody_else_nothing_is_sent(app, desk):
    mail_id = make_mail(MailState.FAILED)
    make_user("eve@example.com")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    answers = [browser.post(path(mail_id, "/attempts")).status_code for browser in (desk.client, eve, app.test_client())]

    assert answers == [422, 403, 303]
    assert state_of(mail_id) is MailState.FAILED


def test_the_list_holds_what_its_tabs_and_filters_say(desk):
    ids = {state: make_mail(state, subject=f"About {state.value}", recipient=f"{state.value}@example.com") for state in MailState}

    needing = desk.see("/admin/mails?needs_person=1")

    assert ("About failed" in needing, "About maybe_sent" in needing, "About sent" in needing) == (True, True, False)
    assert path(ids[MailState.SENT]) in desk.see("/admin/mails?state=sent&q=sent@")
    assert "No mail matches" in desk.see("/admin/mails?q=nobody")
    assert "No mail matches" in desk.see("/admin/mails?about=order:2")
    assert desk.client.get("/admin/mails?state=zzz").status_code == 422
    assert desk.client.get("/admin/mails/999").status_code == 404


def test_a_mail_whose_server_never_answered_leads_to_the_letter_that_was_given_up(desk):
    mail_id = make_mail(MailState.WAITING)
    given_up = inside(_give_up)(mail_id)

    assert f"/admin/outbox/{given_up}" in desk.see(path(mail_id))


def _give_up(mail_id):
    with transaction() as session:
        values = {"kind": "mail.queued", "subject": f"mail:{mail_id}", "payload": {"mail_id": mail_id}, "at": NOON}
        event_id = session.execute(insert(Event).values(**values).returning(Event.id)).scalar_one()
        dead = {"subject": f"mail:{mail_id}", "state": DeliveryState.DEAD, "tries": 12, "due_at": NOON, "error": "ConnectionRefusedError"}
        return session.execute(
            insert(Delivery).values(event_id=event_id, consumer="mail.send", lease="", **dead).returning(Delivery.id)
        ).scalar_one()
