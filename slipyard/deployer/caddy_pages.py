"""What a visitor reads where no app answers."""

from typing import Any

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32em;padding:0 1em}}"
    "</style><h1>{title}</h1><p>{text}</p></html>\n"
)

NO_APP = _PAGE.format(title="No app at this address", text="Check the name, or ask whoever gave it to you.")
STOPPED = _PAGE.format(title="This app is stopped", text="Start it again to see it here.")
REPLACING = _PAGE.format(title="A new version is starting", text="Try again in a moment.")
WAKING = _PAGE.format(title="This app is waking up", text="It slept. Try again in a moment.")
MESSAGE = "{message}"
MAINTENANCE = _PAGE.format(title="We are working on it", text=f"This app will be back soon. {MESSAGE}")
NOT_DEPLOYED = _PAGE.format(title="Nothing deployed yet", text="This app exists; its first deployment will show here.")
FORBIDDEN = _PAGE.format(
    title="Not from here", text="This address is open to some networks only, and yours is none of them."
)


def page(status: int, text: str) -> dict[str, Any]:
    """A handler that answers with it."""
    headers = {"Content-Type": ["text/html; charset=utf-8"], "Cache-Control": ["no-store"]}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}
