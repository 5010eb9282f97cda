"""The frame of every page. A strict policy: no script at all, and one style whose hash the policy names."""

import base64
import hashlib
from html import escape

from fastapi.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #d9e0e7; --paper: #fbfcfd; --accent: #0b5cab;
  --good: #1a7f45; --bad: #b3261e; --busy: #8a6100 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa9b8; --line: #2c3844; --paper: #12181e;
  --accent: #78b4f0; --good: #5ec98a; --bad: #ff8a80; --busy: #e3b341 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--paper) }
h1 { font-size: 1.4rem; margin: 0 0 1.25rem } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
a { color: var(--accent) } p { margin: .5rem 0; color: var(--soft) }
code, pre { font: .9em/1.5 ui-monospace, monospace } pre { overflow-x: auto; padding: .75rem 1rem; margin: .5rem 0;
  border: 1px solid var(--line); border-radius: 6px }
ul.apps { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }
ul.apps li { padding: .75rem 0; border-bottom: 1px solid var(--line) }
ul.apps strong { margin-right: .5rem } .message { display: block; color: var(--soft); overflow-wrap: anywhere }
.running { color: var(--good) } .failed, .degraded { color: var(--bad) }
.creating, .building, .deploying, .starting, .restarting, .stopping, .deleting { color: var(--busy) }
table { width: 100%; border-collapse: collapse } td { padding: .35rem .5rem .35rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere } td:first-child { white-space: nowrap }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """`body` is HTML whose every text went through `escape`."""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(html, status, HEADERS)
