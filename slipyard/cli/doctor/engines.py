"""The engines: containers, builds, and the rules that keep apps apart."""

from slipyard.cli.doctor.finding import Finding, Subject, fail, ok, warn
from slipyard.clients.docker_engine import DockerEngine
from slipyard.deployer import firewall
from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.builds.choose_builder import ChosenBuilder

_OLDEST_API = (1, 41)


async def check_engine(subject: Subject) -> Finding:
    engine = DockerEngine(subject.settings.docker_host)
    try:
        found = await engine.version()
    except SlipyardError as error:
        advice = "Start Docker, let this user reach its socket, or set SLIPYARD_DOCKER_HOST to where it answers."
        return fail("engine", error.message, advice)
    finally:
        engine.close()
    text = f"Docker Engine {found.version}, API {found.api_version}"
    if tuple(int(part) for part in found.api_version.split(".")) < _OLDEST_API:
        return fail("engine", f"{text} is too old", "Install Docker Engine 20.10 or later.")
    return ok("engine", text)


async def check_builder(subject: Subject) -> Finding:
    try:
        return ok("buildkit", await ChosenBuilder(subject.settings).describe())
    except SlipyardError as error:
        return fail("buildkit", error.message, "Nothing can be built until it answers; see SLIPYARD_BUILDKIT_HOST.")


async def check_firewall(subject: Subject) -> Finding:
    if subject.installation_id is None:
        return warn("firewall", "no rules yet", "`slipyard up` makes them.")
    try:
        missing = await firewall.missing(subject.settings.network_pool, subject.installation_id)
    except SlipyardError as error:
        missing = [error.message]
    if not missing:
        return ok("firewall", "apps are shut off from the host, from each other, and from metadata addresses")
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    advice = (
        "Apps can reach what they should not. Run Slipyard as root where iptables works; the controller puts them in."
    )
    return warn("firewall", f"missing: {missing[0]}{more}", advice)
