"""Where images of apps have their names."""

from slipyard.pipeline.context import Context


def home_of_images(context: Context) -> str:
    """What stands before `<slug>-<secret>` in a name."""
    home = context.registry_home
    return f"{home.host}/{home.prefix}"
