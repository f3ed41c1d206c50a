"""Accounts and roles by staff: the last administrator stays, nobody reaches beyond his own rights, and all of it is in the log."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from shop.auth.models import LoginSession, Role, User
from shop.auth.permissions import BUILT_IN, permissions_of
from shop.auth.staff_services import (
    BeyondYourOwn,
    LastAdmin,
    RoleInUse,
    change_role,
    change_user,
    create_role,
    create_user,
    delete_role,
    give_role,
    lock_user,
    log_out_user,
    unlock_user,
)
from shop.db import row, scalar
from shop.errors import Invalid, NotFound, StaleVersion
from tests.factories import NOON
from tests.people import inside, log_in, make_user
from tests.races import in_parallel

ADMINS = select(func.count()).select_from(User).where(User.role == "admin", User.locked_at.is_(None))
TAKES = {
    "the role": lambda user_id: give_role(user_id, "customer", at=NOON),
    "the way in": lambda user_id: lock_user(user_id, at=NOON),
}


@pytest.fixture
def root(context):
    return make_user("root@example.com", role="admin")


@pytest.mark.parametrize("what", TAKES)
def test_the_last_administrator_loses_neither_role_nor_way_in(root, what):
    with pytest.raises(LastAdmin):
        TAKES[what](root)

    assert scalar(ADMINS) == 1


@pytest.mark.parametrize("what", TAKES)
def test_an_administrator_who_is_locked_does_not_count_as_another(root, what):
    make_user("second@example.com", role="admin", locked_at=NOON)

    with pytest.raises(LastAdmin):
        TAKES[what](root)


@pytest.mark.parametrize("what", TAKES)
def test_one_of_two_administrators_can_go(root, what):
    make_user("second@example.com", role="admin")

    TAKES[what](root)

    assert scalar(ADMINS) == 1


@pytest.mark.parametrize("first", TAKES)
@pytest.mark.parametrize("second", TAKES)
@pytest.mark.parametrize("turn", range(4))
def test_two_administrators_who_remove_each_other_leave_one(app, root, first, second, turn):
    other = make_user("second@example.com", role="admin")

    answers = in_parallel(app, [lambda: TAKES[first](other), lambda: TAKES[second](root)])

    assert sorted(str(type(answer).__name__) for answer in answers) == ["LastAdmin", "NoneType"]
    assert scalar(ADMINS) == 1


def test_many_administrators_who_all_remove_all_leave_one(app, root):
    crowd = [root, *(make_user(f"a{number}@example.com", role="admin") for number in range(5))]

    in_parallel(app, [lambda user_id=user_id: lock_user(user_id, at=NOON) for user_id in crowd])

    assert scalar(ADMINS) == 1


def test_who_gets_a_role_is_logged_out_everywhere(client, root):
    user_id = make_user()
    log_in(client)

    give_role(user_id, "support", at=NOON)

    assert scalar(select(func.count()).select_from(LoginSession).where(LoginSession.ended_at.is_(None))) == 0
    assert row(select(User.role).where(User.id == user_id)).role == "support"


def test_a_locked_account_is_out_at_once_and_comes_back(client):
    user_id = make_user()
    log_in(client)
    assert client.get("/account").status_code == 200

    inside(lock_user)(user_id, at=NOON)
    assert client.get("/account").status_code == 303
    inside(unlock_user)(user_id, at=NOON)
    log_in(client)

    assert client.get("/account").status_code == 200


def test_logging_somebody_out_ends_every_device(client):
    user_id = make_user()
    log_in(client)

    assert inside(log_out_user)(user_id, at=NOON) == 1
    assert client.get("/account").status_code == 303


def test_a_new_account_has_no_password_and_an_address_only_one_account(root):
    user_id = create_user(email="new@example.com", name="New", role="support", locale="en", at=NOON)

    assert row(select(User.password_hash).where(User.id == user_id)).password_hash is None
    with pytest.raises(Invalid):
        create_user(email="new@example.com", name="New", role="customer", locale="en", at=NOON)


def test_a_name_changed_from_an_old_page_is_refused(root):
    change_user(root, name="Rosa", locale="es", expected_version=1, at=NOON)

    with pytest.raises(StaleVersion):
        change_user(root, name="Ruth", locale="es", expected_version=1, at=NOON)


@pytest.mark.parametrize(
    "act",
    [
        lambda user_id, held: give_role(user_id, "customer", held=held, at=NOON),
        lambda user_id, held: lock_user(user_id, held=held, at=NOON),
        lambda user_id, held: log_out_user(user_id, held=held, at=NOON),
        lambda user_id, held: change_user(user_id, name="X", locale="en", expected_version=1, held=held, at=NOON),
        lambda _user_id, held: create_user(email="x@example.com", name="X", role="admin", locale="en", held=held, at=NOON),
        lambda _user_id, held: create_role(code="king", name="King", permissions=["settings.edit"], held=held, at=NOON),
    ],
)
def test_nobody_reaches_beyond_his_own_rights(root, act):
    make_user("second@example.com", role="admin")
    held = BUILT_IN["staff"] | {"users.edit", "roles.edit"}

    with pytest.raises(BeyondYourOwn):
        act(root, held)


def test_a_role_is_made_changed_given_and_deleted_when_nobody_has_it(root):
    create_role(code="packer", name="Packer", permissions=["orders.fulfill", "orders.view"], at=NOON)
    user_id = make_user()
    give_role(user_id, "packer", at=NOON)
    change_role("packer", name="Packers", permissions=["orders.view"], expected_version=1, at=NOON)

    assert permissions_of("packer", row(select(Role.permissions)).permissions) == {"office.view", "orders.view"}
    with pytest.raises(RoleInUse):
        delete_role("packer", at=NOON)
    give_role(user_id, "customer", at=NOON)
    delete_role("packer", at=NOON)
    with pytest.raises(NotFound):
        delete_role("packer", at=NOON)


@pytest.mark.parametrize("code", ["admin", "customer", "Packer", "1x", "a", "x" * 41, "a b"])
def test_a_code_that_is_taken_or_is_none_is_refused(context, code):
    with pytest.raises(Invalid):
        create_role(code=code, name="X", permissions=["orders.view"], at=NOON)


def test_a_permission_that_nobody_knows_is_refused(context):
    with pytest.raises(Invalid):
        create_role(code="packer", name="X", permissions=["orders.steal"], at=NOON)


@pytest.mark.parametrize("code", ["admin", "support"])
def test_a_role_that_came_with_the_shop_stays_as_it_is(context, code):
    with pytest.raises(NotFound):
        change_role(code, name="X", permissions=[], expected_version=1, at=NOON)
    with pytest.raises(NotFound):
        delete_role(code, at=NOON)


def test_a_role_that_is_deleted_while_it_is_given_leaves_nobody_with_a_role_that_is_gone(app, context):
    for turn in range(5):
        code, user_id = f"r{turn}x", make_user(f"u{turn}@example.com")
        create_role(code=code, name="R", permissions=["orders.view"], at=NOON)

        in_parallel(app, [lambda: give_role(user_id, code, at=NOON), lambda: delete_role(code, at=NOON)])  # noqa: B023

        has = row(select(User.role).where(User.id == user_id)).role
        assert (has == code) == bool(scalar(select(func.count()).select_from(Role).where(Role.code == code)))
