"""READY=1 of sd_notify(3), for a unit of Type=notify."""

import os
import socket


def tell_systemd_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # an abstract socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        try:
            notify.sendto(b"READY=1", address)
        except OSError:
            return  # systemd went away; its own timeout decides
