"""An app sleeps, and whoever asks for it then waits and is answered: all of them by one start, whatever they send."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from threading import Thread

import docker
import httpx

from tests.engine.lasting_connections import echoed, open_websocket
from tests.engine.rollout_app import CHECK, DOCKERFILE, SERVER
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

VISITORS = 300
PATIENCE_SECONDS = 90
BODY = b"x" * 100_000
# 300 visitors go on to it in the same moment, and it says how much each of them posted.
READS = 'self.rfile.read(int(self.headers.get("Content-Length", 0)))'
PATIENT = (
    SERVER.replace("ThreadingHTTPServer((", "ThreadingHTTPServer.request_queue_size = 512\nThreadingHTTPServer((")
    .replace(READS, f"posted = len({READS})")
    .replace(
        'self.send_header("Content-Length"',
        'self.send_header("Posted", str(posted))\n        self.send_header("Content-Length"',
    )
)


def address(app: WholeApp) -> str:
    return f"http://127.0.0.1:{app.slipyard.http_port}"


def host(app: WholeApp) -> dict[str, str]:
    return {"Host": f"{app.slug}.localhost"}


def go_live(app: WholeApp) -> None:
    app.create(health_check=CHECK)
    app.repository.commit("server", Dockerfile=DOCKERFILE, server__py=PATIENT)
    app.slipyard.git_push(app.repository.path, app.slug)


def put_to_sleep(app: WholeApp) -> None:
    assert "falls asleep" in app.slipyard.slipyard("sleep", app.slug)
    wait_until(lambda: [each["State"] for each in app.all_containers()] == ["paused"])
    assert (app.get()["status"], app.get()["is_scaled_to_zero"]) == ("sleeping", True)


async def visit(app: WholeApp) -> Counter[tuple[int, str | None]]:
    """Status and how much the app was posted, counted. Every third visitor posts, a piece at a time."""

    async def body() -> AsyncIterator[bytes]:
        for begin in range(0, len(BODY), 20_000):
            yield BODY[begin : begin + 20_000]

    async def one(number: int) -> tuple[int, str | None]:
        posting = {"content": body(), "headers": {"Content-Length": str(len(BODY))}} if number % 3 == 0 else {}
        answer = await client.request("POST" if posting else "GET", "/", **posting)
        return answer.status_code, answer.headers.get("Posted")

    limits = httpx.Limits(max_connections=None)
    told = {"base_url": address(app), "headers": host(app), "timeout": PATIENCE_SECONDS}
    async with httpx.AsyncClient(limits=limits, **told) as client:
        return Counter(await asyncio.gather(*(one(number) for number in range(VISITORS))))


def hear_an_event(app: WholeApp, heard: list[str]) -> None:
    with httpx.stream("GET", f"{address(app)}/events", headers=host(app), timeout=PATIENCE_SECONDS) as answer:
        heard.append(next(line for line in answer.iter_lines() if line))


def echo_a_line(app: WholeApp, heard: list[str]) -> None:
    with open_websocket(app) as connection:
        heard.append(echoed(connection).decode())


def stop_containers(app: WholeApp) -> None:
    """As the machine does when it goes down."""
    with closing(docker.from_env()) as engine:
        for each in app.all_containers():
            engine.api.kill(each["Id"])
    wait_until(lambda: [each["State"] for each in app.all_containers()] == ["exited"])


def test_whoever_asks_for_what_sleeps_is_answered_and_all_of_them_by_one_wake(whole_app: WholeApp) -> None:
    go_live(whole_app)
    containers = whole_app.container_ids()
    put_to_sleep(whole_app)

    heard: list[str] = []
    lasting = [Thread(target=each, args=(whole_app, heard)) for each in (hear_an_event, echo_a_line)]
    for thread in lasting:
        thread.start()
    answers = asyncio.run(visit(whole_app))
    for thread in lasting:
        thread.join()

    posted = VISITORS // 3
    assert answers == {(httpx.codes.OK, "0"): VISITORS - posted, (httpx.codes.OK, str(len(BODY))): posted}
    assert sorted(heard) == ["data: release 0", "release 0: hello\n"]
    assert whole_app.container_ids() == containers
    kinds = [event["kind"] for event in whole_app.get("/events?limit=100")["events"]]
    assert kinds.count("app.woke") == 1
    assert {"instance.healed", "instance.resting", "app.wake_failed"}.isdisjoint(kinds)

    put_to_sleep(whole_app)
    stop_containers(whole_app)
    assert whole_app.text() == "release 0"
    wait_until(lambda: whole_app.get()["status"] == "running")
    assert whole_app.container_ids() == containers
