"""An image that somebody says was pushed, as far as the words are those of a registry."""

from slipyard.domain.announcement import ImagePushed
from slipyard.domain.errors import SlipyardError, UserError
from slipyard.domain.image_reference import ImageReference, parse_image_reference


def checked_image(host: str, repository: str, tag: str, digest: str = "") -> ImagePushed:
    """`host` empty: the repository names it. `UserError` for what no registry would take."""
    named = f"{host}/{repository}" if host else repository
    try:
        found = parse_image_reference(named + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""))
    except SlipyardError as error:
        raise UserError(f"This delivery names no image as a registry does: {error.message}") from error
    return pushed(found)


def pushed(image: ImageReference) -> ImagePushed:
    return ImagePushed(image.repository, image.tag or "latest", image.digest)
