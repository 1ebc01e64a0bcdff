"""`python -m bench.metered serve`: the bot, telling with each answer how much CPU time its process used up to then.

Only the process itself can say so: the kernel's account of another one that is running is some milliseconds old.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

HEADER = b"x-cpu-ms"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]


def metered(app: Application) -> Application:
    """Return an ASGI application that answers with one header more; right while it serves one request at a time."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        began = time.process_time()

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                used = (time.process_time() - began) * 1000
                message = {**message, "headers": [*message["headers"], (HEADER, b"%.4f" % used)]}
            await send(message)

        await app(scope, receive, tell)

    return serve


if __name__ == "__main__":
    from bot import serve
    from bot.cli import main

    make = serve._Server
    vars(serve)["_Server"] = lambda app, door: make(metered(app), door)
    main()
