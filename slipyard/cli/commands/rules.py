"""`slipyard rules ...`: what the router does before an app is asked."""

from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, print_fields, print_json
from slipyard.cli.secret_option import read_secret
from slipyard.cli.versioned import Versioned
from slipyard.domain.byte_size import bytes_in
from slipyard.domain.duration import seconds_in

app = typer.Typer(no_args_is_help=True, help="Who may come in, how much, and what is changed on the way to an app.")
Incoming = Annotated[bool, typer.Option("--request", help="Of requests instead of answers.")]
Rules = dict[str, Any]


@app.command()
def show(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show the rules. Passwords are fingerprints."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    else:
        print_fields(_fields(found["rules"]))


@app.command(epilog="Example: slipyard rules set --allow 192.0.2.0/24 --max-body 10m --answer-within 30s -a shop")
def set(  # noqa: A001 - the name of the command
    *,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="A network that may come in; repeat it.")] = None,
    allow_all: Annotated[bool, typer.Option("--allow-all", help="Everybody may come in.")] = False,
    max_body: Annotated[str | None, typer.Option("--max-body", help="Of a request: 10m, or none.")] = None,
    answer_within: Annotated[str | None, typer.Option("--answer-within", help="Until it begins: 30s, or none.")] = None,
    silence: Annotated[str | None, typer.Option("--silence", help="In which nothing comes: 5m, or none.")] = None,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Set who may come in, how large a request may be, and how long an answer may take."""

    def change(held: Rules) -> Rules:
        given: Rules = {}
        if allow or allow_all:
            given["allow"] = [] if allow_all else allow
        if max_body is not None:
            given["max_body_bytes"] = _unless_none(max_body, bytes_in)
        waits = {"answer_seconds": answer_within, "silence_seconds": silence}
        said = {name: _unless_none(text, seconds_in) for name, text in waits.items() if text is not None}
        return given | ({"timeouts": held["timeouts"] | said} if said else {})

    _change(app_name, change, as_json=as_json)


@app.command(epilog="Example: slipyard rules header X-Frame-Options DENY -a shop")
def header(
    name: str,
    value: Annotated[str | None, typer.Argument(help="What it says.")] = None,
    *,
    request: Incoming = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out of what passes.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Have no rule for it any more.")] = False,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Set a header of every answer, or with --request of every request; or take it out."""
    if [value is not None, remove, forget].count(True) != 1:
        raise WrongUsage("Say what the header becomes: a value, --remove, or --forget.")
    part = "request_headers" if request else "response_headers"

    def change(held: Rules) -> Rules:
        rules = held[part]
        kept = {key: text for key, text in rules["set"].items() if key.lower() != name.lower()}
        removed = [key for key in rules["remove"] if key.lower() != name.lower()]
        kept |= {} if value is None else {name: value}
        return {part: {"set": kept, "remove": [*removed, name] if remove else removed}}

    _change(app_name, change, as_json=as_json)


@app.command(epilog="Example: slipyard rules redirect '/blog/*' https://blog.example.com -a shop")
def redirect(
    source: Annotated[str, typer.Argument(metavar="FROM", help="/old, or /old/* for all below it.")],
    to: Annotated[str | None, typer.Argument(help="A path or a URL; left out: the redirect ends.")] = None,
    *,
    status: Annotated[int, typer.Option("--status")] = 308,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Send visitors of a path elsewhere."""

    def change(held: Rules) -> Rules:
        rest = [rule for rule in held["redirects"] if rule["from"] != source]
        return {"redirects": rest if to is None else [*rest, {"from": source, "to": to, "status": status}]}

    _change(app_name, change, as_json=as_json)


@app.command(epilog="Example: slipyard rules password ops -a shop, and it asks for it")
def password(
    username: str,
    *,
    file: Annotated[Path | None, typer.Option("--file", help="Holds the password.")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="This name may not come in any more.")] = False,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Ask visitors for a name and a password; only a hash of it is kept."""
    secret = "" if remove else read_secret(file, f"Password of {username}: ", from_stdin=stdin)

    def change(held: Rules) -> Rules:
        rest = [_kept(account) for account in held["basic_auth"] if account["username"] != username]
        return {"basic_auth": rest if remove else [*rest, {"username": username, "password": secret}]}

    _change(app_name, change, as_json=as_json)


def _change(app_name: str | None, change: Any, *, as_json: bool) -> None:
    """Read, changed and sent back as what was read, so that nobody else's change is lost."""
    rules = Versioned.read(connect(), _path(app_name))
    shown = rules.patch(change(rules.body["rules"]))
    if as_json:
        print_json(shown)
    else:
        print("The rules are in force.")


def _kept(account: Rules) -> Rules:
    return {"username": account["username"], "password_fingerprint": account["password_fingerprint"]}


def _unless_none(text: str, read: Any) -> Any:
    if text == "none":
        return None
    try:
        return read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/rules"


def _fields(rules: Rules) -> list[tuple[str, Cell]]:
    waits = rules["timeouts"]
    return [
        ("May come in", ", ".join(rules["allow"]) or "everybody"),
        ("Passwords", ", ".join(account["username"] for account in rules["basic_auth"]) or "none is asked for"),
        ("Largest request", f"{rules['max_body_bytes']} bytes" if rules["max_body_bytes"] else "any"),
        ("Answer within", f"{waits['answer_seconds']:g} s" if waits["answer_seconds"] else "any time"),
        ("Silence", f"{waits['silence_seconds']:g} s" if waits["silence_seconds"] else "any time"),
        *(("Redirect", f"{rule['from']} to {rule['to']} ({rule['status']})") for rule in rules["redirects"]),
        *(field for part in ("request", "response") for field in _headers(part, rules[f"{part}_headers"])),
    ]


def _headers(part: str, rules: Rules) -> list[tuple[str, Cell]]:
    where = "Of requests" if part == "request" else "Of answers"
    changed = [f"{name}: {value}" for name, value in rules["set"].items()]
    return [(where, text) for text in [*changed, *(f"without {name}" for name in rules["remove"])]]
