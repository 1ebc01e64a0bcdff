"""How the fake says no: the two shapes in which Alibaba Cloud reports an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The call is not done. Shape 1 is an HTTP 4xx or 5xx, shape 2 an HTTP 200 with `Success: false`."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def answer(self, request_id: str, host: str) -> Answer:
        """Put the refusal into its shape; status 200 means shape 2."""
        if self.status == 200:
            body = {"Success": False, "ErrCode": self.code, "ErrMessage": self.message, "HttpStatusCode": 400}
        else:
            recommend = f"https://{host}/recommend?q={self.code}"
            body = {"Code": self.code, "Message": self.message, "HostId": host, "Recommend": recommend}
        return Answer(self.status, {**body, "RequestId": request_id, **self.extra}, self.headers)


def forbidden(action: str, resource: str) -> Refused:
    """Answer as RAM does to somebody without the permission."""
    detail = {"AuthAction": f"dbs:{action}", "AuthPrincipalType": "SubUser", "NoPermissionType": "ImplicitDeny"}
    message = f"User not authorized to operate on the specified resource {resource}."
    return Refused("Request.Forbidden", message, status=403, extra={"AccessDeniedDetail": detail})
