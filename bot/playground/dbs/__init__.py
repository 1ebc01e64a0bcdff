"""A DBS (and a KMS) of one's own: the real protocol over loopback HTTP, strict, able to fail in every way we know."""

from bot.playground.dbs.faults import Gate
from bot.playground.dbs.server import FakeDbs

__all__ = ["FakeDbs", "Gate"]
