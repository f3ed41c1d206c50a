"""Two requests at the same moment, one of which loses a race in the database."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from shop.catalog.models import CategoryText, ProductText
from shop.db import insert_missing, rows, transaction
from shop.settings.models import Version
from shop.web.again import TRIES, run_again_if_lost
from tests.people import log_in, make_user, the_shop  # noqa: F401
from tests.races import in_parallel


def add(topic: str) -> None:
    with transaction() as session:
        session.execute(insert(Version).values(topic=topic, number=1))


def test_who_lost_a_race_runs_again_and_sees_what_the_winner_wrote(context):
    names = iter(["a", "a", "b"])
    add("a")

    run_again_if_lost(lambda: add(next(names)))

    assert {row.topic for row in rows(select(Version.topic))} >= {"a", "b"}


def test_it_gives_up_in_the_end(context):
    tries = []
    add("a")

    with pytest.raises(IntegrityError):
        run_again_if_lost(lambda: (tries.append(1), add("a")))

    assert len(tries) == TRIES


def test_what_has_committed_something_does_not_run_again(context):
    tries = []
    add("a")

    def act():
        tries.append(1)
        with transaction():
            insert_missing(Version, {"topic": f"step {len(tries)}", "number": 1})
        add("a")

    with pytest.raises(IntegrityError):
        run_again_if_lost(act)

    assert len(tries) == 1


@pytest.mark.parametrize(
    ("url", "text"), [("/api/v1/categories", CategoryText), ("/api/v1/products", ProductText)], ids=["categories", "products"]
)
def test_staff_who_add_the_same_name_at_once_all_get_it_under_a_slug_of_its_own(app, url, text):
    make_user("staff@example.com", role="staff")
    staff = [app.test_client() for _ in range(3)]
    for client in staff:
        log_in(client, "staff@example.com")
    body = {"texts": {"en": {"name": "Lamps"}}}

    answers = in_parallel(app, [lambda client=client: client.post(url, json=body).status_code for client in staff])

    assert answers == [201] * 3
    with app.app_context():
        slugs = [row.slug for row in rows(select(text.slug).where(text.locale == "en"))]
    assert len(set(slugs)) == 3
