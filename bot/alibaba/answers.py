"""What an answer means: done, refused, come back later, or nobody knows. Each refusal with what to do about it."""

import re
from collections.abc import Mapping

from bot.alibaba.rpc import Reply
from bot.errors import DbsError, DbsRefused, DbsThrottled, DbsUnanswered

_ADVICE = {
    ("Forbidden.RiskControl",): (
        "The account is under Alibaba Cloud's risk control, which is no matter of permissions: have that lifted, "
        "then ask again."
    ),
    ("Forbidden", "NoPermission", "Request.Forbidden"): (
        "Grant the bot's RAM identity the action {action} on {resource}, then ask again."
    ),
    ("InvalidTimeStamp",): (
        "The clock of the bot's machine is off by more than 15 minutes: set it right, then ask again."
    ),
    ("InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidSecurityToken"): (
        "Check the bot's Alibaba Cloud credentials (access key, secret, security token), then ask again."
    ),
    ("InvalidJobId", "InvalidParameterValid", "InvalidBackupPlanId"): (
        "Check the plan id, and that the plan belongs to this account and to a region that the bot's DBS host serves."
    ),
    ("IdempotentParameterMismatch",): (
        "DBS got this ClientToken with other parameters before: look at the plan, then start a new request."
    ),
    ("Missing", "InvalidParameter", "Param"): ("DBS does not take a parameter as it is: correct it in a new request."),
}
"""What a person can do about a code that begins with these words; the first that fits."""

_UNCERTAIN = frozenset(
    {
        *("internalerror", "internalservererror", "internalfailure", "internalexception", "servererror"),
        *("systemerror", "systembusy", "systemexception", "serverbusy", "servicebusy"),
        *("badgateway", "backenderror", "servicefailure", "dependencyfailure", "deadlineexceeded"),
        *("unknownerror", "unknown", "undefined", "null", "none"),
        "signaturenonceused",
    }
)
"""Codes behind which the operation may have been carried out: by us, or by a copy of the request that came first.

One of them is enough as a part of a code between its dots.
"""
_DOUBTFUL = frozenset({"timeout", "unavailable", "processing"})
"""Words of a code that say the same wherever they stand in it: `OperationTimeout`, `IdempotentProcessing`."""
_BUSY = re.compile("throttl|toomanyrequests|qpslimit|requestlimit", re.IGNORECASE)
"""What a code says of a request that was turned away before anything was done."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CODE_5XX = re.compile(r"\s*code\s*:\s*5[0-9][0-9]\b", re.IGNORECASE)
"""How a gateway's failure arrives in a message, whatever the code beside it."""


def failure(reply: Reply, action: str, resource: str) -> DbsError | None:
    """Return the error in an answer, or None for one that says it was done: HTTP 200 and `Success: true`.

    An error code beside `Success: true` means nothing: the documented sample reply has one. `action` and `resource`
    name what RAM must allow. The body's `HttpStatusCode` counts like HTTP's own; where anything speaks of a failure on
    DBS's side, nobody knows whether it was done.
    """
    success = reply.body.get("Success")
    if reply.status == 200 and success is True:
        return None
    code = reply.text("Code", "ErrCode", limit=100)
    message = reply.text("Message", "ErrMessage")
    request_id = reply.text("RequestId", limit=100)
    wait = _retry_after(reply.headers)
    statuses = {reply.status, _status(reply.body.get("HttpStatusCode")), _status(code)}
    if _BUSY.search(code):
        return DbsThrottled(code, message, request_id, wait)
    unusual = statuses & {408, 499} or (reply.status != 200 and reply.status < 400)
    if max(statuses) >= 500 or unusual or _is_uncertain(code) or _CODE_5XX.match(message):
        return DbsUnanswered(code or f"HTTP {max(statuses)}", message, request_id, wait)
    if 429 in statuses:
        return DbsThrottled(code or "Throttling", message, request_id, wait)
    if code and (reply.status >= 400 or success is False or "Code" in reply.body):
        return DbsRefused(code, message, request_id, advice(code, action, resource))
    said = message or f"The answer, HTTP {reply.status}, says neither that it was done nor why it was not."
    return DbsUnanswered("UnexpectedAnswer", said, request_id, wait)


def advice(code: str, action: str, resource: str) -> str:
    """Return a sentence on what a person can do about an error code; empty where DBS's own message must do."""
    words = _WORD.findall(code)
    found = (
        sentence
        for begins, sentence in _ADVICE.items()
        for begin in map(_WORD.findall, begins)
        if words[: len(begin)] == begin
    )
    return next(found, "").format(action=action, resource=resource)


def _is_uncertain(code: str) -> bool:
    words = {word.lower() for word in _WORD.findall(code)}
    return not (_UNCERTAIN.isdisjoint(re.split(r"[^a-z0-9]+", code.lower())) and _DOUBTFUL.isdisjoint(words))


def _status(value: object) -> int:
    """Return the status that a body names, as a number or as text, such as 500, "500" or 500.0; 0 for none."""
    said = re.fullmatch(r"([1-9][0-9]{2})(\.0+)?", str(value).strip(), re.ASCII)
    return int(said[1]) if said else 0


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds; the header has milliseconds."""
    value = headers.get("x-acs-retry-after", "")
    return int(value) / 1000 if value.isascii() and value.isdigit() and len(value) < 10 and int(value) else None
