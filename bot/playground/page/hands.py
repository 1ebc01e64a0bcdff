"""What a browser may have a person do: exactly what the tests have them do, through the same `Person`."""

from typing import Any

from bot.playground.slack.errors import ClientBlocked
from bot.playground.slack.form import Ack
from bot.playground.slack.person import Person

Json = dict[str, Any]


async def act(person: Person, what: Json) -> Json:
    """Do one thing and say what came of it: `ok`, and what is particular to it.

    `blocked` says why the person's client does not do it, `marks` at which inputs (block_id → what is wrong there).
    Raises KeyError, TypeError or ValueError where `what` is not one of the acts below.
    """
    try:
        done = await _among_messages(person, what)
        return {"ok": True, **(await _in_a_view(person, what) if done is None else done)}
    except ClientBlocked as blocked:
        return {"ok": False, "blocked": str(blocked), "marks": blocked.marks}


async def _among_messages(person: Person, what: Json) -> Json | None:
    name = str(what.get("name", ""))
    match what["do"]:
        case "say":
            message = await person.say(str(what["text"]), str(what["channel"]), str(what.get("thread_ts", "")))
            return {"ts": message["ts"]}
        case "command":
            return _acked(await person.command(str(what["text"]), str(what["channel"])))
        case "click":
            target = {"id": what["view"]} if what.get("view") else {"ts": what["ts"]}
            return _acked((await person.click(target, name, option=str(what.get("option", "")))).ack)
        case "shortcut":
            return _acked(await person.shortcut({"ts": what["ts"]}, name))
        case "home":
            return _acked(await person.open_home())
    return None


async def _in_a_view(person: Person, what: Json) -> Json:
    name, value = str(what.get("name", "")), what.get("value", "")
    match what["do"]:
        case "type":
            return _acked(await person.type(name, str(value), enter=bool(what.get("enter"))))
        case "choose":
            return _acked(await person.choose(name, value))
        case "set_time":
            return _acked(await person.set_time(name, str(value)))
        case "clear":
            return _acked(await person.clear(name))
        case "suggest":
            return {"options": await person.suggest(name, str(value))}
        case "submit":
            ack = await person.submit()
            return {**_acked(ack), "action": ack.action}
        case "close":
            await person.close_view(everything=bool(what.get("everything")))
            return {}
    raise ValueError(f"there is no act {what['do']!r}")


def _acked(ack: Ack | None) -> Json:
    return {} if ack is None else {"acked": ack.ok, "seconds": round(ack.duration, 3)}
