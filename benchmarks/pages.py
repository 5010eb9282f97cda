"""An app whose every start has another page, so that a client sees who answers."""

import asyncio
import time

from benchmarks.straight_line import LOOK_SECONDS, answer_of

SERVES = """FROM busybox
STOPSIGNAL SIGKILL
COPY index.html /www/text
CMD echo "$(cat /www/text) $(cat /proc/sys/kernel/random/uuid)" > /www/index.html; exec httpd -f -p $PORT -h /www
"""
"""A page is its text and a number that the kernel makes up."""


async def page_of(host: str, port: int, name: str = "") -> str:
    """Empty where nobody answers with 200."""
    head, _, page = (await answer_of(host, port, name)).partition("\r\n\r\n")
    return page if " 200 " in head.partition("\r\n")[0] else ""


async def first_other(host: str, port: int, name: str, before: str, text: str = "") -> float:
    """When a page was there that is another one than `before` and begins with `text`, by `time.perf_counter`."""
    while True:
        page = await page_of(host, port, name)
        if page.startswith(text) and page not in {"", before}:
            return time.perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
