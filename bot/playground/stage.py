"""A stage for the real bot: a workspace, a DBS account, a policy and a folder, and the process that plays on it."""

import asyncio
import os
import secrets as randomness
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

import aiohttp

from bot.ledger.key_file import fresh, make_key_file, read_key_file
from bot.ledger.keys import NO_KEYS, Keys
from bot.playground.dbs.server import KEYS, FakeDbs
from bot.playground.slack.server import FakeSlack

POLICY = """\
[defaults]
approvals = 2
approvers = ["S0DBA"]
expires_after = "4h"
execute_within = "30m"

[secrets.orders-db]
ref = "env:ORDERS_DB_PASSWORD"
plans = ["dbs*"]
sources = ["instance:rm-uf6orders01", "instance:i-bp1mysql01", "host:10.0.3.7"]
"""
CHANNEL = "C0OPS"
PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - the playground's own
READY_SECONDS = 30.0
UNASKED_PORTS = range(10_000, 32_000)
"""Below those that Linux (from 32,768) and others (from 49,152) by default give to whoever asks for any."""


class Process(Protocol):
    """What is asked of a process, in asyncio's words."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Stage:
    """Everything around the bot: start it, then start one process or several on it."""

    def __init__(self, folder: Path, *, policy: str = POLICY, socket_mode: bool = False, **settings: str) -> None:
        """`folder` holds policy, ledger and logs; `settings` are further environment variables of the bot."""
        self.folder = folder
        self.socket_mode = socket_mode
        self.slack = FakeSlack()
        self.dbs = FakeDbs()
        self.policy_file = folder / "policy.toml"
        self.ledger_file = folder / "ledger.db"
        self.key_file = folder / "ledger.db.key"
        self.settings = settings
        self.bots: list[Bot] = []
        self.policy_file.write_text(policy, encoding="utf-8")
        self.rita = self.slack.add_person("rita", id="U0RITA", tz="Asia/Shanghai")
        self.ana = self.slack.add_person("ana", id="U0ANA", tz="Europe/Berlin")
        self.ben = self.slack.add_person("ben", id="U0BEN", tz="America/New_York")
        self.olga = self.slack.add_person("olga", id="U0OLGA")
        self.gus = self.slack.add_person("gus", id="U0GUS", restricted=True)
        self.slack.add_group("S0DBA", ["U0ANA", "U0BEN", "U0RITA"])
        self.slack.add_channel(CHANNEL, "ops")

    async def __aenter__(self) -> Self:
        await self.slack.start()
        await self.dbs.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for bot in self.bots:
            await bot.end()
        await self.slack.stop()
        await self.dbs.stop()

    @property
    def database_url(self) -> str:
        """Where the ledger is, as the bot is told."""
        return f"sqlite:///{self.ledger_file.absolute()}"

    def keys(self) -> Keys:
        """Return the key that signs the ledger, made before the bot would, or where it would not."""
        make_key_file(self.key_file, fresh())
        content = read_key_file(self.key_file)
        return content.keys if content else NO_KEYS

    def environment(self, port: int) -> dict[str, str]:
        """Return the whole environment of a bot that listens on `port`."""
        key, secret = next(iter(KEYS.items()))
        told = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": self.slack.url,
            "DATABASE_URL": self.database_url,
            "LEDGER_KEY_FILE": str(self.key_file.absolute()),
            "POLICY_FILE": str(self.policy_file),
            "DBS_ENDPOINT": self.dbs.url,
            "KMS_ENDPOINT": self.dbs.url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
            "ORDERS_DB_PASSWORD": PASSWORD,
        }
        if self.socket_mode:
            told["SLACK_APP_TOKEN"] = self.slack.app_token
        else:
            told["SLACK_SIGNING_SECRET"] = self.slack.signing_secret
        path = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        return {**path, **told, **self.settings}

    async def start_bot(self, **settings: str) -> "Bot":
        """Start `python -m bot serve` and wait until it is ready; what Slack delivers goes to the newest one."""
        bot = await self.launch_bot(**settings)
        await bot.wait_until_ready()
        if not self.socket_mode:
            self.slack.point_at(bot.events_url)
        return bot

    async def launch_bot(self, **settings: str) -> "Bot":
        """Start `python -m bot serve` and return at once, whatever becomes of it."""
        port = free_port()
        log = self.folder / f"bot-{port}.log"
        environment = {**self.environment(port), **settings}
        if not environment["DATABASE_URL"].startswith("sqlite:"):
            self.keys()
        bot = Bot(await self.serve(environment, log), port, log)
        self.bots.append(bot)
        return bot

    async def serve(self, environment: dict[str, str], log: Path) -> Process:
        """Start `python -m bot serve` with exactly these variables; whatever it prints is written into `log`."""
        with log.open("wb") as stream:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve",
                env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip


class Bot:
    """One process of the bot."""

    def __init__(self, process: Process, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log_file = log

    @property
    def events_url(self) -> str:
        """Where Slack delivers to."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def log(self) -> str:
        """Everything it wrote."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    async def wait_until_ready(self) -> None:
        """Wait until `/healthz` answers 200. Raises RuntimeError with the log if the process ends before."""
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while True:
                if self.process.returncode is not None:
                    raise RuntimeError(f"the bot ended with {self.process.returncode}:\n{self.log}")
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/healthz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.03)

    async def end(self) -> int:
        """Ask it to end, as a supervisor does, and return its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


def free_port() -> int:
    """Return a loopback port that is free, and most likely still is when it is used: no system gives it to anybody."""
    while not is_free(port := randomness.choice(UNASKED_PORTS)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether a process could listen on this loopback port."""
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
