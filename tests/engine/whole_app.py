"""An app of a whole installation, as its developer sees it: pushes, answers, history, and what of it runs in the engine."""

import secrets
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import docker
import httpx

from tests.engine.installation import OVER, Installation
from tests.engine.waiting import wait_until
from tests.flow.repository import Repository

# busybox's httpd ignores SIGTERM as process 1; the drain has ended its requests before.
SERVES = "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\nCMD exec httpd -f -p $PORT -h /www\n"


@dataclass(frozen=True)
class WholeApp:
    slipyard: Installation
    slug: str
    repository: Repository

    def create(self, **body: Any) -> dict[str, Any]:
        with self.slipyard.client() as client:
            answer = client.post("/apps", json={"name": self.slug, "slug": self.slug, **body})
        return answer.raise_for_status().json()

    def commit(self, text: str, dockerfile: str = SERVES) -> str:
        return self.repository.commit(text, Dockerfile=dockerfile, index__html=text)

    def push(self, text: str, dockerfile: str = SERVES, *, options: tuple[str, ...] = ()) -> str:
        """Returns when it is over, as a push does, with what the developer reads."""
        self.commit(text, dockerfile)
        return self.slipyard.git_push(self.repository.path, self.slug, *options, "main")

    def push_detached(self, text: str, dockerfile: str = SERVES) -> dict[str, Any]:
        """Returns when it is accepted, with its deployment."""
        self.push(text, dockerfile, options=("--push-option", "detach"))
        return self.deployments()[0]

    def post(self, path: str, **options: Any) -> httpx.Response:
        with self.slipyard.client() as client:
            return client.post(f"/apps/{self.slug}/{path}", timeout=120, **options)

    def get(self, path: str = "") -> dict[str, Any]:
        with self.slipyard.client() as client:
            return client.get(f"/apps/{self.slug}{path}").raise_for_status().json()

    def text(self) -> str:
        return self.slipyard.answer(self.slug).raise_for_status().text

    def deployments(self) -> list[dict[str, Any]]:
        """Newest first."""
        return self.get("/deployments?limit=100")["deployments"]

    def builds(self) -> list[dict[str, Any]]:
        return self.get("/builds?limit=100")["builds"]

    def wait_over(self, deployment: dict[str, Any]) -> dict[str, Any]:
        return self.slipyard.wait_over(self.slug, deployment["id"])

    def wait_status(self, deployment: dict[str, Any], *statuses: str) -> dict[str, Any]:
        """Fails at once where it ended in another status."""

        def reached() -> dict[str, Any] | None:
            row = self.slipyard.deployment(self.slug, deployment["id"])
            assert row["status"] in statuses or row["status"] not in OVER, row
            return row if row["status"] in statuses else None

        return wait_until(reached)

    def wait_settled(self) -> list[dict[str, Any]]:
        """All deployments, once each is over and nothing but one instance of the active one runs in the engine."""
        wait_until(lambda: all(row["status"] in OVER for row in self.deployments()))
        rows = self.deployments()
        active = [row["id"] for row in rows if row["status"] == "active"]
        wait_until(lambda: [each["deployment_id"] for each in self.instances("running")] == active)
        names = [each["id"] for each in self.instances("running")]
        wait_until(lambda: [label["slipyard.instance"] for label in self.container_labels()] == names)
        return rows

    def instances(self, *phases: str) -> list[dict[str, Any]]:
        return [row for row in self.get("/instances")["instances"] if row["phase"] in phases]

    def wait_paused(self) -> list[str]:
        """The instances that were set aside, once all of them are paused."""
        wait_until(lambda: self.instances("paused") and not self.instances("draining"))
        return [row["id"] for row in self.instances("paused")]

    def container_labels(self) -> list[dict[str, str]]:
        return [each["Labels"] for each in self._containers()]

    def container_ids(self) -> list[str]:
        return [each["Id"] for each in self._containers()]

    def addresses(self) -> set[str]:
        """Of its containers on its network."""
        networks = [each["NetworkSettings"]["Networks"].values() for each in self._containers()]
        return {network["IPAddress"] for each in networks for network in each}

    def remove_containers(self) -> None:
        """As somebody would who does not know whose they are."""
        with closing(docker.from_env()) as engine:
            for container in self.container_ids():
                engine.api.remove_container(container, force=True)

    def remove_image(self, image_id: str) -> None:
        with closing(docker.from_env()) as engine:
            engine.api.remove_image(image_id, force=True)

    def _containers(self) -> list[dict[str, Any]]:
        """Every container of the app, running or not, as the engine lists them; not those that are kept paused."""
        return [each for each in self.all_containers() if each["State"] != "paused"]

    def all_containers(self) -> list[dict[str, Any]]:
        app_id = self.get()["id"]
        with closing(docker.from_env()) as engine:
            return list(engine.api.containers(all=True, filters={"label": f"slipyard.app={app_id}"}))

    def delete(self) -> None:
        with self.slipyard.client() as client:
            client.delete(f"/apps/{self.slug}")


def new_app(slipyard: Installation, repository: Repository, word: str = "app") -> WholeApp:
    return WholeApp(slipyard, f"{word}-{secrets.token_hex(3)}", repository)
