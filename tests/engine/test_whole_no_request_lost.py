"""Requests go on while releases change; addresses never answer for somebody else."""

import threading
from pathlib import Path
from typing import Self

import httpx

from tests.engine.installation import Installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

CLIENTS = 4
DEPLOYS = 5


class Load:
    """Clients that ask without a pause, each on its own connections, and write down what was no answer of the app."""

    def __init__(self, app: WholeApp) -> None:
        self.answered, self.lost, self.texts = 0, [], set()
        self._app = app
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        url = f"http://127.0.0.1:{self._app.slipyard.http_port}/"
        with httpx.Client(headers={"Host": f"{self._app.slug}.localhost"}, timeout=30) as client:
            while not self._over.is_set():
                try:
                    answer = client.get(url)
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    continue
                self.answered += 1
                self.texts.add(answer.text)
                if answer.status_code != 200:
                    self.lost.append(f"{answer.status_code}: {answer.text[:80]}")


def test_deploys_under_load_lose_no_request(whole_app: WholeApp) -> None:
    whole_app.push("release 0")

    with Load(whole_app) as load:
        for number in range(1, DEPLOYS + 1):
            whole_app.push(f"release {number}")

    assert load.lost == []
    assert load.answered > DEPLOYS * CLIENTS
    assert load.texts == {f"release {number}" for number in range(DEPLOYS + 1)}


def test_a_stopped_app_never_answers_with_another_ones_content(slipyard: Installation, tmp_path: Path) -> None:
    first = new_app(slipyard, Repository(tmp_path / "first"))
    first.push("first")
    seen: set[str] = set()

    slipyard.slipyard("stop", first.slug)
    for number in range(3):
        other = new_app(slipyard, Repository(tmp_path / f"other-{number}"))
        other.push("somebody else")
        seen.add(slipyard.answer(first.slug).text)
        other.delete()
    seen.add(slipyard.answer(first.slug).text)

    assert slipyard.answer(first.slug).status_code == 503
    assert not any("somebody else" in text for text in seen)
    first.delete()
    wait_until(lambda: slipyard.answer(first.slug).status_code == 404)
