"""The disk, and what cleaning finds there, as they are answered."""

from slipyard.domain.cleaning import CleaningItem, DiskUse
from slipyard.domain.schemas.system_output import CleaningItemView, CleaningView, DiskView
from slipyard.pipeline.cleaning.clean import Cleaning


def cleaning_view(found: Cleaning, *, dry_run: bool) -> CleaningView:
    return CleaningView(
        dry_run=dry_run,
        freed_bytes=sum(item.bytes or 0 for item in found.removed),
        removed=[_item(item) for item in found.removed],
        kept=[_item(item) for item in found.kept],
        troubles=found.troubles,
        disk=None if found.disk is None else disk_view(found.disk),
    )


def disk_view(use: DiskUse) -> DiskView:
    return DiskView(
        total=use.total, used=use.used, own=use.own, share=use.share, limit=use.limit, parts=dict(use.parts)
    )


def _item(item: CleaningItem) -> CleaningItemView:
    return CleaningItemView(
        kind=item.kind,
        name=item.name,
        app=item.app,
        bytes=item.bytes,
        count=item.count,
        removable=item.removable,
        reason=item.reason,
    )
