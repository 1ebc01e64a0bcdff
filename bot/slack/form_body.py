"""The body of what Slack delivers over HTTP: a form, with a command's fields or with JSON in one field."""

import hashlib
import re
from binascii import a2b_qp
from dataclasses import replace
from urllib.parse import parse_qsl

from pydantic_core import from_json

from bot.slack.payload import Malformed, Payload, from_fields

_ALONE = b"payload="
"""How a body begins that holds nothing else."""


def from_form(raw: bytes) -> Payload:
    """Parse the body of a request: a command's fields, or `payload` with JSON in it. Raises Malformed."""
    return replace(from_fields(_fields(raw)), mark=hashlib.sha256(raw).digest())


def _fields(raw: bytes) -> object:
    try:
        if raw.startswith(_ALONE) and b"&" not in raw:
            return from_json(unquoted(raw.removeprefix(_ALONE)), allow_inf_nan=False)
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=100
        )
        fields = dict(pairs)
        if len(fields) < len(pairs):
            # which of two values counts would be a matter of opinion
            raise Malformed("A field is there twice.")
        return from_json(fields["payload"], allow_inf_nan=False) if "payload" in fields else fields
    except ValueError:
        # not chained: the causes quote the body
        raise Malformed("The body is not UTF-8, not a form, or its payload is not JSON.") from None


def unquoted(value: bytes) -> bytes:
    """Return what a form's value stands for. Raises ValueError for a percent sign without two digits behind it.

    A click brings the whole card, in which every fourth character is escaped. To undo that one by one, as urllib does,
    takes longer than all else there is to parse. Quoted-printable is the same escaping with an equals sign.
    """
    if re.search(rb"%(?![0-9A-Fa-f]{2})", value):
        raise ValueError
    return a2b_qp(value.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"="))
