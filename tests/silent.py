"""A way to a PostgreSQL server on which everything can fall silent, as behind a network that swallows packets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qsl, quote, urlsplit


class Way:
    """What goes both ways while `open` is set, and stays where it is otherwise."""

    def __init__(self, url: str) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self._parts = urlsplit(url)
        self._asked = dict(parse_qsl(self._parts.query))
        self.port = 0
        self.writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The URL that leads over this way."""
        more = "&".join(f"{name}={quote(text)}" for name, text in self._asked.items() if name not in {"host", "user"})
        user = self._asked.get("user") or self._parts.username or ""
        password = f":{quote(self._parts.password)}" if self._parts.password else ""
        return f"postgresql://{user}{password}@127.0.0.1:{self.port}{self._parts.path}?{more}"

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        host, port = self._asked.get("host") or self._parts.hostname or "127.0.0.1", self._parts.port or 5432
        there = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}") if host.startswith("/") else None
        far_reader, far_writer = await (there or asyncio.open_connection(host, port))
        self.writers |= {writer, far_writer}
        with suppress(ConnectionError):
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.open.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def way_to(url: str, port: int = 0) -> AsyncIterator[Way]:
    """Open a way to the server of this URL, on a port that nobody listens on."""
    way = Way(url)
    async with await asyncio.start_server(way.connect, "127.0.0.1", port) as server:
        way.port = server.sockets[0].getsockname()[1]
        yield way
        for writer in way.writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
