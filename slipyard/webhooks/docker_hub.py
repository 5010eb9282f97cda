"""Docker Hub proves nothing about itself: its address is the secret. Its `callback_url` is the sender's, and is never called."""

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.payload import Payload, text_at
from slipyard.webhooks.proof import PATH_SECRET, Token
from slipyard.webhooks.provider import Provider
from slipyard.webhooks.pushed_image import checked_image


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    repository = text_at(payload, "repository", "repo_name")
    image = checked_image("docker.io", repository, text_at(payload, "push_data", "tag"))
    return Announcement(
        Kind.IMAGE, event, text_at(payload, "push_data", "pusher"), repository=repository, images=(image,)
    )


DOCKER_HUB = Provider(
    name="dockerhub",
    proofs={"none": Token(PATH_SECRET)},
    read=announcement_of,
    choose="nothing: pushes are all it tells",
)
