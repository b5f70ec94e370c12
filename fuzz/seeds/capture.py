#!/usr/bin/env python3
"""Captures the seeds from the kernel that runs, as root, in a network of its own so that nobody
else's sockets are in them:

    unshare --net fuzz/seeds/capture.py
"""

import fcntl
import os
import signal
import socket
import struct
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, DUMP, ONE = 4, 20, 0x301, 1


def keep(target, name, data):
    (HERE / target).mkdir(exist_ok=True)
    (HERE / target / name).write_bytes(data)


def netlink():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG)


def ask(flags, body):
    with netlink() as diag:
        diag.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, flags, 0, 0) + body)
        return diag.recv(32768)


def inet(family, protocol, flags=DUMP, sockid=bytes(48)):
    info = 2 if protocol == socket.IPPROTO_TCP else 0
    return ask(flags, struct.pack("=BBBBI", family, protocol, info, 0, 0xFFFFFFFF) + sockid)


def unix(inode):
    # Of one socket: a dump would tell of the whole machine.
    show, nobody = 1 | 4 | 16, 0xFFFFFFFF
    request = (socket.AF_UNIX, 0, 0, nobody, inode, show, nobody, nobody)
    return ask(ONE, struct.pack("=BBHIIIII", *request))


def replies():
    listener = socket.create_server(("127.0.0.1", 8000))
    keep("netlink", "tcp-listener", inet(socket.AF_INET, socket.IPPROTO_TCP))
    client = socket.create_connection(("127.0.0.1", 8000))
    accepted, _ = listener.accept()
    listener.close()
    client.send(b"hello")
    both = inet(socket.AF_INET, socket.IPPROTO_TCP)
    keep("netlink", "tcp-pair", both)
    keep("netlink", "tcp-one", inet(socket.AF_INET, socket.IPPROTO_TCP, ONE, both[20:68]))

    six = socket.create_server(("::1", 8000), family=socket.AF_INET6)
    keep("netlink", "tcp6-listener", inet(socket.AF_INET6, socket.IPPROTO_TCP))
    six.close()
    keep("netlink", "nothing", inet(socket.AF_INET6, socket.IPPROTO_TCP))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 8000))
    datagrams.connect(("127.0.0.1", 8001))
    keep("netlink", "udp", inet(socket.AF_INET, socket.IPPROTO_UDP))

    with netlink() as deaths:
        deaths.bind((0, 0))
        deaths.setsockopt(270, 1, 1)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
        client.close()
        accepted.close()
        keep("netlink", "tcp-death", deaths.recv(32768))
    keep("netlink", "error", inet(socket.AF_INET, socket.IPPROTO_TCP, ONE, both[20:68]))

    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/s"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen()
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        peer.send(b"hello")
        keep("netlink", "unix-listener", unix(os.fstat(listening.fileno()).st_ino))
        there, _ = listening.accept()
        keep("netlink", "unix-accepted", unix(os.fstat(there.fileno()).st_ino))
    abstract = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    abstract.bind("\0abstract")
    keep("netlink", "unix-abstract", unix(os.fstat(abstract.fileno()).st_ino))


def files():
    this = f"/proc/{os.getpid()}"
    for name in ["stat", "statm", "smaps_rollup"]:
        keep("proc", name, Path(this, name).read_bytes())
    keep("proc", "meminfo", b"".join(Path("/proc/meminfo").read_bytes().splitlines(True)[:5]))
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    keep("proc", "children", Path(this, "task", str(os.getpid()), "children").read_bytes())
    os.kill(child, 9)
    os.waitpid(child, 0)
    with socket.socket() as one:
        keep("proc", "link", os.readlink(f"{this}/fd/{one.fileno()}").encode())
    snmp = Path("/proc/net/snmp").read_bytes().splitlines(True)
    snmp = b"".join(line for line in snmp if line.startswith((b"Tcp:", b"Udp:")))
    snmp6 = Path("/proc/net/snmp6").read_bytes().splitlines(True)
    keep("proc", "snmp", snmp + b"".join(line for line in snmp6 if line.startswith(b"Udp6")))


# A new network's loopback is down.
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS, IFF_UP
replies()
files()
