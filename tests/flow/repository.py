"""A developer's repository: real git, committing and pushing to an app's own bare repository."""

import os
import subprocess
from pathlib import Path

DOCKERFILE = "FROM python:3.11-slim\nCOPY . /app\nCMD python /app/main.py\n"
_WHO = {
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.org",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def commit(self, message: str, **files: str) -> str:
        """File names have `__` for a dot: main__py."""
        for name, text in (
            {"Dockerfile": DOCKERFILE} | {key.replace("__", "."): v for key, v in files.items()}
        ).items():
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, bare: Path, *refspecs: str) -> None:
        self.git("push", "--quiet", str(bare), *(refspecs or ("main",)))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=os.environ | _WHO, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()
