"""Limits at n and n+1, for connections, clients, rates, descriptors and memory; and the PROXY protocol."""

import os
import socket
import struct

import ringpost
from programs import temp_folder, wait_until
from ringpost import LOCAL, REMOTE, UNTRUSTED, SystemTest, message
from sink import Sink
from talk import Closed


class Connections(SystemTest):
    def test_connection_limit_of_a_listener(self):
        server = self.server({"listener": {"mx": {"connection_limit": 5}}})
        clients = [self.closing(server.talk()) for _ in range(5)]
        for client in clients:
            client.expect("220 ")
        with server.talk() as one_more:
            one_more.expect("421 4\\.7\\.0")
            one_more.expect_closed()
        clients[0].ask("QUIT", "221")
        clients[0].expect_closed()

        def welcome():
            with server.talk() as client:
                return client.reply().code == 220

        wait_until(welcome, "a free place")
        self.assertGreaterEqual(server.figure("receive_refused_connections"), 1)

    def test_connection_limit_of_one_client(self):
        server = self.server({"listener": {"mx": {"client_connection_limit": 3}}})
        for _ in range(3):
            self.closing(server.talk(source=UNTRUSTED)).expect("220 ")
        with server.talk(source=UNTRUSTED) as one_more:
            one_more.expect("421 4\\.7\\.0")
            one_more.expect_closed()
        with server.talk(source="127.0.0.8") as another:
            another.expect("220 ")
        for _ in range(5):  # relay_networks are exempt
            self.closing(server.talk()).expect("220 ")

    def test_connection_rate_of_one_client(self):
        server = self.server({"listener": {"mx": {"client_connection_rate": "3/h"}}})
        for _ in range(3):
            with server.talk(source=UNTRUSTED) as client:
                client.expect("220 ")
                client.ask("QUIT", "221")
        with server.talk(source=UNTRUSTED) as one_more:
            one_more.expect("421 4\\.7\\.0")
            one_more.expect_closed()
        with server.talk(source="127.0.0.8") as another:
            another.expect("220 ")

    def test_message_rate_of_one_client(self):
        server = self.server({"listener": {"mx": {"client_message_rate": "2/h"}}})
        with server.talk(source=UNTRUSTED) as client:
            client.hello()
            for _ in range(2):
                self.assertEqual(client.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message()).code, 250)
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "450 4\\.7\\.1")
        self.assertEqual(len(server.wait_for_mailbox(f"anna@{LOCAL}", 2)), 2)
        (rejected,) = server.wait_for_event("rejected")
        self.assertEqual((rejected["code"], rejected["peer"]), (450, UNTRUSTED))

    def test_a_flood_of_connections_leaves_room_for_a_client_that_behaves(self):
        server = self.server({"listener": {"mx": {"client_connection_limit": 20}}})
        flood = [self.closing(server.talk(source=UNTRUSTED)) for _ in range(300)]
        with server.talk(source="127.0.0.8") as client:
            client.hello()
            self.assertEqual(client.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message()).code, 250)
        greeted = sum(client.reply().code == 220 for client in flood)
        self.assertEqual(greeted, 20)


class Counted(SystemTest):
    """What a client does wrong gets its code in the dialogues; here, that an operator can see how often it happens."""

    def setUp(self):
        self.the_server = self.server({"listener": {
            "mx": {"command_timeout": "2s", "message_size_limit": "64KiB"},
            "slow": {"protocol": "smtp", "tls": "none", "greeting_delay": "1s"},
            "clear": {"protocol": "submission", "tls": "none", "auth_without_tls": True}}})

    def check(self, figure, rude, listener="mx"):
        """`rude` talks to a fresh connection and leaves; afterwards the figure is higher."""
        before = self.the_server.figure(figure)
        with self.the_server.talk(listener, source=UNTRUSTED) as client:
            rude(client)
        wait_until(lambda: self.the_server.figure(figure) > before, f"{figure} to rise")

    def test_each_command_that_is_none(self):
        for wrong in (b"x" * 20_000 + b"\r\n", b"NO\0OP\r\n", b"NOOP\n\r\n", b"RCPT TO:<a@b.example>\r\n", b"MAIL FROM:<\xe4@b.example>\r\n",
                      b"GET / HTTP/1.1\r\n", b"BDAT one\r\n"):
            def rude(client):
                client.hello()
                client.raw(wrong)
                client.expect("5")

            with self.subTest(wrong=wrong[:20]):
                self.check("receive_protocol_errors", rude)

    def test_auth_garbage_and_wrong_passwords(self):
        def garbage(client):
            client.hello()
            client.ask("AUTH PLAIN ****", "501")

        def wrong(client):
            client.hello()
            client.ask("AUTH PLAIN AGFubmEAd3Jvbmc=", "535")

        self.check("receive_protocol_errors", garbage, "clear")
        self.check("receive_auth_failures", wrong, "clear")

    def test_early_talkers_tls_garbage_silence_and_half_transactions(self):
        def early(client):
            client.raw(b"EHLO early.example\r\n")
            client.expect("554")

        def no_handshake(client):
            client.hello()
            client.ask("STARTTLS", "220")
            client.raw(b"this is no ClientHello\r\n" + b"\xff" * 600)
            client.shut()

        def silent(client):
            client.hello()
            client.expect("421 4\\.4\\.2")

        def half(client):
            client.hello()
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "250")

        self.check("receive_early_talkers", early, "slow")
        self.check("receive_tls_failures", no_handshake)
        self.check("receive_timeouts", silent)
        self.check("receive_lost", half)

    def test_recipients_and_messages_that_are_refused(self):
        def relay(client):
            client.hello()
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "250")
            client.ask(f"RCPT TO:<b@{REMOTE}>", "554")

        def body(text):
            def rude(client):
                client.hello()
                client.ask(f"MAIL FROM:<a@{REMOTE}> SIZE=10", "250")
                client.ask(f"RCPT TO:<anna@{LOCAL}>", "250")
                client.ask("DATA", "354")
                client.raw(text + b"\r\n.\r\n")
                client.expect("5")
            return rude

        self.check("receive_recipients_rejected", relay)
        for text in (b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 1000, b"a: b\r\n\r\nbare\nline", b"Received: x\r\n" * 60):
            with self.subTest(text=text[:20]):
                self.check("receive_messages_rejected", body(text))


class Exhaustion(SystemTest):
    def test_without_descriptors_the_server_waits_and_goes_on(self):
        sink = self.closing(Sink())
        # The check of virtual calls needs a pipe to see that memory is there, so without descriptors it finds fault with all.
        path = os.path.join(temp_folder(), "suppressions")
        with open(path, "w") as file:
            file.write("vptr:*\n")
        server = self.server(sink=sink, limits={"NOFILE": 96}, environment={"UBSAN_OPTIONS": f"halt_on_error=1:suppressions={path}"})
        clients = []
        for _ in range(120):  # the kernel completes the handshake of those that the server cannot take
            clients.append(self.closing(server.talk()))
        greeted = 0
        for client in clients:
            client.socket.settimeout(3 if greeted else 60)  # the first may take its time on a busy machine
            try:
                greeted += client.reply().code == 220
            except (AssertionError, Closed):
                break
        self.assertGreater(greeted, 0)
        self.assertLess(greeted, 120)
        for client in clients:
            client.close()

        def taken():
            try:
                return bool(server.send(f"a@{REMOTE}", [f"r@{REMOTE}"], message()))
            except (AssertionError, Closed, OSError):
                return False

        wait_until(taken, "mail to be taken again")
        sink.wait_for_mail()

    def test_memory_limit_is_452_or_421_and_the_server_goes_on(self):
        server = self.server({"cores": {"memory_limit": "64MiB", "use": [0]}})
        body = b"Subject: x\r\n\r\n" + b"y" * 200_000
        refused, clients = None, []
        for _ in range(600):
            client = self.closing(server.talk())
            reply = client.reply()
            if reply.code == 220:
                client.ask("EHLO client.example", "250")
                client.line(f"MAIL FROM:<a@{REMOTE}>")
                reply = client.reply()
            if reply.code == 250:
                client.ask(f"RCPT TO:<anna@{LOCAL}>", "250")
                client.line("DATA")
                reply = client.reply()
            if reply.code != 354:
                refused = reply
                break
            client.raw(body)
            clients.append(client)
        self.assertIsNotNone(refused, "64 MiB held more than 600 bodies of 200 kB")
        self.assertRegex(refused.text, r"^(452 4\.3\.1|421 4\.3\.[12])")
        for client in clients:
            client.close()

        def taken():
            with server.talk() as client:
                return client.reply().code == 220 and client.ask("EHLO x", "250") and client.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message()).code == 250

        wait_until(taken, "mail to be taken again")

    def test_many_idle_connections_are_kept(self):
        server = self.server()
        clients = [self.closing(server.talk()) for _ in range(400)]
        for client in clients:
            client.hello()
        for client in clients:
            client.ask("QUIT", "221")


def proxy_v2(source, destination=("127.0.0.1", 25), command=1, family=0x11):
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(destination[0]) + struct.pack(">HH", source[1], destination[1])
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20 | command, family]) + struct.pack(">H", len(addresses)) + addresses


class Proxy(SystemTest):
    def setUp(self):
        self.the_server = self.server({"listener": {"mx": {"proxy_protocol_from": ["127.0.0.1/32"]}}})

    def check_client(self, header, peer, relays):
        with self.the_server.talk() as client:
            client.raw(header)
            client.hello()
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "250")
            client.ask(f"RCPT TO:<b@{REMOTE}>", "250" if relays else "554 5\\.7\\.1")
            client.ask(f"RCPT TO:<anna@{LOCAL}>", "250")
            client.ask("DATA", "354")
            client.raw(b"Subject: x\r\n\r\n.\r\n")
            identity = client.expect("250").queue_id
        self.assertEqual(self.the_server.wait_for_event("received", queue_id=identity)[0]["peer"], peer)

    def test_version_1(self):
        self.check_client(b"PROXY TCP4 203.0.113.9 198.51.100.1 56324 25\r\n", "203.0.113.9", False)
        self.check_client(b"PROXY TCP6 2001:db8::9 2001:db8::1 56324 25\r\n", "2001:db8::9", False)

    def test_version_2(self):
        self.check_client(proxy_v2(("203.0.113.9", 56324)), "203.0.113.9", False)

    def test_the_header_may_come_in_pieces(self):
        for header in (b"PROXY TCP4 203.0.113.9 198.51.100.1 56324 25\r\n", proxy_v2(("203.0.113.9", 56324))):
            with self.the_server.talk() as client:
                client.raw(header, piece=1)
                client.hello()

    def test_a_connection_of_the_balancer_itself_keeps_its_address(self):
        self.check_client(b"PROXY UNKNOWN\r\n", "127.0.0.1", True)
        self.check_client(proxy_v2(("0.0.0.0", 0), ("0.0.0.0", 0), command=0, family=0), "127.0.0.1", True)

    def test_what_is_no_header_ends_the_connection_without_a_word(self):
        for garbage in (b"EHLO client.example\r\n", b"PROXY TCP4 nonsense\r\n", b"\r\n\r\n\0\r\nQUIT\n\xff\xff\0\0", b"PROXY " + b"x" * 200):
            with self.subTest(garbage=garbage), self.the_server.talk() as client:
                client.raw(garbage)
                client.expect_closed()

    def test_from_others_the_header_is_no_command(self):
        with self.the_server.talk(source=UNTRUSTED) as client:
            client.expect("220 ")
            client.ask("PROXY TCP4 127.0.0.1 198.51.100.1 56324 25", "500 5\\.5\\.1")
            client.ask("EHLO x", "250")
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "250")
            client.ask(f"RCPT TO:<b@{REMOTE}>", "554 5\\.7\\.1")

    def test_limits_hold_for_the_client_behind_the_balancer(self):
        server = self.server({"listener": {"mx": {"proxy_protocol_from": ["127.0.0.1/32"], "client_connection_limit": 2}}})

        def connect(address):
            client = self.closing(server.talk())
            client.raw(f"PROXY TCP4 {address} 198.51.100.1 56324 25\r\n".encode())
            return client

        for _ in range(2):
            connect("203.0.113.9").expect("220 ")
        connect("203.0.113.9").expect("421 4\\.7\\.0")
        connect("203.0.113.10").expect("220 ")


if __name__ == "__main__":
    ringpost.main()
