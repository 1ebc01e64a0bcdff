"""The composition root: the only place that names ports and adapters together."""

import asyncio
import secrets as randomness
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.alibaba.credentials import ChainedKeys
from bot.alibaba.dbs import DbsClient
from bot.alibaba.kms import KmsClient
from bot.calling import Calling
from bot.cards import Cards
from bot.config import Config, environment
from bot.core.policy import Policy, channel_lost
from bot.engine import Engine
from bot.errors import ConfigError
from bot.execution import Execution
from bot.ledger.sql import SqlLedger
from bot.ledger_notices import LedgerNotices
from bot.policy_file import PolicyFile
from bot.policy_warnings import warn_of_groups
from bot.policy_watch import PolicyWatch
from bot.ports import Ledger, People
from bot.posting import Posting
from bot.rights import Rights
from bot.secrets import SecretStore
from bot.serve import serve
from bot.slack.bolt import new_app, to_bolt
from bot.slack.configure import Configure
from bot.slack.decide import Decisions
from bot.slack.edge import Edge
from bot.slack.identity import Identity, identify
from bot.slack.listeners import Listeners
from bot.slack.messenger import SlackMessenger
from bot.slack.once import Once
from bot.slack.operators import Operators
from bot.slack.payload import Answer, Dispatch, Payload
from bot.slack.people import SlackPeople
from bot.slack.plan_list import PlanList
from bot.slack.policy_command import PolicyCommand
from bot.slack.request import Requests
from bot.slack.socket import Sockets
from bot.slack.team import only_ours
from bot.slack.web import new_client, new_session
from bot.slack.whisper import Whisper
from bot.starting import opened, waited_for
from bot.tasks import Tasks
from bot.telling import Telling

log = structlog.get_logger("bot.app")

FINISH_ANSWERS, FINISH_CHANGES = 3.0, 10.0
"""Seconds for what is in flight at the end: answers to people, changes under way; `serve` has twenty in all."""

DRAW_AFTER = 0.25
"""Seconds that a card's new drawing waits: an approval that is carried out meanwhile is drawn once, not twice."""


class App:
    """One process of the bot, from its settings to the wiring; `run` serves until a signal comes."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._policy = PolicyFile(config.policy_file)
        self._tasks = Tasks()
        self._sweeper = Tasks()
        self._identity: Identity | None = None
        self._dispatch: Dispatch | None = None
        self._engine: Engine | None = None
        self._watch: PolicyWatch | None = None
        self._sockets: Sockets | None = None
        self._session: aiohttp.ClientSession | None = None
        self._ledger: Ledger | None = None
        keys, timeout = ChainedKeys(), config.dbs_timeout.total_seconds()
        self._dbs = DbsClient(
            config.dbs_url,
            region=config.dbs_region,
            keys=keys,
            timeout=timeout,
            parameters=config.dbs_parameters,
            at_hand=self._at_hand,
        )
        self._kms = KmsClient(config.kms_url, region=config.dbs_region, keys=keys, timeout=timeout)
        self._secrets = SecretStore(environment(), self._kms)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        over_http = self.config.slack_app_token is None
        edge = Edge(self._deliver, self.config.slack_signing_secret if over_http else None, self._ready)
        await serve(edge, self.config.host, self.config.port, start=self._start, stop=self._stop, hang_up=self._hang_up)

    def _at_hand(self, plan_id: str) -> list[str]:
        """Return the plan's secrets as far as they are in the environment: DBS's text about it must not show them."""
        policy = self._policy.policy
        return [self._secrets.at_hand(policy.secrets[name].ref) for name in policy.secrets_for(plan_id)]

    def _ready(self) -> dict[str, Any] | None:
        if self._identity is None or self._dispatch is None:
            return None
        mode = "socket" if self._sockets else "http"
        return {"status": "ok", "team": self._identity.team_id, "mode": mode, **self._policy.health}

    def _hang_up(self) -> None:
        """Look at the policy file now; while the bot starts that comes by itself."""
        if self._watch is not None:
            self._watch.hurry()

    async def _deliver(self, payload: Payload) -> Answer:
        if self._dispatch is None:
            return Answer(503, "The bot is starting.")
        return await self._dispatch(payload)

    async def _start(self) -> None:
        if self.config.dbs_parameters == "query":
            log.warning("parameters_in_query", hint="DBS_PARAMETERS=query puts the database password into the URL")
        config = self.config
        ledger, key = await opened(config.ledger_address, config.key_file, config.tell_grace)
        self._ledger = ledger
        clock = ledger.clock
        self._session = new_session()
        client = new_client(self.config.slack_bot_token.get_secret_value(), self.config.slack_api_url, self._session)
        identity = await identify(client)
        if (owner := await waited_for(lambda: ledger.team(identity.team_id))) != identity.team_id:
            whose = f"SLACK_BOT_TOKEN belongs to the workspace {identity.team_id}, the ledger to {owner}"
            raise ConfigError([f"{whose}: one bot serves one workspace; correct the token or DATABASE_URL."])
        people = SlackPeople(client)
        operators = Operators(client, people, identity.bot_id, clock)

        async def warn(policy: Policy) -> None:
            await warn_of_groups(policy, people)
            if policy.defaults.operators:
                await operators.check(policy.defaults.operators)

        await warn(self._policy.policy)
        notices = LedgerNotices(
            ledger=ledger,
            tell=operators.tell,
            channel=lambda: self._policy.policy.defaults.operators,
            tasks=self._tasks,
        )
        ledger.on_altered = notices.altered
        await waited_for(lambda: notices.key(key.public))
        dispatch, self._engine = self._wire(ledger, client, self._session, people, identity)
        if self.config.slack_app_token is not None:
            self._sockets = Sockets(dispatch, client, self.config.slack_app_token)
            await self._sockets.start()
        self._dispatch, self._identity = dispatch, identity
        self._sweeper.start(self._engine.run())
        self._watch = PolicyWatch(
            file=self._policy,
            ledger=ledger,
            tell=operators.tell,
            warn=warn,
            clock=clock,
            interval=self.config.sweep_interval,
            tasks=self._tasks,
        )
        self._sweeper.start(self._watch.run())
        log.info("ready", team=identity.team_id, mode="socket" if self._sockets else "http", dbs=self._dbs.host)

    def _wire(
        self,
        ledger: SqlLedger,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        people: People,
        identity: Identity,
    ) -> tuple[Dispatch, Engine]:
        config, dbs, clock, tasks = self.config, self._dbs, ledger.clock, self._tasks
        rights = Rights(lambda: self._policy.policy, people, identity.team_id)
        messenger = SlackMessenger(client, identity.bot_id, lambda channel: channel_lost(self._policy.policy, channel))
        whisper = Whisper(session)
        plans = PlanList(dbs, tasks)
        posting = Posting(ledger=ledger, messenger=messenger, clock=clock)
        speaking: dict[str, Any] = {
            "ledger": ledger, "dbs": dbs, "messenger": messenger, "posting": posting, "clock": clock,
            "grace": config.tell_grace,
        }  # fmt: skip
        telling = Telling(**speaking)
        execution = Execution(
            ledger=ledger,
            dbs=dbs,
            secrets=self._secrets,
            rights=rights,
            clock=clock,
            owner=randomness.token_hex(8),
            lease=config.execution_lease,
            call_time=config.dbs_timeout,
        )
        engine = Engine(
            ledger=ledger,
            execution=execution,
            cards=Cards(**speaking),
            telling=telling,
            calling=Calling(ledger=ledger, messenger=messenger, people=people, clock=clock),
            clock=clock,
            sweep_interval=config.sweep_interval,
            grace=config.tell_grace,
            before_drawing=partial(asyncio.sleep, DRAW_AFTER),
        )
        configure = Configure(
            client=client, ledger=ledger, dbs=dbs, rights=rights, plans=plans, whisper=whisper, tasks=tasks
        )
        requests = Requests(
            client=client, ledger=ledger, dbs=dbs, rights=rights, configure=configure, engine=engine, clock=clock
        )
        decide = Decisions(
            client=client,
            ledger=ledger,
            dbs=dbs,
            rights=rights,
            configure=configure,
            engine=engine,
            telling=telling,
            clock=clock,
            whisper=whisper,
            tasks=tasks,
        )
        policy = PolicyCommand(dbs=dbs, rights=rights, clock=clock, whisper=whisper, tasks=tasks)
        bolt = new_app(client, identity)
        Listeners(
            rights=rights,
            configure=configure,
            requests=requests,
            decide=decide,
            plans=plans,
            policy=policy,
            tasks=tasks,
        ).register(bolt)
        return only_ours(Once(to_bolt(bolt)), identity.team_id), engine

    async def _stop(self) -> None:
        if self._sockets is not None:
            await self._sockets.close()
        self._sweeper.cancel()
        await self._tasks.finish(FINISH_ANSWERS)
        if self._engine is not None:
            await self._engine.finish(FINISH_CHANGES)
        await self._dbs.aclose()
        await self._kms.aclose()
        if self._session is not None:
            await self._session.close()
        if self._ledger is not None:
            await self._ledger.close()
