"""BackupObjects: what a plan backs up, as JSON or as one pattern a line, made canonical and told to people."""

import json
import re
from collections.abc import Iterable
from typing import Any

from bot.core.looks import marked
from bot.core.objects_json import KEYS, any_json, dump, read_json
from bot.core.text import Form, Kind, printable


class BackupObjectsText(Form[str]):
    """The form of the parameter: its value is canonical JSON."""

    kind = Kind.MULTILINE
    nothing = ("", "[]")

    def parse(self, text: str) -> str:
        """Read either way of writing it."""
        return parse_objects(text)

    def words(self, text: str) -> str:
        """One line a database."""
        return "\n".join(describe_objects(text))

    def names(self, text: str) -> tuple[str, ...]:
        """Return the names of databases, schemas and tables; none of text that cannot be read."""
        try:
            entries = read_json(text)
        except ValueError:
            return ()
        listed = [
            (
                entry["DBName"],
                entry.get("SchemaName", ""),
                *_tables(entry, "TableIncludes"),
                *_tables(entry, "TableExcludes"),
            )
            for entry in entries
        ]
        return tuple(dict.fromkeys(name for names in listed for name in names if name))

    def comparable(self, text: str) -> str:
        """The order of databases and tables has no meaning, and DBS need not keep it."""
        try:
            entries = read_json(text)
        except ValueError:
            return any_json(text) or text
        return dump(sorted(({**entry, **_sorted_tables(entry)} for entry in entries), key=dump))


def parse_objects(text: str) -> str:
    """Return compact canonical JSON for JSON text, or for one pattern a line (`shop`, `shop.orders`, `!shop.audit`).

    Raises ValueError with the end of a sentence that begins with the parameter's label and names the line or entry.
    """
    return dump(read_json(text) if re.match(r"\s*(\[\s*)?\{|\s*\[\s*\]\s*$", text) else _read_lines(text))


def describe_objects(text: str) -> list[str]:
    """Say what JSON text backs up, one line a database, nothing left out; text that cannot be read is said as it is."""
    try:
        entries = read_json(text)
    except ValueError:
        return [text]
    return [_describe(entry) for entry in entries]


def is_reduced(before: str, after: str) -> bool:
    """Tell whether something that `before` names is no longer named, or is excluded, in `after` (both JSON).

    Patterns are compared as they are written, and what cannot be compared counts: better one warning too many. A new
    entry with tables of its own may narrow what a pattern of before covers.
    """
    try:
        old, new = _coverage(before), _coverage(after)
    except ValueError:
        return True
    narrows = any(
        (includes or excludes) and any(_may_meet(key[0], database) for database, _ in old)
        for key, (includes, excludes) in new.items()
        if key not in old
    )
    return narrows or any(
        key not in new or _narrower(includes, new[key][0]) or not new[key][1] <= excludes
        for key, (includes, excludes) in old.items()
    )


def _may_meet(one: str, other: str) -> bool:
    """Whether two patterns of databases may stand for the same one."""
    return one == other or re.search(r"[.*?\[]", one + other) is not None


def _narrower(before: frozenset[str], after: frozenset[str]) -> bool:
    return bool(after) and (not before or not before <= after)


def _coverage(text: str) -> dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]]:
    """Return included and excluded tables by database and schema; raises ValueError where one is named twice."""
    entries = read_json(text)
    found = {
        (entry["DBName"], entry.get("SchemaName", "")): (
            frozenset(_tables(entry, "TableIncludes")),
            frozenset(_tables(entry, "TableExcludes")),
        )
        for entry in entries
    }
    if len(found) < len(entries):
        raise ValueError("name a database twice.")
    return found


def _describe(entry: dict[str, Any]) -> str:
    name = _quoted(entry["DBName"])
    if "SchemaName" in entry:
        name += f", schema {_quoted(entry['SchemaName'])}"
    only, never = _tables(entry, "TableIncludes"), _tables(entry, "TableExcludes")
    if only:
        return f"{name}: only {_listed(only)}" + (f"; never {_listed(never)}" if never else "")
    whole = "whole schema" if "SchemaName" in entry else "whole database"
    return f"{name}: {whole}" + (f" except {_listed(never)}" if never else "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    """Quote a name that could be mistaken for two, or for the words around it; what passes for others is marked."""
    return marked(name if re.fullmatch(r"[\w.*?\[\]$#@^+-]+", name) else json.dumps(name, ensure_ascii=False))


def _tables(entry: dict[str, Any], key: str) -> list[str]:
    return [table["TableName"] for table in entry.get(key, ())]


def _sorted_tables(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: sorted(entry[key], key=dump) for key in KEYS[2:] if key in entry}


def _read_lines(text: str) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    databases: dict[str, dict[str, Any]] = {}
    excluded: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        pattern = re.sub(r"^!\s+", "!", line.strip())
        if not pattern:
            continue
        if pattern in seen:
            raise ValueError(f"repeat themselves: line {number} is the same as line {seen[pattern]}.")
        seen[pattern] = number
        database, table = _split(number, pattern.removeprefix("!"))
        if pattern.startswith("!"):
            excluded.append((number, database, table))
            continue
        entry = databases.setdefault(database, {"DBName": database})
        if table:
            entry.setdefault("TableIncludes", []).append({"TableName": table})
    for number, database, table in excluded:
        if not table:
            raise ValueError(f"are wrong in line {number}: a whole database is excluded by leaving it out.")
        if database not in databases:
            raise ValueError(f"are wrong in line {number}: {database} itself is not named; add a line {database}.")
        databases[database].setdefault("TableExcludes", []).append({"TableName": table})
    if not databases:
        raise ValueError("name no database.")
    return [{key: entry[key] for key in KEYS if key in entry} for entry in databases.values()]


def _split(number: int, pattern: str) -> tuple[str, str]:
    """Divide `database.table` at the one dot outside brackets; the table is "" for a database."""
    where = f"are wrong in line {number}:"
    if not printable(pattern) or re.search(r'[\s,"]', pattern):
        raise ValueError(f"{where} write one pattern, without blanks, commas or quotes.")
    if not re.fullmatch(r"(?:\[[^\[\]]+\]|[^\[\]])*", pattern):
        raise ValueError(f"{where} its brackets do not match.")
    parts = re.findall(r"(?:\[[^\]]*\]|[^.])+|\.", pattern)
    match parts:
        case [database] if database != ".":
            return database, ""
        case [database, ".", table] if "." not in (database, table):
            return database, table
    raise ValueError(f"{where} write database or database.table; names that have dots need JSON.")
