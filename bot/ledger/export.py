"""The ledger as JSON Lines: one event a line, with everything its hash covers, and its signature."""

import dataclasses
import json
from collections.abc import Iterable, Iterator

from bot.core.events import Event


def json_lines(events: Iterable[Event]) -> Iterator[str]:
    """Write each event as one line: change_id, seq, type, actor, at, data, hash, signature.

    In ASCII: an altered row may hold what no terminal or file can, and must not stop the export of the others.
    """
    for event in events:
        yield json.dumps(dataclasses.asdict(event), separators=(",", ":"))
