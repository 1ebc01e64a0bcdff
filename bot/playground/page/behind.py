"""The other side of the bot, for the pane beside the workspace: DBS, the ledger, and every payload both ways."""

import json
from typing import Any

from bot.playground.dbs.server import Received
from bot.playground.page.history import History
from bot.playground.page.setting import PASSWORDS, Setting
from bot.playground.page.upsets import Upsets
from bot.playground.slack.journal import Call, Delivery

Json = dict[str, Any]
SECRET = "SourceEndpointPassword"  # noqa: S105 - a parameter's name
MASK = "••••••••"
MOST = 200
"""Requests and payloads that the pane lists; older ones go."""


def behind(setting: Setting, history: History, upsets: Upsets) -> Json:
    """Return everything the pane shows, but for the payloads themselves."""
    dbs = setting.dbs
    shown: Json = {
        "plans": [{**plan, "forbidden": plan_id in dbs.account.forbidden} for plan_id, plan in dbs.plans.items()],
        "requests": [_request(number, one) for number, one in list(enumerate(dbs.requests))[-MOST:]],
        "upsets": {"queued": upsets.queued, "said": upsets.said[-1:]},
        "ledger": history.shown,
        "wire": wire(setting)[-MOST:],
        "violations": setting.slack.violations,
    }
    return shown


def wire(setting: Setting) -> list[Json]:
    """Return a line for every payload between Slack and the bot, oldest first."""
    journal = setting.slack.journal
    lines = [_delivered(f"d{number}", one) for number, one in enumerate(journal.deliveries)]
    lines += [_called(f"c{number}", one) for number, one in enumerate(journal.calls)]
    return sorted(lines, key=lambda line: line["at"])


def payload(setting: Setting, name: str) -> Json:
    """Return one payload in full, by the id of its line. Raises LookupError or ValueError if there is none."""
    journal, number = setting.slack.journal, int(name[1:])
    if name.startswith("d"):
        delivery = journal.deliveries[number]
        return {"to the bot": delivery.payload, "answer": _parsed(delivery.answer), "status": delivery.status}
    call = journal.calls[number]
    return {"from the bot": call.args, "answer": call.answer}


def masked(value: Any) -> Any:
    """Return anything made of JSON without the passwords of the playground."""
    text = json.dumps(value, ensure_ascii=False)
    for password in PASSWORDS.values():
        text = text.replace(password, MASK)
    return json.loads(text)


def _request(number: int, one: Received) -> Json:
    params = {name: MASK if name == SECRET and value else value for name, value in one.params.items()}
    return {
        "n": number,
        "at": one.at,
        "action": one.action,
        "params": masked(params),
        "code": one.code,
        "seconds": None if one.duration is None else round(one.duration, 2),
        "answer": masked(one.answer) if one.action != "GetSecretValue" else {},
    }


def _delivered(name: str, one: Delivery) -> Json:
    told = one.payload
    action: Json = next(iter(told.get("actions", [])), {})
    view = told.get("view") or {}
    about = told.get("callback_id") or action.get("action_id") or view.get("callback_id") or told.get("action_id", "")
    what = f"{told['command']} {told.get('text', '')}" if "command" in told else f"{told.get('type')} {about}"
    result = one.problem or str(one.status or "…")
    return {"id": name, "at": one.at, "way": "in", "what": what.strip(), "by": _who(told), "result": result}


def _called(name: str, one: Call) -> Json:
    result = "…" if one.answer is None else one.error or "ok"
    return {"id": name, "at": one.at, "way": "out", "what": one.method, "by": "", "result": result}


def _who(told: Json) -> str:
    return str(told.get("user_id") or (told.get("user") or {}).get("id", ""))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else ""
    except ValueError:
        return text
