"""Bolt, set up for payloads that were authenticated and checked before it sees them."""

import logging

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot import deadline
from bot.errors import ConfigError
from bot.slack.identity import Identity
from bot.slack.payload import Answer, Dispatch, Payload

log = structlog.get_logger()


def new_app(client: AsyncWebClient, me: Identity) -> AsyncApp:
    """Return an app without listeners that answers when its listener is done, and logs failures without payloads.

    `me` is who the bot is; left to itself Bolt would ask Slack while the first person waits for an answer.
    Raises ConfigError where the environment would turn on Bolt's own way of installing into many workspaces.
    """
    quiet = logging.getLogger("slack_bolt.app")
    # its warnings quote payloads, or tell of SLACK_BOT_TOKEN, which Bolt reads from the environment by itself
    quiet.setLevel(logging.ERROR)
    token = client.token
    here = AuthorizeResult(
        enterprise_id=None, team_id=me.team_id, bot_id=me.bot_id, bot_user_id=me.user_id, bot_token=token
    )

    async def authorize() -> AuthorizeResult:
        return here

    app = AsyncApp(
        name="backup-plan-bot",
        client=client,
        authorize=authorize,
        logger=quiet,
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        request_verification_enabled=False,
    )
    if app.oauth_flow is not None:
        raise ConfigError(["SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must not be set: one bot serves one workspace."])
    app.error(_failed)
    return app


async def _failed(error: Exception) -> BoltResponse:
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("payload_unhandled")
        return BoltResponse(status=404, body="The bot does not do this.")
    log.error("listener_failed", exc_info=error)
    return BoltResponse(status=500, body="The bot could not do this. Please try again.")


def to_bolt(app: AsyncApp) -> Dispatch:
    """Return the dispatch that hands payloads to `app`."""

    async def dispatch(payload: Payload) -> Answer:
        # "socket_mode" is Bolt's word for a body that is parsed already; it changes nothing else that is used here
        with deadline.delivery():
            response = await app.async_dispatch(AsyncBoltRequest(body=payload.body, mode="socket_mode"))
        return Answer(response.status, response.body, response.first_headers()["content-type"])

    return dispatch
