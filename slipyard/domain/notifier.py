"""What people want to be told of, and the two ways of telling them."""

from enum import StrEnum


class NotifierEvent(StrEnum):
    DEPLOYED = "deployed"  # a release serves
    FAILED = "failed"  # a deployment did not get there; what served goes on serving
    ROLLED_BACK = "rolled_back"  # somebody went back, or Slipyard did
    HEALED = "healed"  # an instance had stopped and was started again
    ALERT = "alert"  # an alert of the app fires
    RESOLVED = "resolved"  # it is over
    BACKUP_FAILED = "backup_failed"  # of a volume


class NotifierKind(StrEnum):
    WEBHOOK = "webhook"  # a signed request (Standard Webhooks)
    APPRISE = "apprise"  # one of the services that the library Apprise knows
