"""Every table. Importing this package makes SQLModel's metadata whole."""

from slipyard.store.tables.access import KeptAnswer, LoginLink, Token
from slipyard.store.tables.app import App, EnvVar, Organization
from slipyard.store.tables.record import Delivery, Event, Hook, Lease
from slipyard.store.tables.runtime import Instance, RouteRow
from slipyard.store.tables.work import Build, Deployment, Push, Release

__all__ = [
    "App",
    "Build",
    "Delivery",
    "Deployment",
    "EnvVar",
    "Event",
    "Hook",
    "Instance",
    "KeptAnswer",
    "Lease",
    "LoginLink",
    "Organization",
    "Push",
    "Release",
    "RouteRow",
    "Token",
]
