"""Stops one process right before its first ConfigureBackupPlan: put this folder on its PYTHONPATH.

Between what is written down and the call nothing is waited for, so nobody outside can stop it there.
"""

import os
import signal
from typing import Any

from bot.alibaba.dbs import DbsClient

_configure = DbsClient.configure


async def _stop_and_configure(self: DbsClient, *args: Any, **kwargs: Any) -> str:
    DbsClient.configure = _configure  # type: ignore[method-assign]
    os.kill(os.getpid(), signal.SIGSTOP)
    return await self.configure(*args, **kwargs)


DbsClient.configure = _stop_and_configure  # type: ignore[method-assign]
