"""Puts the rules of `firewall_rules.py` into the host's packet filter, in chains of our own."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from slipyard.clients import iptables
from slipyard.deployer.firewall_rules import Firewall, chains_of, hooks_into, parse_resolvers
from slipyard.domain.errors import Unavailable

# Docker leaves this chain to others and asks it first; where it is not there, its own rules are not there either.
_DOCKER_USER, _FORWARD, _INPUT = "DOCKER-USER", "FORWARD", "INPUT"


async def ensure(pool: IPv4Network, installation: str, open_ports: Sequence[int] = ()) -> None:
    """Idempotent, and in one step for each chain. `Unavailable` with the reason where it cannot be done here."""
    reason = iptables.reason_against()
    if reason is not None:
        raise Unavailable(f"App containers cannot be shut off from the host and from each other: {reason}.")
    firewall = await _firewall(pool, installation, open_ports)
    await iptables.restore(_restore_lines(firewall))
    await _lead_in(firewall)


async def missing(pool: IPv4Network, installation: str, open_ports: Sequence[int] = ()) -> list[str]:
    """For `doctor`: each rule that is not there, or the reason why none can be."""
    reason = iptables.reason_against()
    if reason is not None:
        return [reason]
    firewall = await _firewall(pool, installation, open_ports)
    wanted = [(parent, firewall.hook(chain)) for parent, chain in await _hooks(firewall)]
    wanted += [(chain, rule) for chain, rules in firewall.chains().items() for rule in rules]
    return [f"{chain} {' '.join(rule)}" for chain, rule in wanted if not await iptables.succeeds("-C", chain, *rule)]


async def remove(installation: str) -> None:
    """Takes our chains and what leads into them away, whatever pool they were made for; what is gone already is done."""
    if iptables.reason_against() is not None:
        return
    chains = chains_of(installation)
    for rule in hooks_into(chains, await iptables.rules()):
        await iptables.succeeds("-D", *rule)
    for chain in chains:
        if await iptables.succeeds("-F", chain):
            await iptables.change("-X", chain)


async def _lead_in(firewall: Firewall) -> None:
    """The hooks that there should be, first in their chains, and none of an earlier pool."""
    there = hooks_into([*firewall.chains()], await iptables.rules())
    wanted = [(parent, *firewall.hook(chain)) for parent, chain in await _hooks(firewall)]
    for parent, *hook in [rule for rule in wanted if rule not in there]:
        await iptables.change("-I", parent, "1", *hook)
    for rule in [rule for rule in there if rule not in wanted]:
        await iptables.succeeds("-D", *rule)


async def _firewall(pool: IPv4Network, installation: str, open_ports: Sequence[int]) -> Firewall:
    return Firewall(pool, installation, await asyncio.to_thread(_resolvers), open_ports)


def _resolvers() -> list[str]:
    try:
        return parse_resolvers(Path("/etc/resolv.conf").read_text())
    except OSError:
        return []


async def _hooks(firewall: Firewall) -> list[tuple[str, str]]:
    forward = _DOCKER_USER if await iptables.succeeds("-n", "-L", _DOCKER_USER) else _FORWARD
    return [(forward, firewall.forward_chain), (_INPUT, firewall.input_chain)]


def _restore_lines(firewall: Firewall) -> list[str]:
    chains = firewall.chains()
    declared = [f":{chain} - [0:0]" for chain in chains]
    rules = [f"-A {chain} {' '.join(rule)}" for chain, rules in chains.items() for rule in rules]
    return ["*filter", *declared, *rules, "COMMIT"]
