"""Node apps: package.json. Also pages that a bundler makes, which are then served as files."""

import json
import re
from dataclasses import dataclass
from typing import Any

from slipyard.builder.languages.recipe import Recipe, Wishes, arguments, as_user, dockerfile, run, start
from slipyard.builder.languages.static_site import serve_files
from slipyard.builder.source_tree import SourceTree
from slipyard.domain.errors import SourceRefused

DEFAULT = 20
_MAJOR = re.compile(r"(?P<sign>>=|>|\^|~|=|v)?\s*(?P<major>[0-9]{1,2})(?:[.\s<|x].*)?")
_PLAIN_NODE = re.compile(r"node\s[^;&|<>()`$\n]+")
_BUNDLERS = {"vite": "dist", "react-scripts": "build", "@vue/cli-service": "dist", "parcel": "dist", "astro": "dist"}


@dataclass(frozen=True)
class _Manager:
    """How packages are installed: the files that decide it, all of them, and those that run in production."""

    name: str
    files: str
    install: str
    install_production: str
    prune: str
    cache: str


def recognise(tree: SourceTree, wishes: Wishes) -> Recipe | None:
    """None where there is no package.json. `SourceRefused` where nothing says how the app starts."""
    if not tree.has("package.json"):
        return None
    package = _package(tree)
    version, why = _version(tree, package)
    manager = _manager(tree)
    told = ("package.json makes it a Node app.", why, f"Packages are installed by {manager.name}.")
    build = wishes.build_command or (f"{manager.name} run build" if "build" in _scripts(package) else None)
    folder = _bundled_folder(package, wishes, build)
    if folder is not None:
        text = dockerfile(_all_packages(version, manager, wishes, build), serve_files(f"--from=build /app/{folder}"))
        return Recipe(f"static site, built by node {version}", text, (*told, f"{folder}/ is served as files."))
    command, how = _start(tree, package, wishes)
    return Recipe(f"node {version}", _program(version, manager, wishes, build, command), (*told, how))


def _program(version: int, manager: _Manager, wishes: Wishes, build: str | None, command: str) -> str:
    """Packages for development only where something is built, and never in the image that runs."""
    head = [f"FROM node:{version}-slim", "ENV NODE_ENV=production", *as_user(), "WORKDIR /app"]
    if build is None:
        install = run(manager.install_production, caches=[manager.cache], secrets=wishes.secrets)
        return dockerfile(
            [*head, *arguments(wishes)],
            [f"COPY {manager.files} ./", install, "COPY --chown=app:app . ."],
            start(command),
        )
    prune = run(manager.prune, caches=[manager.cache])
    build_stage = [*_all_packages(version, manager, wishes, build), prune]
    return dockerfile(build_stage, [*head, "COPY --from=build --chown=app:app /app ./"], start(command))


def _all_packages(version: int, manager: _Manager, wishes: Wishes, build: str | None) -> list[str]:
    return [
        f"FROM node:{version}-slim AS build",
        "WORKDIR /app",
        *arguments(wishes),
        f"COPY {manager.files} ./",
        run(manager.install, caches=[manager.cache], secrets=wishes.secrets),
        "COPY . .",
        *([run(build, secrets=wishes.secrets)] if build else []),
    ]


def _manager(tree: SourceTree) -> _Manager:
    if tree.has("pnpm-lock.yaml"):
        install = "corepack enable && pnpm install --frozen-lockfile"
        return _Manager(
            "pnpm",
            "package.json pnpm-lock.yaml",
            install,
            f"{install} --prod",
            "pnpm prune --prod",
            "/root/.local/share/pnpm/store",
        )
    if tree.has("yarn.lock"):
        install = "corepack enable && yarn install --frozen-lockfile"
        prune = "yarn install --frozen-lockfile --production --ignore-scripts"
        return _Manager(
            "yarn", "package.json yarn.lock", install, f"{install} --production", prune, "/usr/local/share/.cache/yarn"
        )
    lock = tree.first_of("package-lock.json", "npm-shrinkwrap.json")
    files, verb = ("package.json", "npm install") if lock is None else (f"package.json {lock}", "npm ci")
    return _Manager("npm", files, verb, f"{verb} --omit=dev", "npm prune --omit=dev", "/root/.npm")


def _start(tree: SourceTree, package: dict[str, Any], wishes: Wishes) -> tuple[str, str]:
    if wishes.start_command:
        return wishes.start_command, "The start command is the one given."
    scripts = _scripts(package)
    command = scripts.get("start", "")
    if command:
        hooked = scripts.keys() & {"prestart", "poststart"}
        # npm does not pass signals on; a plain node command needs no npm in between
        plain = _PLAIN_NODE.fullmatch(command.strip()) and not hooked
        return (command.strip() if plain else "npm start"), "It starts by the script 'start' of package.json."
    main = package.get("main")
    script = (
        main
        if isinstance(main, str) and tree.has(main)
        else tree.first_of("server.js", "index.js", "app.js", "main.js")
    )
    if script is None or any(sign in script for sign in " ;&|<>()`$'\"\n"):
        raise SourceRefused(
            "This is a Node app, but nothing says how it starts. Looked for a Procfile, the script 'start' and 'main' in "
            "package.json, server.js, index.js, app.js and main.js. Add a start script, a Procfile, set start_command, or "
            "add a Dockerfile."
        )
    return f"node {script}", f"It starts with 'node {script}', as found in the source."


def _bundled_folder(package: dict[str, Any], wishes: Wishes, build: str | None) -> str | None:
    """Where a bundler puts the pages, for an app that starts nothing by itself."""
    if wishes.start_command or build is None or "start" in _scripts(package).keys() - _bundler_start(package):
        return None
    needed = {**_object(package, "dependencies"), **_object(package, "devDependencies")}
    return next((folder for bundler, folder in _BUNDLERS.items() if bundler in needed), None)


def _bundler_start(package: dict[str, Any]) -> set[str]:
    """A start script that only runs the bundler's development server starts no app."""
    command = _scripts(package).get("start", "")
    return (
        {"start"}
        if re.match(r"(?:vite|react-scripts start|vue-cli-service serve|parcel|astro (?:dev|preview))\b", command)
        else set()
    )


def _version(tree: SourceTree, package: dict[str, Any]) -> tuple[int, str]:
    asked = str(_object(package, "engines").get("node", ""))
    for text, where in (
        (asked, "engines in package.json"),
        (tree.text(".nvmrc"), ".nvmrc"),
        (tree.text(".node-version"), ".node-version"),
    ):
        found = _MAJOR.fullmatch(text.strip())
        if found:
            major = int(found["major"])
            open_ended = found["sign"] in {">=", ">"}
            return max(major, DEFAULT) if open_ended else major, f"{where} asks for Node {text.strip()}."
    return DEFAULT, f"Nothing asks for a version of Node, so it is {DEFAULT}."


def _package(tree: SourceTree) -> dict[str, Any]:
    try:
        package = json.loads(tree.text("package.json"))
    except ValueError as error:
        raise SourceRefused(f"package.json cannot be read: {error}.") from error
    if not isinstance(package, dict):
        raise SourceRefused("package.json is not an object. Write one with npm init.")
    return package


def _scripts(package: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in _object(package, "scripts").items() if isinstance(value, str)}


def _object(package: dict[str, Any], name: str) -> dict[str, Any]:
    value = package.get(name)
    return value if isinstance(value, dict) else {}
