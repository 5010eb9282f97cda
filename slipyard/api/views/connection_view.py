"""Connections to code hosts, without their tokens."""

from slipyard.domain.schemas.connection_shapes import ConnectionView
from slipyard.store.tables import Connection


def connection_view(row: Connection) -> ConnectionView:
    return ConnectionView(**row.model_dump(include=set(ConnectionView.model_fields)))
