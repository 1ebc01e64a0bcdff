"""How much of an answer is taken, measured as it is once unpacked: a kilobyte of gzip may hold a megabyte."""

import zlib
from collections.abc import AsyncIterable

MOST = 8 * 1024 * 1024
"""Bytes. A page of a hundred plans, or of two hundred messages with their blocks, takes a tenth of it."""
ENCODINGS = "gzip, deflate"
"""What may be asked for."""


class Unfit(ValueError):
    """The body is not taken; `code` is a word for it, the text goes on behind "The answer"."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def _too_large(most: int) -> Unfit:
    return Unfit("TooLarge", f"is more than {most // 2**20} MiB once it is unpacked.")


async def unpacked(pieces: AsyncIterable[bytes], encoding: str, most: int = MOST) -> bytes:
    """Return a body that comes in pieces, as they were sent. Raises Unfit as soon as that shows."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > most:
            raise _too_large(most)
    match encoding.strip().lower():
        case "" | "identity":
            return bytes(body)
        case "gzip" | "x-gzip" | "deflate":
            return _unpacked(bytes(body), most)
    raise Unfit("Unreadable", "is packed in a way that nobody asked for.")


def _unpacked(body: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # either header
    try:
        text = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise Unfit("Unreadable", "is damaged: it cannot be unpacked.") from None
    if len(text) > most:
        raise _too_large(most)
    return text
