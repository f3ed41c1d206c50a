"""The trail of the staff: written with the act or not at all, never changed, each row chained to the one before it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DatabaseError

from shop.db import rows, scalar, transaction
from shop.settings.models import Setting
from shop.trail.models import StaffAct
from shop.trail.queries import broken_links, list_acts
from shop.trail.services import note_change
from tests.audit.breaking import broken
from tests.factories import NOON
from tests.races import in_parallel
from tests.trail.acts import act_of_staff, announce_act

ALL = select(StaffAct.position, StaffAct.actor, StaffAct.subject, StaffAct.before, StaffAct.after).order_by(StaffAct.position)
ONE_SETTING = insert(Setting).values(name="a", locale="", value="1")


def count() -> int:
    return int(scalar(select(func.count()).select_from(StaffAct)))


def test_an_act_of_staff_is_written_in_the_transaction_that_does_it(context):
    announce_act("setting:a")

    with transaction() as session:
        session.execute(ONE_SETTING)

    assert [(act.position, act.actor, act.subject, act.after) for act in rows(ALL)] == [(1, "nuria@example.com", "setting:a", {})]


def test_an_act_that_failed_leaves_no_row(context):
    announce_act()

    with pytest.raises(RuntimeError), transaction() as session:
        session.execute(ONE_SETTING)
        note_change("setting:a", {}, {"value": 1}, at=NOON)
        raise RuntimeError

    assert count() == 0


def test_an_act_of_two_transactions_is_one_row_and_each_change_that_was_said_is_one(context):
    announce_act()
    for _time in range(3):
        with transaction():
            pass
    assert count() == 1

    with transaction():
        note_change("role:packer", {"permissions": ["orders.view"]}, {"permissions": ["orders.view", "orders.refund"]}, at=NOON)
        note_change("user:7", {"role": "customer"}, {"role": "packer"}, at=NOON)

    assert [act.subject for act in rows(ALL)] == ["order:B-1", "role:packer", "user:7"]
    assert rows(ALL)[1].after == {"permissions": ["orders.view", "orders.refund"]}


def test_what_a_customer_does_is_not_written(context):
    with transaction():
        note_change("user:7", {}, {"name": "Ana"}, at=NOON)

    assert count() == 0


def test_bookkeeping_beside_the_act_is_no_act(context):
    announce_act()

    with transaction(is_aside=True) as session:
        session.execute(ONE_SETTING)

    assert count() == 0


@pytest.mark.parametrize("name", ["password", "new_password", "secret", "api_token", "password_hash", "csrf_token"])
def test_a_secret_never_enters_the_trail(context, name):
    announce_act()

    with pytest.raises(ValueError, match="a secret"), transaction():
        note_change("user:7", {}, {name: "x"}, at=NOON)


@pytest.mark.parametrize("statement", ["UPDATE staff_acts SET actor = 'nobody'", "DELETE FROM staff_acts"])
def test_the_database_refuses_to_change_or_delete_an_act(context, statement):
    act_of_staff()

    with pytest.raises(DatabaseError, match="never change"), transaction() as session:
        session.execute(text(statement))


def test_a_chain_that_nobody_touched_holds(context):
    assert list(broken_links()) == []
    for number in range(7):
        act_of_staff(f"order:B-{number}", {"at": NOON}, {"words": "ñandú “a”", "minor": 5, "none": None})

    assert list(broken_links()) == []


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE staff_acts SET actor = 'other@example.com' WHERE position = 2", "act 2"),
        ("UPDATE staff_acts SET subject = 'order:B-9' WHERE position = 3", "act 3"),
        ("""UPDATE staff_acts SET after = '{"refund_minor": 50}' WHERE position = 1""", "act 1"),
        ("UPDATE staff_acts SET network = '' WHERE position = 2", "act 2"),
        ("UPDATE staff_acts SET hash = 'x' WHERE position = 2", "act 2"),
        ("DELETE FROM staff_acts WHERE position = 2", "act 2"),
        ("DELETE FROM staff_acts WHERE position = 3", "act 3"),
        ("UPDATE staff_acts SET position = 9 WHERE position = 3", "act 3"),
    ],
)
def test_a_row_that_was_tampered_with_is_found(context, statement, place):
    for number in range(3):
        act_of_staff(f"order:B-{number}")

    with broken([statement], "staff_acts"):
        assert [found for found, _what in broken_links()] == [place]


def test_acts_at_the_same_moment_make_one_chain(app, context):
    answers = in_parallel(app, [lambda number=number: act_of_staff(f"order:B-{number}") for number in range(12)])

    assert answers == [None] * 12
    assert [act.position for act in rows(ALL)] == list(range(1, 13))
    assert list(broken_links()) == []


def test_the_list_is_filtered_and_goes_on_by_a_cursor(context):
    for number in range(60):
        act_of_staff(f"{'order' if number % 2 else 'user'}:{number}")

    first = list_acts(subject="order:")
    assert len(first.items) == 30
    first = list_acts()
    second = list_acts(cursor=first.next_cursor)
    assert (len(first.items), len(second.items), second.next_cursor) == (50, 10, None)
    assert [act.position for act in (*first.items, *second.items)] == list(range(60, 0, -1))
    assert list_acts(actor="nobody@example.com").items == []


def test_a_command_on_the_machine_is_an_act_too(app, context):
    import click
    from flask.cli import with_appcontext

    @app.cli.command("lock-somebody")
    @with_appcontext
    def lock_somebody() -> None:
        with transaction():
            note_change("user:7", {"is_locked": False}, {"is_locked": True}, at=NOON)

    try:
        result = app.test_cli_runner().invoke(args=["lock-somebody"])
    finally:
        app.cli.commands.pop("lock-somebody")

    assert result.exit_code == 0, result.output
    assert click.get_current_context(silent=True) is None
    assert "lock-somebody" in rows(ALL)[0].actor


def test_the_hash_is_the_same_on_both_databases(context):
    act_of_staff("order:B-1", {}, {"minor": 5})

    assert scalar(select(StaffAct.hash)) == "0753bf598b16f25c430966630ac9136305bd27f1d9fc40e0d3244f09cfe1d848"
