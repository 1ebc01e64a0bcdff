"""Which PostgreSQL has to prove who it is: one on another machine, unless somebody plainly wants it otherwise."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import ConfigError
from bot.ledger.pooled import connected
from bot.ledger.transport import is_undecided


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSERVICE", "PGSERVICEFILE"):
        monkeypatch.delenv(name, raising=False)


HERE = [
    "postgresql://bot@127.0.0.1/bot",
    "postgresql://bot@[::1]:5433/bot",
    "postgresql://bot@localhost/bot",
    "postgresql:///bot",
    "postgresql:///bot?host=/var/run/postgresql",
    "postgresql://%2Fvar%2Frun%2Fpostgresql/bot",
]
CHOSEN = [f"postgresql://db.example/bot?sslmode={mode}" for mode in ("verify-full", "verify-ca", "require", "disable")]
UNDECIDED = [
    "postgresql://bot:s3same@db.example/bot",
    "postgresql://bot:s3same@10.0.0.7/bot?sslmode=prefer",
    "postgresql://bot:s3same@db.example/bot?sslmode=allow",
    "postgresql://bot:s3same@localhost,db.example/bot",
    "postgresql://bot:s3same@localhost/bot?hostaddr=10.0.0.7",
    "postgresql:///bot?host=db.example&password=s3same",
    "postgresql:///bot?service=somewhere&password=s3same",
]


@pytest.mark.parametrize("url", [*HERE, *CHOSEN])
def test_what_is_here_or_chosen_plainly_is_taken(url: str) -> None:
    assert not is_undecided(url)


@pytest.mark.parametrize("name", ["DATABASE_URL", "--to"])
@pytest.mark.parametrize("url", UNDECIDED)
def test_another_machine_needs_a_word_on_who_may_answer(url: str, name: str) -> None:
    with pytest.raises(ConfigError) as caught, connected(SecretStr(url), name):
        pass
    (said,) = caught.value.problems
    assert said.startswith(f"{name}: the PostgreSQL database is on another machine")
    assert "add sslmode=verify-full to the URL" in said
    assert "s3same" not in said


def test_the_drivers_own_variables_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    assert is_undecided("postgresql:///bot")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert not is_undecided("postgresql:///bot")
    monkeypatch.delenv("PGHOST")
    monkeypatch.delenv("PGSSLMODE")
    services = tmp_path / "services"
    services.write_text("[away]\nhost=db.example\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGSERVICE", "away")
    assert is_undecided("postgresql:///bot")
