"""Ringpost delivers into servers that are not ours, and every byte arrives."""

import os

import ringpost
from clients_test import BODIES, COMPLETE
from foreign import Dovecot, Postfix, SmtpSink
from programs import temp_folder, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message, to_lf, without_trace

FOREIGN = "postfix.example"


class IntoPostfix(SystemTest):
    def postfix(self, **settings):
        return self.foreign(Postfix, FOREIGN, settings={"local_header_rewrite_clients": "", **settings})

    def test_every_kind_of_body_arrives(self):
        postfix = self.postfix()
        server = self.server(sink=postfix.port)
        for data in BODIES.values():
            server.send(f"sender@{REMOTE}", [f"someone@{FOREIGN}"], data, parameters=" BODY=8BITMIME")
        got = postfix.wait_for_mail(len(BODIES))
        self.assertEqual(sorted(without_trace(m, b"\n") for m in got), sorted(to_lf(d) for d in BODIES.values()))
        self.assertTrue(all(m.startswith(f"Return-Path: <sender@{REMOTE}>\n".encode()) for m in got))
        self.assertEqual(len(server.wait_for_event("delivered", len(BODIES))), len(BODIES))

    def test_starttls_is_used_when_offered(self):
        certificate, key = ringpost.certificate()
        postfix = self.postfix(smtpd_tls_security_level="may", smtpd_tls_cert_file=certificate, smtpd_tls_key_file=key)
        server = self.server(sink=postfix.port)
        server.send(f"sender@{REMOTE}", [f"someone@{FOREIGN}"], message())
        (mail,) = postfix.wait_for_mail()
        self.assertRegex(mail.decode(), r"with ESMTPS id")
        (delivered,) = server.wait_for_event("delivered")
        self.assertRegex(delivered["tls"], r"TLSv?1\.[23]")

    def test_utf8_addresses_go_by_smtputf8(self):
        postfix = self.postfix()
        server = self.server(sink=postfix.port)
        server.send(f"josé@{REMOTE}", [f"über@{FOREIGN}"], BODIES["utf8"], parameters=" SMTPUTF8 BODY=8BITMIME")
        (mail,) = postfix.wait_for_mail()
        self.assertIn(f"Delivered-To: über@{FOREIGN}".encode(), mail)

    def test_many_recipients_and_many_messages_share_connections(self):
        postfix = self.postfix()
        server = self.server(sink=postfix.port)
        with server.talk() as client:
            client.hello()
            for number in range(60):
                reply = client.send(f"sender@{REMOTE}", [f"r{i}@{FOREIGN}" for i in range(5)], message(f"number {number}"))
                self.assertEqual(reply.code, 250)
        self.assertEqual(len(postfix.wait_for_mail(300)), 300)
        sessions = postfix.read_log().count(": disconnect from")
        self.assertLess(sessions, 60)

    def test_what_postfix_refuses_comes_back_as_a_report(self):
        postfix = self.postfix(smtpd_recipient_restrictions="check_recipient_access inline:{refused@postfix.example=REJECT}, permit_mynetworks, reject")
        server = self.server(sink=postfix.port)
        server.send(f"anna@{LOCAL}", [f"refused@{FOREIGN}", f"fine@{FOREIGN}"], message())
        (report,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        self.assertIn(b"refused@postfix.example", report)
        self.assertRegex(report.decode(), r"Status: 5\.7\.1")
        self.assertEqual(len(postfix.wait_for_mail()), 1)


class IntoDovecot(SystemTest):
    def test_every_kind_of_body_arrives_over_lmtp(self):
        dovecot = self.foreign(Dovecot)
        server = self.server({"route": {"others": {"match": {"domain": "*"}, "via": f"lmtp:127.0.0.1:{dovecot.port}"}}})
        for data in BODIES.values():
            server.send(f"sender@{REMOTE}", ["someone@dovecot.example"], data, parameters=" BODY=8BITMIME")
        got = dovecot.wait_for_mail("someone@dovecot.example", len(BODIES))
        self.assertEqual(sorted(without_trace(m, b"\n") for m in got), sorted(to_lf(d) for d in BODIES.values()))

    def test_mailboxes_may_be_those_of_dovecot(self):
        dovecot = self.foreign(Dovecot)
        server = self.server({"mailboxes": {"location": f"lmtp:127.0.0.1:{dovecot.port}"}})
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}", f"bert@{LOCAL}"], COMPLETE + message())
        for name in ("anna", "bert"):
            (mail,) = dovecot.wait_for_mail(f"{name}@{LOCAL}")
            self.assertEqual(without_trace(mail, b"\n"), to_lf(COMPLETE + message()))
        self.assertEqual(len(server.wait_for_event("delivered", 2)), 2)


class IntoSmtpSink(SystemTest):
    def test_a_burst_arrives_whole(self):
        sink = self.foreign(SmtpSink)
        server = self.server(sink=sink.port)
        sent = []
        with server.talk() as client:
            client.hello()
            for number in range(200):
                sent.append(message(f"number {number}", "x" * 1000 + "\r\n"))
                self.assertEqual(client.send(f"sender@{REMOTE}", [f"r@{REMOTE}"], sent[-1]).code, 250)
        got = wait_until(lambda: len(mails := sink.mails()) == 200 and all(m.endswith(b"\n\n") for m in mails) and mails, "200 mails in smtp-sink")
        for data in sent:
            self.assertTrue(any(to_lf(data) in m for m in got))


class IntoAnotherRingpost(SystemTest):
    def test_every_kind_of_body_arrives(self):
        inner = self.server({"domains": {"local": ["inner.example"]}, "accounts": {"passwd_file": self.accounts()}})
        outer = self.server(sink=inner.port())
        for data in BODIES.values():
            outer.send(f"sender@{REMOTE}", ["carl@inner.example"], data, parameters=" BODY=8BITMIME")
        got = inner.wait_for_mailbox("carl@inner.example", len(BODIES))
        self.assertEqual(sorted(without_trace(m, b"\n") for m in got), sorted(to_lf(d) for d in BODIES.values()))

    def accounts(self):
        path = os.path.join(temp_folder(), "passwd")
        with open(path, "w") as file:
            file.write(f"carl@inner.example:{ringpost.password_hash()}:::carl:\n")
        return path


if __name__ == "__main__":
    ringpost.main()
