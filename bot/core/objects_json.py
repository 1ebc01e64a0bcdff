"""BackupObjects as JSON text, read strictly: a misspelt key would silently change what is backed up."""

# ruff: noqa: TRY004 - a value of the wrong JSON type is wrong like any other, and people read the sentence
import json
from typing import Any

from bot.core.text import printable

KEYS = ("DBName", "SchemaName", "TableIncludes", "TableExcludes")


def read_json(text: str) -> list[dict[str, Any]]:
    """Return the entries of JSON text, keys in order, what is empty left out. Raises ValueError as `parse_objects`."""
    try:
        value = _loads(text)
    except RecursionError:
        raise ValueError("begin like JSON but are nested too deeply.") from None
    except json.JSONDecodeError as problem:
        try:
            value = _loads(_unescaped(text))
        except (json.JSONDecodeError, RecursionError):
            where = f"line {problem.lineno}, column {problem.colno}"
            raise ValueError(f"begin like JSON but cannot be read as JSON: see {where}.") from None
    if not isinstance(value, list):
        raise ValueError("must be a JSON array: put [ before and ] behind it.")
    if not value:
        raise ValueError("name no database.")
    entries = [_entry(number, entry) for number, entry in enumerate(value, 1)]
    for number, entry in enumerate(entries, 1):
        first = entries.index(entry) + 1
        if first != number:
            raise ValueError(f"repeat themselves: entry {number} is the same as entry {first}.")
    return entries


def dump(value: object) -> str:
    """Write compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def undoubled(text: str) -> str:
    """Return text as it is, or without one escaping too many if only that makes JSON of it."""
    if _is_json(text):
        return text
    once = _unescaped(text)
    return once if _is_json(once) else text


def any_json(text: str) -> str | None:
    """Return any JSON text in one form, whatever its keys and their order; None where it is no JSON."""
    try:
        return json.dumps(json.loads(undoubled(text)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _shown(key: str) -> str:
    """Show a key that nobody vouches for: in ASCII, and not at any length."""
    return json.dumps(key if len(key) <= 40 else key[:40] + "...")


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unescaped(text: str) -> str:
    """Undo one escaping too many, as DBS answers with: then the text is what stands between a JSON string's quotes."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except json.JSONDecodeError:
        return text.replace('\\"', '"')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ValueError(f"have the key {_shown(twice)} twice in one JSON object.")
    return dict(pairs)


def _entry(number: int, entry: object) -> dict[str, Any]:
    where = f"are wrong in entry {number}:"
    if not isinstance(entry, dict):
        raise ValueError(f"{where} it must be an object with a DBName.")
    for key in entry:
        if key not in KEYS:
            raise ValueError(f"{where} {_shown(key)} is unknown; the keys are {', '.join(KEYS)}.")
    if not entry.get("DBName"):
        raise ValueError(f"{where} DBName is missing.")
    made: dict[str, Any] = {}
    for key in KEYS[:2]:
        if entry.get(key):
            made[key] = _name(f"{where} {key}", entry[key])
    for key in KEYS[2:]:
        if entry.get(key):
            made[key] = _table_list(f"{where} {key}", entry[key])
    return made


def _table_list(where: str, tables: object) -> list[dict[str, str]]:
    shape = f'{where} must be a list of {{"TableName": "..."}}.'
    if not isinstance(tables, list):
        raise ValueError(shape)
    names: list[str] = []
    for table in tables:
        if not isinstance(table, dict) or set(table) != {"TableName"}:
            raise ValueError(shape)
        name = _name(f"{where}, TableName", table["TableName"])
        if name in names:
            raise ValueError(f"{where} names {dump(name)} twice.")
        names.append(name)
    return [{"TableName": name} for name in names]


def _name(where: str, name: object) -> str:
    if not isinstance(name, str) or not name or not printable(name):
        raise ValueError(f"{where} must be a name or a pattern, in printable characters.")
    return name
