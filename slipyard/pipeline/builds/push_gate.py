"""Pushes to the embedded registry, and the moment in which it is cleaned."""

from slipyard.clients.push_gate import PushGate
from slipyard.pipeline.context import Context


def push_gate(context: Context) -> PushGate:
    return PushGate(context.layout.run, context.clock)
