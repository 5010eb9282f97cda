"""Python apps: requirements.txt or pyproject.toml."""

import re
import shlex
import tomllib
from typing import Any

from slipyard.builder.languages.recipe import Recipe, Wishes, arguments, as_user, dockerfile, run, start
from slipyard.builder.source_tree import SourceTree
from slipyard.domain.errors import SourceRefused

DEFAULT = "3.11"
_VERSION = re.compile(r"(?:python-|cpython-)?3\.(?P<minor>[0-9]{1,2})(?:\.(?:[0-9]+|x))?\s*")
_REQUIRES = re.compile(r"(?P<sign>>=|==|~=|>)\s*3\.(?P<minor>[0-9]{1,2})")
_LOCAL = re.compile(r"(?:-r|-c|-e|--requirement|--constraint|--editable|\.|/|file:)|.*@\s*file:")
_CACHE = "/root/.cache/pip"
_MODULES = ("main", "app", "server", "wsgi", "asgi", "application")
_APPLICATION = re.compile(
    r"^(?:(?P<made>app|application|api|server)\s*(?::[^=\n]+)?=[^=]|(?:async\s+)?def\s+(?P<defined>app|application)\s*\()",
    re.MULTILINE,
)


def recognise(tree: SourceTree, wishes: Wishes) -> Recipe | None:
    """None where it is no Python app. `SourceRefused` where it is one, but nothing says how it starts."""
    source = tree.first_of("requirements.txt", "pyproject.toml")
    if source is None:
        return None
    version, why = _version(tree)
    command, how = _start(tree, wishes)
    text = dockerfile(
        [f"FROM python:{version}-slim"],
        [
            "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore"
        ],
        as_user(),
        ["WORKDIR /app", *arguments(wishes)],
        _install(tree, source, wishes),
        [run(wishes.build_command, secrets=wishes.secrets)] if wishes.build_command else [],
        start(command),
    )
    return Recipe(f"python {version}", text, (f"{source} makes it a Python app.", why, how))


def _install(tree: SourceTree, source: str, wishes: Wishes) -> list[str]:
    """What changes seldom comes first, so that a change of the code does not install everything anew."""
    copy = "COPY --chown=app:app . ."
    if source == "requirements.txt":
        command, alone = "pip install -r requirements.txt", _stands_alone(tree.text(source))
    else:
        command, alone = _project_install(_project(tree))
    install = run(command, caches=[_CACHE], secrets=wishes.secrets)
    return [f"COPY {source} ./", install, copy] if alone else [copy, install]


def _stands_alone(requirements: str) -> bool:
    return not any(_LOCAL.match(line.strip()) for line in requirements.splitlines())


def _project_install(project: dict[str, Any]) -> tuple[str, bool]:
    """A project that can be built is installed whole; one that only lists what it needs gets just that."""
    dependencies = project.get("project", {}).get("dependencies", [])
    if "build-system" in project or not dependencies:
        return "pip install .", False
    if not all(isinstance(entry, str) and entry.isprintable() for entry in dependencies):
        raise SourceRefused(
            "pyproject.toml lists dependencies that are no plain strings. Correct project.dependencies."
        )
    return "pip install " + " ".join(shlex.quote(entry) for entry in dependencies), True


def _version(tree: SourceTree) -> tuple[str, str]:
    for name in (".python-version", "runtime.txt"):
        lines = [line for line in tree.text(name).splitlines() if line.strip() and not line.startswith("#")]
        found = _VERSION.fullmatch(lines[0].strip()) if lines else None
        if found:
            return f"3.{found['minor']}", f"{name} asks for Python 3.{found['minor']}."
    return _version_of_project(tree)


def _version_of_project(tree: SourceTree) -> tuple[str, str]:
    requires = str(_project(tree).get("project", {}).get("requires-python", ""))
    found = _REQUIRES.search(requires)
    if found is None:
        return DEFAULT, f"Nothing asks for a version of Python, so it is {DEFAULT}."
    minor, usual = int(found["minor"]) + (found["sign"] == ">"), int(DEFAULT.partition(".")[2])
    wanted = max(minor, usual) if found["sign"] in {">=", ">"} else minor
    return f"3.{wanted}", f"pyproject.toml asks for Python {requires}."


def _project(tree: SourceTree) -> dict[str, Any]:
    try:
        return tomllib.loads(tree.text("pyproject.toml"))
    except tomllib.TOMLDecodeError as error:
        raise SourceRefused(f"pyproject.toml cannot be read: {error}.") from error


def _start(tree: SourceTree, wishes: Wishes) -> tuple[str, str]:
    if wishes.start_command:
        return wishes.start_command, "The start command is the one given."
    needs = f"{tree.text('requirements.txt')}\n{tree.text('pyproject.toml')}".lower()
    command = _django(tree, needs) or _framework(tree, needs) or _script(tree)
    if command is None:
        raise SourceRefused(
            "This is a Python app, but nothing says how it starts. Looked for a Procfile, manage.py, and an app in "
            f"{', '.join(f'{name}.py' for name in _MODULES)}. Add a Procfile with a line such as "
            "'web: gunicorn --bind 0.0.0.0:$PORT app:app', set start_command, or add a Dockerfile."
        )
    return command, f"It starts with '{command}', as found in the source."


def _django(tree: SourceTree, needs: str) -> str | None:
    settings = next((path for path in tree.paths() if path.endswith("/wsgi.py") and path.count("/") == 1), None)
    if not tree.has("manage.py") or settings is None:
        return None
    if "gunicorn" in needs:
        return f"gunicorn --bind 0.0.0.0:$PORT {settings.partition('/')[0]}.wsgi"
    return "python manage.py runserver --noreload 0.0.0.0:$PORT"


def _framework(tree: SourceTree, needs: str) -> str | None:
    for module in _MODULES:
        found = _APPLICATION.search(tree.text(f"{module}.py"))
        if found is None:
            continue
        target = f"{module}:{found['made'] or found['defined']}"
        if "uvicorn" in needs or "fastapi[standard]" in needs:
            return f"uvicorn --host 0.0.0.0 --port $PORT {target}"
        if "gunicorn" in needs:
            return f"gunicorn --bind 0.0.0.0:$PORT {target}"
        if "flask" in needs and "app.run(" not in tree.text(f"{module}.py"):
            return f"flask --app {target} run --host 0.0.0.0 --port $PORT"
    return None


def _script(tree: SourceTree) -> str | None:
    script = tree.first_of(*(f"{module}.py" for module in _MODULES))
    return f"python {script}" if script else None
