"""`slipyard templates`: what `slipyard apps create --template` can begin with."""

import typer

from slipyard.cli.client import connect
from slipyard.cli.options import Json
from slipyard.cli.output import print_json, print_table

app = typer.Typer()


@app.command()
def templates(*, as_json: Json = False) -> None:
    """List templates. For example:

    slipyard apps create shop --template python-postgresql
    """
    found = connect().get("/templates")
    if as_json:
        print_json(found)
    else:
        print_table(
            ("ID", "NAME", "WHAT"), ((row["id"], row["name"], row["description"]) for row in found["templates"])
        )
