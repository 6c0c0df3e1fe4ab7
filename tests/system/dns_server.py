"""A DNS server for the zones of one test: A, AAAA, MX, NS, PTR, TXT and CNAME over UDP and TCP on 127.0.0.1. RFC 1035."""

import ipaddress
import socket
import socketserver
import struct
import threading

from programs import free_port

A, NS, CNAME, PTR, MX, TXT, AAAA = 1, 2, 5, 12, 15, 16, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3


def _pack_name(name):
    packed = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    return packed + b"\0"


def _read_name(packet, offset):
    labels = []
    while packet[offset]:
        size = packet[offset]
        labels.append(packet[offset + 1:offset + 1 + size].decode())
        offset += size + 1
    return ".".join(labels).lower(), offset + 1


class DnsServer:
    """`zone`: {"example.com": [(MX, 10, "mx.example.com")], "mx.example.com": [(A, "127.0.0.1")]}.

    `failing`: names (or True for all) that get SERVFAIL. `silent`: names (or True) that get no answer at all.
    """

    def __init__(self, zone=None):
        self.zone = {name.lower(): records for name, records in (zone or {}).items()}
        self.failing = set()
        self.silent = set()
        self.questions = []
        self.port = free_port()
        dns = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                answer = dns.answer(self.request[0])
                if answer:
                    self.request[1].sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while size := self.rfile.read(2):
                    answer = dns.answer(self.rfile.read(struct.unpack(">H", size)[0]))
                    if answer:
                        self.wfile.write(struct.pack(">H", len(answer)) + answer)

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.servers = [socketserver.ThreadingUDPServer(("127.0.0.1", self.port), Udp), TcpServer(("127.0.0.1", self.port), Tcp)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def _is(self, names, name):
        return True in names or name in names

    def answer(self, packet):
        (number, flags) = struct.unpack(">HH", packet[:4])
        name, end = _read_name(packet, 12)
        kind = struct.unpack(">H", packet[end:end + 2])[0]
        self.questions.append((name, kind))
        if self._is(self.silent, name):
            return None
        code, records = SERVER_FAILURE, []
        if not self._is(self.failing, name):
            code, records = self._find(name, kind)
        question = packet[12:end + 4]
        out = struct.pack(">HHHHHH", number, 0x8580 | (flags & 0x0100) | code, 1, len(records), 0, 0) + question
        for owner, record in records:
            data = self._data(record)
            out += _pack_name(owner) + struct.pack(">HHIH", record[0], 1, 60, len(data)) + data
        return out

    def _find(self, name, kind):
        """The code, and (owner, record) pairs: a chain of CNAMEs to its end, as a recursive server gives it."""
        known = self.zone.get(name)
        if known is None:
            return NO_SUCH_NAME, []
        found = [(name, record) for record in known if record[0] == kind]
        aliases = [record[1] for record in known if record[0] == CNAME]
        if found or not aliases:
            return NO_ERROR, found
        code, rest = self._find(aliases[0].lower(), kind)
        return code, [(name, (CNAME, aliases[0])), *rest]

    @staticmethod
    def _data(record):
        if record[0] in (A, AAAA):
            return ipaddress.ip_address(record[1]).packed
        if record[0] == MX:
            return struct.pack(">H", record[1]) + _pack_name(record[2])
        if record[0] == TXT:
            return bytes([len(record[1])]) + record[1].encode()
        return _pack_name(record[1])


def self_test():
    """Asked by a resolver that is not ours: the one of this C library cannot take a port, so by hand."""
    with DnsServer({"example.com": [(MX, 10, "mx.example.com")]}) as dns, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + _pack_name("example.com") + struct.pack(">HH", MX, 1), ("127.0.0.1", dns.port))
        assert b"\x02mx" in s.recv(512)


if __name__ == "__main__":
    self_test()
