"""Every table. Importing this package makes SQLModel's metadata whole."""

from slipyard.store.tables.access import KeptAnswer, LoginLink, Token
from slipyard.store.tables.alert import Alert
from slipyard.store.tables.app import App, Organization
from slipyard.store.tables.configuration import ConfigVersion, EnvVar, SecretRow, SecretStoreRow
from slipyard.store.tables.domain import Domain, HostCertificate, RouteRulesRow
from slipyard.store.tables.drain import LogDrain
from slipyard.store.tables.outside import (
    CiTrust,
    Connection,
    GitCredentialRow,
    Message,
    Notifier,
    Poll,
    Preview,
    RegistryLogin,
)
from slipyard.store.tables.record import Decision, Delivery, Event, Hook, Lease
from slipyard.store.tables.runtime import Instance, OneOff, RouteRow
from slipyard.store.tables.schedule import Schedule, ScheduleRun
from slipyard.store.tables.volume import Backup, BackupTarget, Volume
from slipyard.store.tables.work import Build, CheckSeen, Deployment, Push, Release

__all__ = [
    "Alert",
    "App",
    "Backup",
    "BackupTarget",
    "Build",
    "CheckSeen",
    "CiTrust",
    "ConfigVersion",
    "Connection",
    "Decision",
    "Delivery",
    "Deployment",
    "Domain",
    "EnvVar",
    "Event",
    "GitCredentialRow",
    "Hook",
    "HostCertificate",
    "Instance",
    "KeptAnswer",
    "Lease",
    "LogDrain",
    "LoginLink",
    "Message",
    "Notifier",
    "OneOff",
    "Organization",
    "Poll",
    "Preview",
    "Push",
    "RegistryLogin",
    "Release",
    "RouteRow",
    "RouteRulesRow",
    "Schedule",
    "ScheduleRun",
    "SecretRow",
    "SecretStoreRow",
    "Token",
    "Volume",
]
