"""`slipyard credentials list|add|renew|test|remove`: secrets for git hosts."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed, WrongUsage
from slipyard.cli.options import Json
from slipyard.cli.output import ago, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="List, add, test and remove credentials for git hosts.")
Name = Annotated[str, typer.Argument(help="Name or id of the credential.")]


@app.command("list")
def list_credentials(*, as_json: Json = False) -> None:
    """List credentials; their secrets are never shown."""
    found = connect().get("/git-credentials")
    if as_json:
        print_json(found)
    elif not found["git_credentials"]:
        print("No git credentials. Add one with `slipyard credentials add NAME --host github.com`.")
    else:
        print_table(("NAME", "KIND", "HOST", "USER", "USED", "ID"), map(_row, found["git_credentials"]))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    *,
    host: Annotated[str, typer.Option("--host", help="github.com, or git.example.com:8443; it is sent nowhere else.")],
    user: Annotated[str | None, typer.Option("--user", help="With a password: whose it is.")] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", help="@FILE, or - for standard input; else it asks.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="File of a private key for ssh, without passphrase.")
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Make a key for ssh; prints its public half.")] = False,
    known_hosts: Annotated[Path | None, typer.Option("--known-hosts", help="File with the host's own keys.")] = None,
    as_json: Json = False,
) -> None:
    """Add a token (the default), a name and a password (--user), or a key for ssh (--key, --generate)."""
    body: dict[str, Any] = {"name": name, "host": host}
    if generate or key is not None:
        body |= {"generate": True} if key is None else {"private_key": _file(key)}
        body |= {"username": user} if user else {}
        body |= {"known_hosts": _file(known_hosts)} if known_hosts else {}
    elif user is not None:
        body |= {"username": user, "password": _secret(secret, "Password: ")}
    else:
        body |= {"token": _secret(secret, "Token: ")}
    made = connect().post("/git-credentials", body)
    if as_json:
        print_json(made)
        return
    print(
        f"Stored {made['name']} for {made['host']} ({made['kind']}). Use it with `slipyard apps create --credential`."
    )
    if generate:
        print(f"Give the host this public key, with leave to read:\n{made['public_key']} slipyard-{made['name']}")


@app.command()
def renew(
    name: Name,
    *,
    secret: Annotated[str | None, typer.Option("--secret", help="@FILE, or - for standard input.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="With a password: whose it is now.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="File of another private key for ssh.")] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Make another key; prints its public half.")] = False,
    known_hosts: Annotated[Path | None, typer.Option("--known-hosts", help="File with the host's keys of now.")] = None,
    as_json: Json = False,
) -> None:
    """Give a credential another secret of its kind, or the new keys of its host; apps go on using it."""
    client = connect()
    path = f"/git-credentials/{segment(name)}"
    body: dict[str, Any] = {"known_hosts": _file(known_hosts)} if known_hosts else {}
    if generate or key is not None:
        body |= {"generate": True} if key is None else {"private_key": _file(key)}
    elif secret is not None or not body:
        kind = client.get(path)["kind"]
        body |= {"password" if kind == "basic" else "token": _secret(secret, "New secret: ")}
    changed = client.patch(path, body | ({"username": user} if user else {}))
    if as_json:
        print_json(changed)
        return
    print(f"Renewed {changed['name']} for {changed['host']}.")
    if generate:
        print(f"Give the host this public key, with leave to read:\n{changed['public_key']} slipyard-{changed['name']}")


@app.command("test")
def try_repository(
    name: Name,
    repo_url: Annotated[str, typer.Argument(help="https or ssh URL of a repository.")],
    *,
    as_json: Json = False,
) -> None:
    """Ask the host whether a credential may read a repository: exit code 0 where it may, 1 where not."""
    tried = connect().post(f"/git-credentials/{segment(name)}/test", {"repo_url": repo_url})
    if as_json:
        print_json(tried)
    elif tried["success"]:
        print(tried["message"])
    if not tried["success"]:
        raise Failed(tried["message"], code="no_git_access")


@app.command()
def remove(name: Name, *, as_json: Json = False) -> None:
    """Remove a credential; refused while an app uses it."""
    done = connect().delete(f"/git-credentials/{segment(name)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return row["name"], row["kind"], row["host"], row["username"], ago(row["used_at"]), row["id"]


def _secret(given: str | None, prompt: str) -> str:
    """Never as an argument, which everybody on the machine could read."""
    if given == "-":
        return sys.stdin.read().strip("\r\n")
    if given is not None and given.startswith("@"):
        return _file(Path(given[1:])).strip("\r\n")
    if given is not None:
        raise WrongUsage(
            "A secret does not stand in a command: use --secret @FILE or --secret -, or leave it out to be asked."
        )
    if not sys.stdin.isatty():
        raise WrongUsage("Nobody is there to type the secret. Hand it over with --secret - or --secret @FILE.")
    return getpass.getpass(prompt)


def _file(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read as text: {error}.") from None
