"""The way out: DNS and MX, destinations that fail or stall at each state, retries, limits, and reports to senders."""

import email
import email.utils
import os
import re

import ringpost
from dns_server import A, AAAA, CNAME, MX, DnsServer
from programs import free_port, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message, without_trace
from sink import Sink

STATES = ("greeting", "ehlo", "mail", "rcpt", "data", "body")
# Every wait of the sending side, short enough for a test.
IMPATIENT = {"deliver": {"connect_timeout": "2s", "command_timeout": "1s", "data_timeout": "1s", "idle_timeout": "1s"}}


class Delivery(SystemTest):
    def sink(self, **options):
        return self.closing(Sink(**options))

    def send(self, server, recipients=(f"someone@{REMOTE}",), sender=f"anna@{LOCAL}", data=None, **options):
        return server.send(sender, list(recipients), data or message(), **options)


class Names(Delivery):
    """Where mail for a domain goes. All hosts are addresses of 127.0.0.0/8, all servers listen on one port."""

    def setUp(self):
        self.dns = self.closing(DnsServer())
        self.port = free_port()

    def host(self, address, **options):
        return self.sink(host=address, port=self.port, **options)

    def resolving(self, **more):
        return self.server(ringpost.merged({"resolver": {"servers": [f"127.0.0.1:{self.dns.port}"]}, "deliver": {"port": self.port}}, more))

    def test_the_best_mx_gets_the_mail(self):
        self.dns.zone = {REMOTE: [(MX, 20, f"second.{REMOTE}"), (MX, 10, f"first.{REMOTE}")], f"first.{REMOTE}": [(A, "127.0.0.11")],
                         f"second.{REMOTE}": [(A, "127.0.0.12")]}
        first, second = self.host("127.0.0.11"), self.host("127.0.0.12")
        self.send(self.resolving())
        first.wait_for_mail()
        self.assertEqual(second.sessions, 0)

    def test_the_next_mx_gets_it_when_the_best_refuses_the_connection(self):
        self.dns.zone = {REMOTE: [(MX, 10, f"first.{REMOTE}"), (MX, 20, f"second.{REMOTE}")], f"first.{REMOTE}": [(A, "127.0.0.11")],
                         f"second.{REMOTE}": [(A, "127.0.0.12")]}
        second = self.host("127.0.0.12")
        self.send(self.resolving())
        second.wait_for_mail()

    def test_the_next_mx_gets_it_when_the_best_says_421(self):
        self.dns.zone = {REMOTE: [(MX, 10, f"first.{REMOTE}"), (MX, 20, f"second.{REMOTE}")], f"first.{REMOTE}": [(A, "127.0.0.11")],
                         f"second.{REMOTE}": [(A, "127.0.0.12")]}
        first, second = self.host("127.0.0.11", answers={"greeting": "421 4.3.2 not now"}), self.host("127.0.0.12")
        self.send(self.resolving())
        second.wait_for_mail()
        self.assertGreaterEqual(first.sessions, 1)

    def test_without_mx_the_address_of_the_domain_counts(self):
        self.dns.zone = {REMOTE: [(A, "127.0.0.11")]}
        sink = self.host("127.0.0.11")
        self.send(self.resolving())
        sink.wait_for_mail()

    def test_an_alias_in_the_dns_is_followed(self):
        self.dns.zone = {REMOTE: [(CNAME, f"real.{REMOTE}")], f"real.{REMOTE}": [(MX, 10, f"mx.{REMOTE}")], f"mx.{REMOTE}": [(A, "127.0.0.11")]}
        sink = self.host("127.0.0.11")
        self.send(self.resolving())
        sink.wait_for_mail()

    def test_an_address_literal_needs_no_dns(self):
        sink = self.host("127.0.0.11")
        self.send(self.resolving(), recipients=["someone@[127.0.0.11]"])
        sink.wait_for_mail()

    def test_a_null_mx_bounces_at_once(self):
        self.dns.zone = {REMOTE: [(MX, 0, ".")]}
        server = self.resolving()
        self.send(server)
        (bounced,) = server.wait_for_event("bounced")
        self.assertEqual(bounced["enhanced_status"], "5.1.10")  # RFC 7505 section 5

    def test_a_domain_that_does_not_exist_bounces(self):
        self.dns.zone = {}
        server = self.resolving()
        self.send(server)
        (bounced,) = server.wait_for_event("bounced")
        self.assertRegex(bounced["enhanced_status"], r"^5\.(1\.2|4\.4)$")
        server.wait_for_mailbox(f"anna@{LOCAL}")

    def test_dns_that_fails_defers_and_does_not_bounce(self):
        self.dns.failing.add(True)
        server = self.resolving()
        self.send(server)
        (deferred, *_) = server.wait_for_event("deferred", 2)
        self.assertEqual(deferred["enhanced_status"], "4.4.3")
        self.assertEqual(server.events("bounced"), [])
        self.dns.failing.clear()
        self.dns.zone = {REMOTE: [(MX, 10, f"first.{REMOTE}")], f"first.{REMOTE}": [(A, "127.0.0.11")]}
        self.host("127.0.0.11").wait_for_mail()

    def test_dns_that_is_silent_defers_and_does_not_bounce(self):
        self.dns.silent.add(True)
        server = self.resolving()
        self.send(server)
        server.wait_for_event("deferred", 1)
        self.assertEqual(server.events("bounced"), [])

    def test_dns_that_is_not_there_defers_and_does_not_bounce(self):
        server = self.server()  # its resolver is a port where nobody listens
        self.send(server)
        (deferred, *_) = server.wait_for_event("deferred", 1)
        self.assertEqual(deferred["enhanced_status"], "4.4.3")

    def test_one_bad_host_of_an_mx_does_not_bounce_the_mail(self):
        self.dns.zone = {REMOTE: [(MX, 10, f"nowhere.{REMOTE}"), (MX, 20, f"second.{REMOTE}")], f"second.{REMOTE}": [(A, "127.0.0.12")]}
        sink = self.host("127.0.0.12")
        self.send(self.resolving())
        sink.wait_for_mail()

    def test_mail_for_ourselves_as_best_mx_is_a_loop(self):
        server = self.resolving()
        self.dns.zone = {REMOTE: [(MX, 10, ringpost.HOSTNAME)], ringpost.HOSTNAME: [(A, "127.0.0.1")]}
        self.send(server)
        (bounced,) = server.wait_for_event("bounced")
        self.assertRegex(bounced["enhanced_status"], r"^5\.(4\.6|3\.5)$")

    def test_ipv6_is_tried_where_it_is_wanted(self):
        self.dns.zone = {REMOTE: [(MX, 10, f"six.{REMOTE}")], f"six.{REMOTE}": [(AAAA, "::1"), (A, "127.0.0.11")]}
        sink = self.host("127.0.0.11")  # nobody listens at ::1, so the address of version 4 follows
        server = self.resolving(server={"ip_versions": ["ipv6", "ipv4"]})
        self.send(server)
        sink.wait_for_mail()
        self.assertEqual(server.wait_for_event("delivered")[0]["remote"], f"127.0.0.11:{self.port}")

    def test_the_versions_of_ip_have_the_order_of_the_option(self):
        self.dns.zone = {REMOTE: [(MX, 10, f"both.{REMOTE}")], f"both.{REMOTE}": [(AAAA, "::1"), (A, "127.0.0.11")]}
        four = self.host("127.0.0.11")
        try:
            six = self.sink(host="::1", port=self.port)
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        for versions, there, elsewhere in ((["ipv6", "ipv4"], six, four), (["ipv4", "ipv6"], four, six), (["ipv4"], four, six)):
            with self.subTest(versions=versions):
                before = elsewhere.sessions
                self.send(self.resolving(server={"ip_versions": versions}))
                there.wait_for_mail()
                there.mails.clear()
                self.assertEqual(elsewhere.sessions, before)


class Stalls(Delivery):
    def test_a_destination_that_stalls_at_any_state_is_left_and_tried_again(self):
        for state in STATES:
            with self.subTest(state=state):
                sink = self.sink(answers={state: "stall"})
                server = self.server(IMPATIENT, sink=sink)
                self.send(server)
                (deferred, *_) = server.wait_for_event("deferred")
                self.assertRegex(deferred["enhanced_status"], r"^4\.4\.[12]$")
                sink.answers.clear()
                sink.release.set()
                sink.wait_for_mail()
                server.wait_for_event("delivered")
                server.stop()

    def test_a_destination_that_hangs_up_at_any_state_is_tried_again(self):
        for state in STATES:
            with self.subTest(state=state):
                sink = self.sink(answers={state: "close"})
                server = self.server(IMPATIENT, sink=sink)
                self.send(server)
                (deferred, *_) = server.wait_for_event("deferred")
                self.assertRegex(deferred["enhanced_status"], r"^4\.")
                sink.answers.clear()
                sink.wait_for_mail()
                server.wait_for_event("delivered")
                server.stop()

    def test_a_destination_that_is_not_there_is_tried_again(self):
        port = free_port()
        server = self.server(IMPATIENT, sink=port)
        self.send(server)
        (deferred, *_) = server.wait_for_event("deferred")
        self.assertEqual(deferred["enhanced_status"], "4.4.1")
        self.sink(port=port).wait_for_mail()

    def test_each_mail_behind_a_destination_that_is_not_there_has_its_line(self):
        server = self.server({"deliver": {"connect_timeout": "2s"}, "retry": {"intervals": ["10m"]}}, sink=free_port())
        tried, *waiting = [self.send(server) for _ in range(5)]
        events = server.wait_for_event("deferred", 5)
        self.assertEqual({e["queue_id"] for e in events}, {tried, *waiting})
        for event in events:
            self.assertEqual(event["enhanced_status"], "4.4.1")
            self.assertIn("127.0.0.1", event["text"])
            self.assertGreater(int(event["next_attempt"]), 0)
        self.assertIn(0, [e["attempts"] for e in events])

    def test_a_4xx_at_any_state_defers(self):
        for state in STATES:
            with self.subTest(state=state):
                sink = self.sink(answers={state: "451 4.7.1 try again"})
                server = self.server(IMPATIENT, sink=sink)
                self.send(server)
                (deferred, *_) = server.wait_for_event("deferred")
                self.assertIn("try again", deferred["text"])
                self.assertEqual(server.events("bounced"), [])
                sink.answers.clear()
                sink.wait_for_mail()
                server.stop()

    def test_a_5xx_about_the_mail_bounces(self):
        for state in ("mail", "rcpt", "data", "body"):
            with self.subTest(state=state):
                sink = self.sink(answers={state: "550 5.7.1 never"})
                server = self.server(IMPATIENT, sink=sink)
                self.send(server)
                (bounced,) = server.wait_for_event("bounced")
                self.assertEqual((bounced["code"], bounced["enhanced_status"]), (550, "5.7.1"))
                server.wait_for_mailbox(f"anna@{LOCAL}")
                server.stop()

    def test_a_stalled_destination_holds_up_no_other(self):
        stalled, fine = self.sink(answers={"greeting": "stall"}), self.sink()
        server = self.server({"route": {"fine": {"match": {"domain": "fine.example"}, "via": f"smtp:127.0.0.1:{fine.port}"}}}, sink=stalled)
        for number in range(50):
            self.send(server, [f"r{number}@{REMOTE}"])
        self.send(server, ["someone@fine.example"])
        fine.wait_for_mail()
        stalled.release.set()


class Answers(Delivery):
    def test_each_recipient_has_its_own_fate(self):
        said = {f"fine@{REMOTE}": None, f"later@{REMOTE}": "450 4.2.1 busy", f"never@{REMOTE}": "550 5.1.1 unknown"}
        sink = self.sink(answers={"rcpt": lambda session, address: said[address]})
        server = self.server(sink=sink)
        self.send(server, said)
        (mail,) = sink.wait_for_mail()
        self.assertEqual(mail.recipients, [f"fine@{REMOTE}"])
        server.wait_for_event("delivered", recipient=f"fine@{REMOTE}")
        server.wait_for_event("bounced", recipient=f"never@{REMOTE}")
        server.wait_for_event("deferred", recipient=f"later@{REMOTE}")
        said[f"later@{REMOTE}"] = None
        self.assertEqual(sink.wait_for_mail(2)[1].recipients, [f"later@{REMOTE}"])
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        self.assertIn(b"never@", report)
        self.assertNotIn(b"later@", report)
        server.wait_until_empty()

    def test_lmtp_answers_for_each_recipient_after_the_body(self):
        said = {f"fine@{REMOTE}": None, f"later@{REMOTE}": "452 4.2.2 full", f"never@{REMOTE}": "550 5.2.1 disabled"}
        sink = self.sink(lmtp=True, answers={"body": lambda session, address: said[address]})
        server = self.server(sink=sink)
        self.send(server, said)
        self.assertEqual(sink.wait_for_mail()[0].recipients, [f"fine@{REMOTE}"])
        server.wait_for_event("bounced", recipient=f"never@{REMOTE}")
        said[f"later@{REMOTE}"] = None
        self.assertEqual(sink.wait_for_mail(2)[1].recipients, [f"later@{REMOTE}"])

    def test_a_peer_without_extensions_is_spoken_to_plainly(self):
        sink = self.sink(extensions=(), answers={"ehlo": "500 5.5.1 what?"})
        server = self.server(sink=sink)
        self.send(server)
        (mail,) = sink.wait_for_mail()
        self.assertIn("helo", sink.states_reached)
        self.assertEqual(without_trace(mail.data), message())

    def test_chunks_are_used_where_they_are_offered(self):
        sink = self.sink(chunking=True)
        server = self.server(sink=sink)
        self.send(server, data=message(body=".\r\n..\r\n"))
        (mail,) = sink.wait_for_mail()
        self.assertEqual(without_trace(mail.data), message(body=".\r\n..\r\n"))

    def test_tls_is_used_where_it_is_offered(self):
        sink = self.sink(certificate=ringpost.certificate())
        server = self.server(sink=sink)
        self.send(server)
        (mail,) = sink.wait_for_mail()
        self.assertTrue(mail.session.tls)

    def test_broken_tls_falls_back_to_clear_text_when_it_is_only_opportunistic(self):
        sink = self.sink(certificate=ringpost.certificate())
        sink.certificate = ("/nonexistent", "/nonexistent")  # STARTTLS is offered, and breaks
        server = self.server(sink=sink)
        self.send(server)
        (mail,) = sink.wait_for_mail()
        self.assertFalse(mail.session.tls)

    def test_required_tls_keeps_mail_from_a_peer_without_it_or_whom_nobody_vouches_for(self):
        for certificate, status in ((None, "4.7.4"), (ringpost.certificate(), "4.7.5")):
            with self.subTest(status=status):
                sink = self.sink(certificate=certificate)
                server = self.server({"shaping": {"default": {"tls": "required"}}}, sink=sink)
                self.send(server)
                (deferred, *_) = server.wait_for_event("deferred")
                self.assertEqual(deferred["enhanced_status"], status)
                server.stop()
                self.assertEqual(sink.mails, [])

    def test_8bit_for_a_peer_that_cannot_take_it_is_not_sent_silently(self):
        sink = self.sink(extensions=("PIPELINING",))
        server = self.server(sink=sink)
        self.send(server, data="Subject: x\r\n\r\ncafé\r\n".encode(), parameters=" BODY=8BITMIME")
        wait_until(lambda: sink.mails or server.events("bounced"), "an end of it")
        for mail in sink.mails:
            self.assertIn("café".encode(), mail.data)  # sent as it is, never mangled

    def test_smtputf8_for_a_peer_that_cannot_take_it_bounces(self):
        sink = self.sink(extensions=("8BITMIME",))
        server = self.server(sink=sink)
        self.send(server, recipients=[f"über@{REMOTE}"], parameters=" SMTPUTF8")
        (bounced,) = server.wait_for_event("bounced")
        self.assertEqual(bounced["enhanced_status"], "5.6.7")  # RFC 6531 section 3.4

    def test_a_smarthost_may_want_a_login(self):
        sink = self.sink(extensions=("AUTH PLAIN LOGIN", "8BITMIME"), certificate=ringpost.certificate())
        server = self.server(start=False, sink=sink)
        path = os.path.join(server.folder, "password")
        with open(path, "w") as file:
            file.write("s3cret\n")
        server.own(path)
        server.reconfigure({"route": {"others": {"username": "relay", "password_file": path}}})
        server.start()
        self.send(server)
        sink.wait_for_mail()
        self.assertEqual(sink.logins[0], b"\0relay\0s3cret")
        server.stop()
        self.assertNotIn("s3cret", server.log_tail())


class Shaping(Delivery):
    def test_connection_limit_is_exact_for_the_machine(self):
        sink = self.sink(answers={"body": lambda session, _: None})
        server = self.server({"shaping": {"default": {"connection_limit": 3, "messages_per_connection": 5}}}, sink=sink)
        for listener_connection in range(4):  # over both cores
            with server.talk() as client:
                client.hello()
                for number in range(25):
                    self.assertEqual(client.send(f"a@{LOCAL}", [f"r{listener_connection}.{number}@{REMOTE}"], message()).code, 250)
        sink.wait_for_mail(100)
        self.assertLessEqual(sink.open_sessions_most, 3)
        per_session = {}
        for mail in sink.mails:
            per_session[mail.session.number] = per_session.get(mail.session.number, 0) + 1
        self.assertLessEqual(max(per_session.values()), 5)

    def test_recipients_per_transaction(self):
        sink = self.sink()
        server = self.server({"shaping": {"default": {"recipients_per_transaction": 10}}}, sink=sink)
        self.send(server, [f"r{i}@{REMOTE}" for i in range(25)])
        sink.wait_for(lambda s: sum(len(m.recipients) for m in s.mails) == 25, "25 recipients")
        self.assertLessEqual(max(len(m.recipients) for m in sink.mails), 10)
        self.assertEqual(len({r for m in sink.mails for r in m.recipients}), 25)

    def test_connections_are_used_again(self):
        sink = self.sink()
        # One core: of several each would want the only connection in turn.
        server = self.server({"shaping": {"default": {"connection_limit": 1}}, "deliver": {"idle_timeout": "30s"}}, sink=sink, cores=1)
        for number in range(10):
            self.send(server, [f"r{number}@{REMOTE}"])
        sink.wait_for_mail(10)
        self.assertLessEqual(sink.sessions, 2)


class Reports(Delivery):
    def parse(self, report):
        """The three parts of a delivery status notification (RFC 3464)."""
        mail = email.message_from_bytes(report)
        self.assertEqual(mail.get_content_type(), "multipart/report")
        self.assertEqual(mail.get_param("report-type"), "delivery-status")
        self.assertEqual(mail["Return-Path"], "<>")
        self.assertIn("auto-replied", mail["Auto-Submitted"] or "")
        text, status, original = mail.get_payload()
        self.assertEqual(text.get_content_type(), "text/plain")
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        self.assertIn(original.get_content_type(), ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"))
        return mail, status.get_payload(), original

    def test_a_bounce_says_what_when_and_why(self):
        sink = self.sink(answers={"rcpt": "550 5.1.1 no such user here"})
        server = self.server(sink=sink)
        self.send(server, data=message("the subject", "the text\r\n"), parameters=" ENVID=QQ314159")
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        mail, fields, original = self.parse(report)
        self.assertEqual(email.utils.parseaddr(mail["To"])[1], f"anna@{LOCAL}")
        whole, recipient = fields
        self.assertEqual(whole["Reporting-MTA"], f"dns; {ringpost.HOSTNAME}")
        self.assertEqual(whole["Original-Envelope-Id"], "QQ314159")
        self.assertEqual(recipient["Final-Recipient"].replace(" ", ""), f"rfc822;someone@{REMOTE}")
        self.assertEqual((recipient["Action"], recipient["Status"]), ("failed", "5.1.1"))
        self.assertIn("550 5.1.1 no such user here", recipient["Diagnostic-Code"])
        self.assertIn("the subject", original.as_string())

    def test_notify_never_and_headers_only_are_obeyed(self):
        sink = self.sink(answers={"rcpt": "550 5.1.1 unknown"})
        server = self.server(sink=sink)
        with server.talk() as client:
            client.hello()
            client.ask(f"MAIL FROM:<anna@{LOCAL}> RET=HDRS", "250")
            client.ask(f"RCPT TO:<quiet@{REMOTE}> NOTIFY=NEVER", "250")
            client.ask(f"RCPT TO:<loud@{REMOTE}> NOTIFY=FAILURE ORCPT=rfc822;first@{REMOTE}", "250")
            client.ask("DATA", "354")
            client.raw(b"Subject: s\r\n\r\nsecret text\r\n.\r\n")
            client.expect("250")
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        _, fields, original = self.parse(report)
        self.assertEqual(len(fields), 2)
        self.assertIn("loud@", fields[1]["Final-Recipient"])
        self.assertIn(f"first@{REMOTE}", fields[1]["Original-Recipient"])
        self.assertNotIn(b"secret text", report)
        self.assertNotIn("quiet@", report.decode())
        server.wait_until_empty()

    def test_a_report_that_cannot_be_delivered_is_never_answered(self):
        sink = self.sink(answers={"rcpt": "550 5.1.1 unknown"})
        server = self.server(sink=sink)
        server.send("", [f"someone@{REMOTE}"], message())
        self.send(server, sender=f"stranger@{REMOTE}")
        server.wait_for_event("bounced", 3)  # both mails, and the report for the stranger
        server.wait_until_empty()
        server.stop()
        self.assertEqual(len(server.events("received")), 3)

    def test_a_mail_that_is_too_old_expires_with_a_report(self):
        sink = self.sink(answers={"rcpt": "450 4.2.1 busy"})
        server = self.server({"retry": {"intervals": ["1s"], "expire_after": "4s", "warn_after": "1h"}}, sink=sink)
        self.send(server)
        (expired,) = server.wait_for_event("expired")
        self.assertEqual(expired["recipient"], f"someone@{REMOTE}")
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        _, (_, recipient), _ = self.parse(report)
        self.assertEqual(recipient["Action"], "failed")
        self.assertRegex(recipient["Status"], r"^(4\.|5\.)")
        server.wait_until_empty()

    def test_a_mail_that_waits_long_is_warned_of_once(self):
        sink = self.sink(answers={"rcpt": "450 4.2.1 busy"})
        server = self.server({"retry": {"intervals": ["1s"], "expire_after": "1h", "warn_after": "1s"}}, sink=sink)
        self.send(server)
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        _, (_, recipient), original = self.parse(report)
        self.assertEqual(recipient["Action"], "delayed")
        self.assertIsNotNone(recipient["Will-Retry-Until"])
        attempts = len(server.events("deferred"))
        server.wait_for_event("deferred", attempts + 3)
        self.assertEqual(len(server.mailbox(f"anna@{LOCAL}")), 1)
        sink.answers.clear()
        sink.wait_for_mail()

    def test_success_is_reported_when_asked_for(self):
        server = self.server()
        with server.talk() as client:
            client.hello()
            client.ask(f"MAIL FROM:<anna@{LOCAL}>", "250")
            client.ask(f"RCPT TO:<bert@{LOCAL}> NOTIFY=SUCCESS", "250")
            client.ask("DATA", "354")
            client.raw(b"Subject: s\r\n\r\nx\r\n.\r\n")
            client.expect("250")
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        _, (_, recipient), _ = self.parse(report)
        self.assertEqual((recipient["Action"], recipient["Status"][0]), ("delivered", "2"))

    def test_notify_goes_on_to_a_peer_that_knows_dsn(self):
        sink = self.sink(extensions=("DSN", "PIPELINING"))
        server = self.server(sink=sink)
        with server.talk() as client:
            client.hello()
            client.ask(f"MAIL FROM:<anna@{LOCAL}> RET=HDRS ENVID=QQ1", "250")
            client.ask(f"RCPT TO:<x@{REMOTE}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+40{REMOTE}", "250")
            client.ask("DATA", "354")
            client.raw(b"Subject: s\r\n\r\nx\r\n.\r\n")
            client.expect("250")
        (mail,) = sink.wait_for_mail()
        self.assertEqual(sorted(mail.parameters.split()), ["ENVID=QQ1", "RET=HDRS"])
        (parameters,) = mail.recipient_parameters
        self.assertEqual(sorted(parameters.split()), ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;first+40{REMOTE}"])
        server.wait_until_empty()
        self.assertEqual(server.mailbox(f"anna@{LOCAL}"), [])  # the report is for the next one to send

    def test_a_report_names_the_envelope_and_the_recipient_as_the_sender_did(self):
        sink = self.sink(answers={"rcpt": "550 5.1.1 nobody"})
        server = self.server(sink=sink)
        with server.talk() as client:
            client.hello()
            client.ask(f"MAIL FROM:<anna@{LOCAL}> ENVID=QQ+2B1", "250")
            client.ask(f"RCPT TO:<x@{REMOTE}> ORCPT=rfc822;first+40{REMOTE}", "250")
            client.ask("DATA", "354")
            client.raw(b"Subject: s\r\n\r\nx\r\n.\r\n")
            client.expect("250")
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        _, (message_fields, recipient), _ = self.parse(report)
        self.assertEqual(message_fields["Original-Envelope-Id"], "QQ+1")
        self.assertEqual(recipient["Original-Recipient"].replace(" ", ""), f"rfc822;first@{REMOTE}")

    def test_a_mail_that_has_gone_round_too_often_is_refused(self):
        server = self.server({"policy": {"hops_max": 10}})
        for hops, answer in ((10, "250"), (11, "554 5\\.4\\.6")):
            with server.talk() as client:
                client.hello()
                client.ask(f"MAIL FROM:<x@{REMOTE}>", "250")
                client.ask(f"RCPT TO:<anna@{LOCAL}>", "250")
                client.ask("DATA", "354")
                client.raw(b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * hops + b"Subject: s\r\n\r\nx\r\n.\r\n")
                client.expect(answer)
        self.assertEqual(server.wait_for_event("rejected")[0]["enhanced_status"], "5.4.6")
        server.wait_for_mailbox(f"anna@{LOCAL}")


if __name__ == "__main__":
    ringpost.main()
