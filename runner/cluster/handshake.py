"""Does a Dask scheduler answer at an address? Asked before Dask's client, which has no time limit.

What listens there need not be a scheduler: Dask's dashboard has a port of its own, and another
program may wait to be spoken to, or answer anything.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, wait

_DASHBOARD = "a dashboard has a port of its own"


def require_handshake(address: str, timeout_s: float) -> None:
    """Connect as Dask's client does, exchange greetings, and close.

    Raises
    ------
    OSError
        If there is no greeting of Dask in time; TypeError if a certificate to show is missing.
    """
    done: Future[None] = Future()

    def greet() -> None:
        try:
            done.set_result(asyncio.run(_greet(address, timeout_s)))
        except BaseException as error:
            done.set_exception(error)

    # The caller's thread may have a loop that runs, as in a notebook; and nothing waits for a
    # thread that is left behind when the caller is interrupted.
    threading.Thread(target=greet, name="greeting", daemon=True).start()
    # Python notices an interrupt that comes right before a wait when that has ended, not in it.
    while not wait([done], timeout=0.5).done:
        pass
    done.result()


async def _greet(address: str, timeout_s: float) -> None:
    from distributed.comm.core import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    try:
        async with asyncio.timeout(timeout_s):
            comm = await connect(address, timeout=timeout_s, **arguments)
    except TimeoutError:
        message = f"Timed out after {timeout_s:g} s without a greeting; {_DASHBOARD}"
        raise TimeoutError(message) from None
    except (OSError, TypeError, ValueError):  # of the address and of TLS; ValueError: no such host
        raise
    except Exception:  # whatever reading another protocol leads to
        raise OSError(f"what listens there is no scheduler; {_DASHBOARD}") from None
    await comm.close()
