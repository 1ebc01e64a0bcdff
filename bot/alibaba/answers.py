"""What an answer means: done, refused, come back later, or nobody knows. Each refusal with what to do about it."""

from collections.abc import Mapping

from bot.alibaba.rpc import Reply
from bot.errors import DbsError, DbsRefused, DbsThrottled, DbsUnanswered

_ADVICE = {
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
    ("Missing", "InvalidParameter", "Param."): ("DBS does not take a parameter as it is: correct it in a new request."),
}
"""What a person can do about a code that begins so; the first that fits."""

_UNCERTAIN = ("InternalError", "ServiceUnavailable", "SignatureNonceUsed")
"""Codes behind which the operation may have been carried out: by us, or by a copy of the request that came first."""


def failure(reply: Reply, action: str, resource: str) -> DbsError | None:
    """Return the error in an answer, or None for one that says it was done: HTTP 200 and `Success: true`.

    An error code beside `Success: true` means nothing: the documented sample reply has one. `action` and `resource`
    name what RAM must allow.
    """
    success = reply.body.get("Success")
    if reply.status == 200 and success is True:
        return None
    code = reply.text("Code", "ErrCode", limit=100)
    message = reply.text("Message", "ErrMessage")
    request_id = reply.text("RequestId", limit=100)
    wait = _retry_after(reply.headers)
    if "throttling" in code.lower() or reply.status == 429:
        return DbsThrottled(code or "Throttling", message, request_id, wait)
    if reply.status >= 500 or code.startswith(_UNCERTAIN):
        return DbsUnanswered(code or f"HTTP {reply.status}", message, request_id, wait)
    if code and (reply.status >= 400 or success is False or "Code" in reply.body):
        return DbsRefused(code, message, request_id, advice(code, action, resource))
    if success is False:
        return DbsRefused("Success: false", message or "DBS gave no reason.", request_id)
    said = message or f"The answer, HTTP {reply.status}, says neither that it was done nor that it was not."
    return DbsUnanswered("UnexpectedAnswer", said, request_id)


def advice(code: str, action: str, resource: str) -> str:
    """Return a sentence on what a person can do about an error code; empty where DBS's own message must do."""
    sentence = next((sentence for begin, sentence in _ADVICE.items() if code.startswith(begin)), "")
    return sentence.format(action=action, resource=resource)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds; the header has milliseconds."""
    value = headers.get("x-acs-retry-after", "")
    return int(value) / 1000 if value.isascii() and value.isdigit() and len(value) < 10 and int(value) else None
