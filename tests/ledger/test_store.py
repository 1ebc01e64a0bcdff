"""Which ledger an address opens."""

import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.errors import ConfigError
from bot.ledger.store import open_ledger
from bot.ports import Clock


def test_without_its_driver_postgresql_is_refused_and_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.delitem(sys.modules, "bot.ledger.postgres", raising=False)
    monkeypatch.delitem(sys.modules, "bot.ledger.pooled", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"whose driver is not installed: install backup-plan-bot\[postgres\]"):
        open_ledger(SecretStr("postgresql://bot:s3same@db/bot"), clock, timedelta())
