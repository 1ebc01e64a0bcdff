"""`demo` and `demo --attach` as processes: what they print, whom they serve, and what they leave."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 30.0


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command of the bot with nothing but a path, a home and a place for temporary files."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(temporary)}
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bot", *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> tuple[str, str]:
    """Read lines until one matches; return what was printed before, and the match's first group."""
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return printed, found[1]
        printed += line
    raise AssertionError(printed)


def act(address: str, **what: Any) -> dict[str, Any]:
    body = json.dumps(what).encode()
    asked = urllib.request.Request(f"{address}act", body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        done: dict[str, Any] = json.load(answer)
        return done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_it_is_told_to_end_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "demo") as demo:
        _, address = read_until(demo, r"The playground is at (http://127\.0\.0\.1:\d+/) – Ctrl-C ends it\.$")
        done = act(address, **{"as": "U0RITA", "do": "command", "text": "/backup-plan help", "channel": "C0OPS"})
        assert (done["ok"], done["acked"]) == (True, True)
        demo.send_signal(number)
        assert demo.communicate(timeout=SECONDS) == ("", "")
        assert demo.returncode == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_port_that_is_taken_is_told_of_only_if_it_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "demo", "--port", str(port)) as demo:
            said, problems = demo.communicate(timeout=SECONDS)
    assert (demo.returncode, problems) == (2, "")
    assert said == f"Nothing can listen on 127.0.0.1, port {port}: Address already in use.\n"


def test_a_bot_that_is_started_by_hand_plays_in_a_playground_that_started_none(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "--attach") as demo:
        printed, address = read_until(demo, r"The playground is at (http://127\.0\.0\.1:\d+/)")
        told = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
        help_me = {"as": "U0RITA", "do": "command", "text": "/backup-plan help", "channel": "C0OPS"}
        assert act(address, **help_me)["acked"] is False
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **told}
        serve = [sys.executable, "-m", "bot", "serve"]
        with subprocess.Popen(serve, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as bot:  # noqa: S603
            try:
                wait_for(f"http://127.0.0.1:{told['PORT']}/healthz")
                assert act(address, **help_me)["acked"] is True
            finally:
                bot.terminate()
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=SECONDS)
        assert demo.returncode == 0


def wait_for(address: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(address):  # noqa: S310 - loopback
                return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_the_script_has_a_bot_of_its_own(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "--script", "--attach") as demo:
        _, problems = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 2
    assert "--script plays with a bot of its own" in problems
