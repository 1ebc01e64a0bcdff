"""Somebody who can write to the ledger's database, knows how hashes are made, and has no key."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def canonical(value: object) -> str:
    """Write JSON as the documentation says."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def forge(
    file: Path, change_id: str, *events: tuple[str, str, dict[str, Any]], state: str, signature: str = ""
) -> None:
    """Append events (actor, type, data) with hashes that fit, and have the sweep look at the change now.

    `signature` is what is written as such, where the table has such a column.
    """
    with closing(sqlite3.connect(file, timeout=10)) as ledger:
        seq, head, at, plan = ledger.execute(
            "select seq, hash, at, host || plan_id from events join changes using (change_id, seq) where change_id = ?",
            [change_id],
        ).fetchone()
        assert plan
        signs = "signature" in [row[1] for row in ledger.execute("pragma table_info(events)")]
        for actor, kind, data in events:
            seq += 1
            head = hashlib.sha256(canonical([head, change_id, seq, kind, actor, at, data]).encode()).hexdigest()
            row = [change_id, seq, kind, actor, at, canonical(data), head, *([signature] if signs else [])]
            ledger.execute(f"insert into events values ({', '.join('?' * len(row))})", row)  # noqa: S608
        ended = at if state not in {"pending", "approved", "executing"} else ""
        ledger.execute(
            "update changes set seq = ?, head = ?, state = ?, open = ?, ended_at = ?, due_at = ?, held_until = ''"
            " where change_id = ?",
            [seq, head, state, int(not ended), ended, at, change_id],
        )
        ledger.commit()
