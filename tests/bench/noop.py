"""What one would compare the bot with: a Bolt app that does nothing, on the server that the bot runs on."""

import os
from typing import Any

import uvicorn
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bench.metered import metered

TITLE = {"type": "plain_text", "text": "Configure backup plan"}
SAID = {"type": "plain_text", "text": "Reading dbsmysqlrds01 …"}
VIEW = {
    "type": "modal", "callback_id": "configure", "title": TITLE, "close": {"type": "plain_text", "text": "Cancel"},
    "blocks": [{"type": "section", "text": SAID}],
}  # fmt: skip


def nothing(token: str, secret: str, api: str) -> AsyncApp:
    """Return the app: it checks signatures, acknowledges, and opens a form where a command asks for one."""
    client = AsyncWebClient(token=token, base_url=api)
    app = AsyncApp(client=client, signing_secret=secret, process_before_response=True)

    @app.action("approve")
    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    @app.options("BackupPlanId")
    async def suggest(ack: AsyncAck) -> None:
        await ack(options=[])

    @app.command("/backup-plan")
    async def open_form(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=VIEW)

    return app


if __name__ == "__main__":
    told = os.environ
    handler = AsyncSlackRequestHandler(nothing(told["TOKEN"], told["SECRET"], told["API"]))
    uvicorn.run(
        metered(handler), host="127.0.0.1", port=int(told["PORT"]), loop="uvloop", http="httptools", ws="none",
        lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=75,
    )  # fmt: skip
