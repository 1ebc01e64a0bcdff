"""Whether a PostgreSQL on another machine has to prove that it is the one: others could answer in its place."""

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from bot.shapes import is_loopback

CHOSEN = frozenset({"verify-full", "verify-ca", "require", "disable"})
"""What says plainly what is wanted; `prefer`, the driver's default, and `allow` leave it to whoever answers."""
UNPROVEN = (
    "is on another machine, and nothing says that it has to prove who it is: add sslmode=verify-full to the URL, with "
    "sslrootcert=… where its certificate is from an authority of your own. To do with less, write sslmode=verify-ca, "
    "sslmode=require or sslmode=disable there."
)


def is_undecided(url: str) -> bool:
    """Tell whether a URL leads away from this machine without a word on who may answer there.

    The driver's variables (PGHOST, PGSSLMODE) and its service file count as well. Raises what the driver raises.
    """
    defaults = {option.keyword.decode(): (option.val or b"").decode() for option in Conninfo.get_defaults()}
    chosen = defaults | {name: str(value) for name, value in conninfo_to_dict(url).items()}
    if chosen.get("sslmode") in CHOSEN:
        return False
    hosts = chosen.get("hostaddr") or chosen.get("host") or ""
    # a service in the URL may name any host: it is read when it connects
    return bool(chosen.get("service")) or not all(_is_here(host) for host in hosts.split(","))


def _is_here(host: str) -> bool:
    """Tell whether it is a socket in the file system, or this machine's loopback."""
    return host == "" or host.startswith(("/", "@")) or is_loopback(host)
