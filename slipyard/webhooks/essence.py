"""What a large delivery says, in our words: stored in the place of its body, and read again like any other."""

from pydantic import TypeAdapter, ValidationError

from slipyard.domain.announcement import Announcement
from slipyard.domain.errors import UserError

# Stands among the stored headers, where no sender's header of another name than the provider's ever comes.
MARK = "slipyard-essence"
_ANNOUNCEMENT = TypeAdapter(Announcement)


def written_essence(said: Announcement) -> bytes:
    return _ANNOUNCEMENT.dump_json(said)


def read_essence(body: bytes) -> Announcement:
    """`UserError` where retention took it, or another version wrote it."""
    try:
        return _ANNOUNCEMENT.validate_json(body)
    except ValidationError as error:
        raise UserError("What this delivery said is not kept any more. Send it again from the provider.") from error
