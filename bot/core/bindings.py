"""What a secret is bound to: typed patterns for where a password may go, held against a request.

A host is matched as a host: label by label, or as an address. Nothing else that looks like one on paper counts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bot.core.reading import Values

PARAMETERS: Mapping[str, str] = {
    "instance": "SourceEndpointInstanceID",
    "host": "SourceEndpointIP",
    "gateway": "BackupGatewayId",
    "account": "CrossAliyunId",
    "port": "SourceEndpointPort",
    "region": "SourceEndpointRegion",
    "user": "SourceEndpointUserName",
}
"""The kinds of bindings, and the parameter that each is about."""
ALWAYS = ("instance", "host", "gateway", "account")
"""Say where a password goes: a request that has one of these needs a binding of its kind. The others count if named."""

FEWEST = 3
"""Characters of a pattern that are no wildcards: `rm-*` is the least."""

_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_PATTERN_LABEL = r"(?!-)[a-z0-9_*?-]{1,63}(?<!-)"
_WIDEST = {4: 8, 6: 32}
"""The shortest prefix of an address range, by version: a wider one is no binding."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One line of `sources`."""

    kind: str
    pattern: str

    def fits(self, value: str) -> bool:
        """Whether a parameter's value is what this line names."""
        return _fits_host(self.pattern, value) if self.kind == "host" else fnmatchcase(value, self.pattern)


def read_binding(line: str) -> Binding:
    """Read `kind:pattern`. Raises ValueError with the sentence a person reads."""
    kind, colon, pattern = line.partition(":")
    if not colon or kind not in PARAMETERS:
        raise ValueError(f"{line!r} does not say what it is: write {_suggestion(line)}; the kinds are {_kinds()}")
    _CHECKS[kind](line, pattern)
    return Binding(kind, pattern)


def unbound(bindings: list[Binding], values: Values) -> list[str]:
    """Return each part of a request, as `kind:value`, that none of these bindings names."""
    named = {binding.kind for binding in bindings}
    return [
        f"{kind}:{value}"
        for kind, parameter in PARAMETERS.items()
        if (value := values.get(parameter)) and (kind in ALWAYS or kind in named)
        if not any(binding.kind == kind and binding.fits(value) for binding in bindings)
    ]


def _fits_host(pattern: str, host: str) -> bool:
    if (address := _address(host)) is not None:
        return _is_range(pattern) and address in ip_network(pattern, strict=False)
    labels, wanted = host.split("."), pattern.lower().split(".")
    # a name that ends in a number is an address in somebody's eyes: 10.0.3 or 0x7f.1
    if _is_range(pattern) or len(labels) != len(wanted) or re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", labels[-1]):
        return False
    return all(
        re.fullmatch(_LABEL, label) and fnmatchcase(label.lower(), want)
        for label, want in zip(labels, wanted, strict=True)
    )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_range(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _check_host(line: str, pattern: str) -> None:
    if _is_range(pattern):
        network = ip_network(pattern, strict=False)
        if network.prefixlen < _WIDEST[network.version]:
            raise ValueError(
                f"{line!r} is so wide that it binds nothing: name a range of /{_WIDEST[network.version]} or less"
            )
        return
    labels = pattern.lower().split(".")
    if labels[-1].isdigit() or re.fullmatch(r"[0-9*?./]*[0-9][0-9*?./]*", pattern):
        raise ValueError(f"{line!r} is no address: write one like host:10.0.3.7, or a range like host:10.0.3.0/24")
    if not all(re.fullmatch(_PATTERN_LABEL, label) for label in labels):
        raise ValueError(f"{line!r} is no host name: labels of letters, digits, '-' and '_', with dots between")
    if re.search(r"[*?]", pattern) and (len(labels) < 3 or re.search(r"[*?]", "".join(labels[-2:]))):
        raise ValueError(
            f"{line!r} would let the password go to hosts that anybody can name: write at least the last two labels "
            "out, like host:*.db.internal; a '*' stands for one label or a part of it"
        )


def _check_id(line: str, pattern: str) -> None:
    if not re.fullmatch(r"[0-9]{1,32}", pattern):
        raise ValueError(f"{line!r} must end in a whole id: digits only")


def _check_port(line: str, pattern: str) -> None:
    if not re.fullmatch(r"[0-9]{1,5}", pattern) or not 1 <= int(pattern) <= 65535:
        raise ValueError(f"{line!r} must end in a port: 1 to 65535")


def _check_glob(line: str, pattern: str) -> None:
    if not pattern or not pattern.isprintable() or pattern != pattern.strip():
        raise ValueError(f"{line!r} must end in visible characters, without spaces around them")
    written_out = re.sub(r"\[[^\]]*\]?|[*?]", "", pattern)
    if written_out != pattern and len(written_out) < FEWEST:
        raise ValueError(
            f"{line!r} would let anybody send this secret to an address of their choice: write at least {FEWEST} "
            "characters of the name out"
        )


_CHECKS: Mapping[str, Callable[[str, str], None]] = {
    "instance": _check_glob,
    "host": _check_host,
    "gateway": _check_id,
    "account": _check_id,
    "port": _check_port,
    "region": _check_glob,
    "user": _check_glob,
}


def _suggestion(line: str) -> str:
    """Guess what was meant: the lines of older policies had no kinds."""
    if _is_range(line) or "." in line:
        return f"'host:{line}'"
    return f"'instance:{line}'"


def _kinds() -> str:
    return ", ".join(f"{kind}:" for kind in PARAMETERS)
