"""``flask retailer add|list|run``: a whole retailer or nothing of it; commands reach the one they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from config import Config
from shop import create_app
from shop.retailer.adding import CannotAdd, Wanted, add_retailer
from shop.retailer.door import make_door, process_settings
from shop.retailer.folder import read_retailer
from shop.retailer.state import where_it_is
from tests.retailer.conftest import Arcade


@pytest.fixture
def flask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run a command among the retailers in a folder: its exit code and what it said."""

    def run(root: Path, *words: str, stdin: str | None = None) -> tuple[int, str]:
        monkeypatch.setenv("SHOP_RETAILERS", str(root))
        monkeypatch.setenv("SHOP_COURIER", "0")
        result = make_door(list).test_cli_runner().invoke(args=["retailer", *words], input=stdin)
        return result.exit_code, result.output

    return run


def options_for(database: Callable[[str], dict[str, str]], name: str) -> list[str]:
    return [word for option, value in database(name).items() for word in (f"--{option}", value)]


def test_a_retailer_is_made_listed_and_looked_after(flask, tmp_path, database):
    code, said = flask(
        tmp_path,
        *("add", "gamma", "--host", "gamma.example", "--currency", "USD", "--country", "US", "--locales", "es,en"),
        *("--settings", "-", "--admin", "gina@gamma.example", *options_for(database, "gamma")),
        stdin="MAIL_FROM=hello@gamma.example\nSHOP_BANK_ACCOUNT='a $b \\'c'\n",
    )

    assert code == 0, said
    assert "Password: " in said
    config = read_retailer(tmp_path / "gamma", {}).config
    assert (config.currency, config.country, config.locales, config.mail_from) == ("USD", "US", ("es", "en"), "hello@gamma.example")
    assert (config.base_url, config.bank_account, len(config.secret_key)) == ("http://gamma.example:8000", "a $b 'c", 64)
    assert (tmp_path / "gamma" / ".env").stat().st_mode & 0o077 == 0

    code, said = flask(tmp_path, "list")

    assert code == 0
    assert said.split()[:5] == ["gamma", "gamma.example", "es,en", "USD", where_it_is(config.database_url)]
    assert said.strip().endswith("ready")

    assert "gina@gamma.example" in flask(tmp_path, "run", "gamma", "--", "user", "list")[1]
    assert "clean" in flask(tmp_path, "run", "gamma", "shop", "audit")[1]
    code, said = flask(tmp_path, "run", "gamma", "--", "user", "lock", "nobody@gamma.example")
    assert code != 0


def test_what_fails_half_way_leaves_nothing(tmp_path, database):
    def stumble(shop: Flask) -> None:
        raise CannotAdd("stumbled")

    wanted = Wanted(name="delta", settings={"SHOP_URL": "https://delta.example"}, **database("delta"))

    for _ in range(2):
        with pytest.raises(CannotAdd, match="stumbled"):
            add_retailer(tmp_path, wanted, {}, stumble)

    assert list(tmp_path.iterdir()) == []


def test_a_new_retailer_takes_no_place_of_another(flask, arcade: Arcade, database):
    before = sorted(path.name for path in arcade.root.iterdir())

    for words, why in [
        (["acme", "--host", "x.example"], "is there already"),
        (["gamma", "--host", "ACME.example:9"], "acme and gamma: the same host"),
        (["gamma", "--host", "no host"], "must name a host"),
        (["Gamma", "--host", "x.example"], "is no name for a retailer"),
        (["../gamma", "--host", "x.example"], "is no name for a retailer"),
        (["gamma", "--host", "x.example", "--currency", "EURO"], "is not a currency code"),
        (["gamma", "--host", "x.example", "--schema", "gamma"], "a schema is one of a PostgreSQL database"),
        (["gamma", "--host", "x.example", "--database", "postgresql://x@127.0.0.1:1/x"], "does not let the shop in"),
    ]:
        code, said = flask(arcade.root, "add", *words, *([] if "--currency" in words else ["--currency", "EUR"]), "--admin", "a@x.example")
        assert (code, why in said) == (1, True), said

    assert sorted(path.name for path in arcade.root.iterdir()) == before


def test_a_database_in_which_a_shop_lives_is_left_alone(tmp_path, arcade: Arcade):
    theirs = arcade.shops["acme"].extensions["config"].database_url
    wanted = Wanted(name="gamma", settings={"SHOP_URL": "https://gamma.example", "DATABASE_URL": theirs})

    with pytest.raises(CannotAdd, match="holds tables already"):
        add_retailer(tmp_path, wanted, {}, lambda _: None)

    engine = create_engine(theirs)
    with engine.connect() as link:
        assert link.execute(text("SELECT count(*) FROM settings")).scalar_one() > 0
    engine.dispose()


def test_somebody_must_be_able_to_sign_in(flask, tmp_path):
    code, said = flask(tmp_path, "add", "gamma", "--host", "gamma.example", "--currency", "EUR")

    assert code == 2
    assert "--admin" in said


def test_the_list_names_what_does_not_open_and_why(flask, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".env").write_text(f"SHOP_URL=http://same.example\nTEST_GATEWAY_SECRET={name}\n")
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / ".env").write_text("SHOP_URL=http://three.example\nSHOP_CURRENCY=EURO\n")

    code, said = flask(tmp_path, "list")

    assert code == 1
    assert "three            cannot open; three/.env:\n  - SHOP_CURRENCY" in said
    assert "one and two: the same host in SHOP_URL" in said


def test_a_command_for_nobody_names_who_is_there(flask, arcade: Arcade):
    code, said = flask(arcade.root, "run", "nobody", "--", "shop", "audit")

    assert code == 1
    assert "acme, beta" in said


def test_without_a_folder_the_commands_say_what_to_set(monkeypatch, app: Flask):
    monkeypatch.delenv("SHOP_RETAILERS", raising=False)

    result = app.test_cli_runner().invoke(args=["retailer", "list"])

    assert result.exit_code == 1
    assert "SHOP_RETAILERS=/srv/retailers" in result.output


def test_any_retailer_knows_the_settings_of_the_process(monkeypatch, arcade: Arcade):
    monkeypatch.setenv("SHOP_RETAILERS", str(arcade.root))
    monkeypatch.setenv("WEB_CONCURRENCY", "7")
    monkeypatch.setenv("LOG_FILE", "logs/app.log")

    settings = process_settings()

    assert settings.workers == 7
    assert (settings.observe.log_file, settings.observe.figures_folder) == (arcade.root / "logs" / "app.log", arcade.root / "metrics")


def test_a_schema_is_all_that_its_connections_see(arcade: Arcade, tmp_path):
    config: Config = arcade.shops["acme"].extensions["config"]
    if not config.database_url.startswith("postgresql"):
        assert where_it_is(config.database_url) == "SQLite"
        return
    with arcade.shops["acme"].app_context():
        from shop.db import db

        with db.engine.connect() as link:
            assert link.execute(text("SELECT current_schemas(false)")).scalar_one() == ["acme"]
            assert link.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar_one() == 0
            assert link.execute(text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).scalar_one() == 0


def test_a_scratch_copy_holds_one_schema_of_the_database(arcade: Arcade):
    from shop.audit.race import scratch_copy

    with arcade.shops["acme"].app_context(), scratch_copy(create_app) as copy, copy.app_context():
        from shop.db import db, is_sqlite

        if not is_sqlite():
            with db.engine.connect() as link:
                found = link.execute(text("SELECT nspname FROM pg_namespace WHERE nspname IN ('acme', 'beta')")).scalars().all()
            assert found == ["acme"]
