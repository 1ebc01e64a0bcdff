"""Calling DBS over TLS: the bot's client beside the official SDK's clients and bare httpx."""

import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import certifi
from aiohttp import web
from certificates import self_signed

from bench.processes import MEASURED, child
from bench.row import Row
from bot.playground.dbs.server import KEYS, FakeDbs
from bot.playground.stage import free_port

CALLS, AT_ONCE = 20, 32
BESIDE = {
    "SDK, async": (0.05, "the official SDK's async client"),
    "SDK": (1.5, "the official SDK's sync client"),
    "bare": (1.2, "bare httpx, sending what was signed before"),
}

SIGNING = (
    "Keys are asked for and the request is signed in a thread: the former may wait for a network, and 32 signed one "
    "after another would hold the event loop up (19 ms instead of 5). Going there and back takes 0.2 ms."
)
NOTES = {"SDK, async": SIGNING, "SDK": "", "bare": SIGNING}


async def measure(rounds: int) -> list[Row]:
    """All trust the same authorities: those of certifi, as the SDK does, and the one that signed the certificate."""
    took: dict[str, list[float]] = {who: [] for who in ("ours", *BESIDE)}
    used: dict[str, list[float]] = {who: [] for who in ("ours", *BESIDE)}
    held: dict[str, list[float]] = {who: [] for who in ("ours", "SDK, async")}
    with TemporaryDirectory() as folder:
        certificate = self_signed(Path(folder))
        trusted = _with_authorities(certificate)
        key, secret = next(iter(KEYS.items()))
        told = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret, "TRUSTED": str(trusted)}
        async with _dbs(certificate) as url, child("callers", MEASURED, **told, URL=url) as callers:
            await callers.ask(who=list(took), calls=3, at_once=False)
            for _ in range(rounds):
                for who, samples in (await callers.ask(who=list(took), calls=CALLS, at_once=False)).items():
                    took[who].append(median(time for time, _ in samples))
                    used[who].append(median(cpu for _, cpu in samples))
                for who, worst in (await callers.ask(who=list(held), calls=AT_ONCE, at_once=True)).items():
                    held[who].append(worst)
    cpu = {who: f"{median(used[who]):.2f} ms" for who in used}
    rows = [
        Row(
            "Signed ConfigureBackupPlan call over TLS, one after another", name, target,
            tuple(took["ours"]), tuple(took[who]), "ms", f"CPU {cpu['ours']} beside {cpu[who]}. {NOTES[who]}".rstrip(),
        )
        for who, (target, name) in BESIDE.items()
    ]  # fmt: skip
    at_once = Row(
        f"Event loop held up at worst while DBS is called {AT_ONCE} times at once over TLS", BESIDE["SDK, async"][1],
        math.inf, tuple(held["ours"]), tuple(held["SDK, async"]), "ms",
        "New connections: it is TLS that holds it up, as each of ten is agreed upon.", limit=10.0,
    )  # fmt: skip
    return [*rows, at_once]


def _with_authorities(certificate: Path) -> Path:
    """Return a file with a certificate and everything that certifi trusts."""
    trusted = certificate.with_name("trusted.pem")
    trusted.write_text(Path(certifi.where()).read_text("utf-8") + certificate.read_text("utf-8"), "utf-8")
    return trusted


@asynccontextmanager
async def _dbs(certificate: Path) -> AsyncIterator[str]:
    """Serve the playground's DBS over TLS."""
    fake, app = FakeDbs(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake._serve)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=128 * 1024)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        yield f"https://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
