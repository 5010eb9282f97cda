"""Where the running Slipyard answers: written by `up`, read by commands started with other environment variables."""

from pathlib import Path


def publish_url(run_directory: Path, url: str) -> None:
    draft = run_directory / "url.tmp"
    draft.write_text(url)
    draft.replace(run_directory / "url")


def published_url(run_directory: Path) -> str | None:
    try:
        return (run_directory / "url").read_text().strip() or None
    except OSError:
        return None
