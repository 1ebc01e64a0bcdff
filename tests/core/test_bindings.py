"""A password goes only to what its secret is bound to by kind, and a host is matched as a host."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.bindings import read_binding, unbound

INSTANCE, HOST = "SourceEndpointInstanceID", "SourceEndpointIP"


def allowed(lines: list[str], **values: str) -> bool:
    return not unbound([read_binding(line) for line in lines], values)


@pytest.mark.parametrize(
    ("line", "host", "fits"),
    [
        ("host:10.0.3.0/24", "10.0.3.7", True),
        ("host:10.0.3.0/24", "10.0.4.7", False),
        ("host:10.0.3.0/24", "10.0.3.attacker.example", False),
        ("host:10.0.3.7", "10.0.3.7", True),
        ("host:10.0.3.7", "10.0.3.7.attacker.example", False),
        ("host:fd00::/64", "fd00::1", True),
        ("host:*.db.internal", "orders.db.internal", True),
        ("host:*.db.internal", "ORDERS.DB.INTERNAL", True),
        ("host:*.db.internal", "a.b.db.internal", False),
        ("host:*.db.internal", "db.internal", False),
        ("host:*.db.internal", "attacker.example/.db.internal", False),
        ("host:*.db.internal", "attacker.example:3306?.db.internal", False),
        ("host:*.db.internal", "user@x.db.internal", False),
        ("host:*.db.internal", "x.db.internal.", False),
        ("host:orders-*.db.internal", "orders-1.db.internal", True),
        ("host:orders-*.db.internal", "payments.db.internal", False),
        ("host:rm-1.mysql.rds", "rm-1.mysql.rds", True),
        ("host:*.db.internal", "\u212a.db.internal", False),
        ("host:localhost", "localhost", True),
        ("host:localhost", "0x7f.1", False),
        ("host:10.0.0.0/8", "10.1", False),
        ("host:10.0.0.0/8", "0x0a000001", False),
    ],
)
def test_a_host_is_matched_label_by_label(line: str, host: str, fits: bool) -> None:
    assert allowed([line], **{HOST: host}) is fits


@given(st.text(max_size=30))
def test_no_other_character_makes_a_host_match(text: str) -> None:
    if allowed(["host:*.db.internal"], **{HOST: f"{text}.db.internal"}):
        assert re.fullmatch("[A-Za-z0-9_-]+", text)


def test_an_instance_pattern_never_lets_a_host_through() -> None:
    assert allowed(["instance:rm-*"], **{INSTANCE: "rm-1"})
    assert not allowed(["instance:rm-*"], **{INSTANCE: "rm-1", HOST: "rm-x.attacker.example"})
    assert not allowed(["host:rm-1.mysql.rds"], **{INSTANCE: "rm-1"})


@pytest.mark.parametrize(
    ("parameter", "kind", "good", "bad"),
    [
        ("SourceEndpointPort", "port", "3306", "3307"),
        ("SourceEndpointRegion", "region", "cn-hangzhou", "cn-shanghai"),
        ("SourceEndpointUserName", "user", "backup", "root"),
    ],
)
def test_port_region_and_user_count_once_they_are_named(parameter: str, kind: str, good: str, bad: str) -> None:
    lines = ["instance:rm-1", f"{kind}:{good}"]
    assert allowed(["instance:rm-1"], **{INSTANCE: "rm-1", parameter: bad})
    assert allowed(lines, **{INSTANCE: "rm-1", parameter: good})
    assert not allowed(lines, **{INSTANCE: "rm-1", parameter: bad})


def test_what_is_not_bound_is_named_by_its_kind() -> None:
    values = {"BackupGatewayId": "7", "CrossAliyunId": "8", HOST: "10.0.0.1"}
    assert unbound([read_binding("instance:rm-1")], values) == ["host:10.0.0.1", "gateway:7", "account:8"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rm-uf6orders01", "write 'instance:rm-uf6orders01'"),
        ("10.0.3.7", "write 'host:10.0.3.7'"),
        ("rm-1.mysql.rds", "write 'host:rm-1.mysql.rds'"),
        ("hosts:a.b.c", "does not say what it is"),
        ("host:", "no host name"),
        ("host:*", "last two labels"),
        ("host:*.*", "last two labels"),
        ("host:*.internal", "last two labels"),
        ("host:db.*.internal", "last two labels"),
        ("host:10.0.3.*", "10.0.3.0/24"),
        ("host:10.0.*", "10.0.3.0/24"),
        ("host:10.0.3", "10.0.3.0/24"),
        ("host:0.0.0.0/0", "so wide"),
        ("host:::/0", "so wide"),
        ("host:a b.example.com", "no host name"),
        ("instance:", "visible characters"),
        ("instance:*", "would let anybody"),
        ("instance:[a-z]*", "would let anybody"),
        ("user:*", "would let anybody"),
        ("gateway:*", "digits only"),
        ("account:12a", "digits only"),
        ("port:0", "1 to 65535"),
        ("port:mysql", "1 to 65535"),
    ],
)
def test_a_line_that_binds_nothing_says_what_to_write(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace(".", r"\.")):
        read_binding(line)
