"""Marked secrets through the whole flow at debug level, with every error that echoes them: where the marks turn up."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from bot.playground.acts import ask, open_form, outcome, replies, said, settled
from bot.playground.dbs.faults import Fault, echo
from bot.playground.dbs.plans import mysql_on_rds
from bot.playground.dbs.refusals import Refused
from bot.playground.dbs.server import Received
from bot.playground.slack.server import plain_text
from bot.playground.stage import Stage

PASSWORD = 'Mark1 pass+word/&=?%é"\\end'
KMS_PASSWORD = "Mark2+from/the kms=&"
FILE_PASSWORD = "Mark3/in a+file"
KEY_ID = "LTAIMark4keyid"
KEY_SECRET = "Mark5+key/secret=="
STS_TOKEN = "CAISMark6/sts+token=="
BOT_TOKEN = "xoxb-Mark7-bot-token"
APP_TOKEN = "xapp-Mark8-app-token"
SIGNING_SECRET = "Mark9signingsecret"
MARKS = {
    "password": PASSWORD, "password in KMS": KMS_PASSWORD, "password in a file": FILE_PASSWORD,
    "access key id": KEY_ID, "access key secret": KEY_SECRET, "security token": STS_TOKEN,
    "bot token": BOT_TOKEN, "app token": APP_TOKEN, "signing secret": SIGNING_SECRET,
}  # fmt: skip
ECHO = f"we got {PASSWORD} {quote(PASSWORD, safe='')} {quote_plus(STS_TOKEN)} {KEY_ID} {KEY_SECRET}"
POLICY = """\
[defaults]
approvals = 2
approvers = ["S0DBA"]

[secrets.orders-db]
ref = "env:ORDERS_DB_PASSWORD"
plans = ["dbs*"]
sources = ["instance:rm-uf6orders01"]

[secrets.in-kms]
ref = "kms:prod/orders"
plans = ["dbs*"]
sources = ["instance:rm-uf6orders01"]

[secrets.in-a-file]
ref = "file:{file}"
plans = ["dbs*"]
sources = ["instance:rm-uf6orders01"]
"""


def spellings(secret: str) -> Iterator[bytes]:
    """Yield a secret as it is, and as URLs, JSON, Python, hexadecimal digits and base64 write it."""
    raw = secret.encode()
    yield from (raw, raw.hex().encode(), repr(secret)[1:-1].encode())
    once = quote(secret, safe="")
    yield from (once.encode(), quote(secret).encode(), quote_plus(secret).encode(), quote(once, safe="").encode())
    yield from (json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode())
    for shift in range(3):  # base64 looks different depending on where the secret begins
        digits = base64.b64encode(bytes(shift) + raw)
        certain = digits[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        yield from (certain, certain.replace(b"+", b"-").replace(b"/", b"_"))


def marks_in(content: bytes | str) -> set[str]:
    """Return the names of the secrets that can be found in some content."""
    there = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    return {name for name, secret in MARKS.items() if any(spelt in there for spelt in spellings(secret))}


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in every file of a folder: ledger with its write-ahead log, and process logs."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "password"}


def test_the_search_finds_a_secret_in_every_usual_spelling() -> None:
    for name, secret in MARKS.items():
        for text in (
            secret,
            quote_plus(f"x {secret}"),
            quote(quote(secret, safe=""), safe=""),
            json.dumps({"a": [secret]}),
            *(base64.b64encode(f"{'y' * n}{secret}zz".encode()).decode() for n in range(3)),
        ):
            assert name in marks_in(text), text
    assert marks_in("Mark1 pass word") == set()


async def prepared(set_stage: Callable[..., Awaitable[Stage]], mode: str, *, socket_mode: bool) -> Stage:
    """Set a stage on which every secret is a marked one."""
    stage = await set_stage(
        socket_mode=socket_mode, DBS_PARAMETERS=mode, LOG_LEVEL="debug", ORDERS_DB_PASSWORD=PASSWORD,
        EXECUTION_LEASE="4s", DBS_TIMEOUT="3s",
        ALIBABA_CLOUD_ACCESS_KEY_ID=KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET=KEY_SECRET,
        ALIBABA_CLOUD_SECURITY_TOKEN=STS_TOKEN,
    )  # fmt: skip
    secret_file = stage.folder / "password"
    secret_file.write_bytes(FILE_PASSWORD.encode() + b"\xff")
    stage.policy_file.write_text(POLICY.format(file=secret_file), encoding="utf-8")
    app = stage.slack.world.app
    app.bot_token, app.app_token, app.signing_secret = BOT_TOKEN, APP_TOKEN, SIGNING_SECRET
    stage.dbs.porter.keys[KEY_ID] = KEY_SECRET
    stage.dbs.porter.tokens[KEY_ID] = STS_TOKEN
    stage.dbs.kms.secrets["prod/orders"] = KMS_PASSWORD
    return stage


async def change(stage: Stage, name: str, secret: str, ended: str, *faults: Fault) -> str:
    """Play one change to its end, its calls failing as told, and return what the thread says."""
    plan_id = f"dbs{name}"
    stage.dbs.plans[plan_id] = mysql_on_rds(plan_id)
    stage.dbs.next("ConfigureBackupPlan", *faults, plan_id=plan_id)
    wish = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": secret, "AutoStartBackup": "true",
            "BackupStrategyType": "simple"}  # fmt: skip
    card = await ask(stage.slack, stage.rita, plan_id, wish)
    await stage.ana.click(card, "approve")
    await stage.ben.click(card, "approve")
    await outcome(stage.slack, card)
    assert said(await settled(stage.slack, card))["state"] == ended
    return "\n".join(plain_text(one) for kind in ("note", "outcome") for one in replies(stage.slack, card, kind))


async def play_everything(stage: Stage) -> None:
    """Do what makes secrets be used, and every error that may echo them."""
    await stage.start_bot()
    unavailable = Fault(before=Refused("ServiceUnavailable", ECHO, status=503))
    told = await change(stage, "unavailable", "orders-db", "applied", unavailable)
    assert "ServiceUnavailable: we got [removed]" in told
    told = await change(stage, "signature", "orders-db", "refused", echo())
    assert "SignatureDoesNotMatch" in told
    told = await change(stage, "refused", "orders-db", "refused", Fault(before=Refused("InvalidParameter.X", ECHO)))
    assert "InvalidParameter.X: we got [removed]" in told
    await change(stage, "kms", "in-kms", "applied")
    stage.dbs.next("GetSecretValue", echo())
    told = await change(stage, "kmsecho", "in-kms", "refused")
    assert "prod/orders" in told
    told = await change(stage, "file", "in-a-file", "refused")
    assert "is not UTF-8 text" in told
    stage.dbs.next("DescribeBackupPlanList", echo(), plan_id="dbsfile")
    await stage.rita.command("/backup-plan configure dbsfile", channel="C0OPS")
    shown = await stage.rita.wait_for_view(lambda view: "SignatureDoesNotMatch" in json.dumps(view))
    assert marks_in(json.dumps(shown)) == set()
    await stage.rita.close_view()
    await open_form(stage.rita, "dbsfile")


def marks_by_place(request: Received) -> dict[str, set[str]]:
    """Return where in a request to DBS or KMS which secrets are; places without any are left out."""
    places = {f"header {name}": value for name, value in request.headers.items()}
    places |= {"url": request.raw_query, "body": request.raw_body.decode()}
    return {place: marks for place, content in places.items() if (marks := marks_in(content))}


@pytest.mark.parametrize(
    ("mode", "socket_mode", "place"),
    [("body", False, "body"), ("query", True, "url")],
    ids=["parameters_in_the_body", "parameters_in_the_query_over_socket_mode"],
)
async def test_req30_req35_secrets_are_found_nowhere_but_in_the_request_that_needs_them(
    set_stage: Callable[..., Awaitable[Stage]], mode: str, socket_mode: bool, place: str
) -> None:
    stage = await prepared(set_stage, mode, socket_mode=socket_mode)
    await play_everything(stage)
    assert {name: marks_in(content) for name, content in files(stage.folder).items() if marks_in(content)} == {}
    assert f"{stage.ledger_file.name}-wal" in files(stage.folder)
    await stage.bots[0].end()
    assert {name: marks_in(content) for name, content in files(stage.folder).items() if marks_in(content)} == {}
    assert marks_in(stage.slack.traffic) == set()

    inherent = {
        "header authorization": {"access key id"},
        "header x-acs-accesskey-id": {"access key id"},
        "header x-acs-security-token": {"security token"},
    }
    for request in stage.dbs.requests:
        expected = dict(inherent)
        if request.action == "ConfigureBackupPlan":
            expected[place] = {"password in KMS"} if "kms" in request.params["BackupPlanId"] else {"password"}
        assert marks_by_place(request) == expected
