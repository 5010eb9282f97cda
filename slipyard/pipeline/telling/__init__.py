"""What others are told: an outbox, code hosts, notifiers."""
