"""Programs that are not ours send through Ringpost, and every byte arrives."""

import email.message
import email.policy
import os
import smtplib

import foreign
import programs
import ringpost
from programs import run, run_ok, temp_folder, wait_until
from ringpost import LOCAL, PASSWORD, REMOTE, SystemTest, to_lf, without_trace
from sink import Sink
from talk import trusting_context

# What is sent, by name: with CRLF line ends.
BODIES = {
    "plain": b"Subject: plain\r\n\r\nHello.\r\n",
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.a\r\nx.\r\n.\r\n",
    "empty_body": b"Subject: empty\r\n\r\n",
    "latin1": b"Subject: latin\r\nContent-Transfer-Encoding: 8bit\r\n\r\ncaf\xe9 " + bytes(range(128, 256)) + b"\r\n",
    "utf8": "Subject: über\r\nContent-Transfer-Encoding: 8bit\r\n\r\n日本語 café 🜁\r\n".encode(),
    "long_lines": b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n" + b"y" * 30_000 + b"\r\n",
    "big": b"Subject: big\r\n\r\n" + b"".join(b"%07d " % i * 9 + b"\r\n" for i in range(70_000)),
    "blank_lines": b"Subject: blank\r\n\r\n\r\n\r\n\r\n",
}

# In front of a message: then nobody on the way has a field to add.
COMPLETE = b"From: anna@local.example\r\nMessage-ID: <test@client.example>\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\n"


def arrived(mail):
    return without_trace(mail.data)


class Clients(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.the_server = ringpost.Server(
            {"listener": {"secure": {"protocol": "submission", "tls": "implicit"}, "relay": {"protocol": "smtp", "tls": "none"}}}, sink=cls.sink)
        cls.addClassCleanup(cls.the_server.end)
        cls.folder = temp_folder()

    def to(self, name):
        return f"{self.id().rsplit('.', 1)[-1]}.{name}@{REMOTE}"

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def check(self, recipient, data):
        (mail,) = self.sink.wait_for_mail(to=recipient)
        self.assertTrue(arrived(mail) == data, f"{len(arrived(mail))} bytes arrived, {len(data)} were sent: {arrived(mail)[:300]!r}")
        return mail

    # ---- Python's smtplib ----

    def test_smtplib_sends_every_kind_of_body(self):
        for name, data in BODIES.items():
            with self.subTest(body=name), smtplib.SMTP("127.0.0.1", self.the_server.port(), timeout=programs.PATIENCE) as client:
                client.sendmail(f"sender@{REMOTE}", [self.to(name)], data, mail_options=["BODY=8BITMIME"])
            self.check(self.to(name), data)

    def test_smtplib_with_starttls_and_auth(self):
        with smtplib.SMTP("127.0.0.1", self.the_server.port("submission"), timeout=programs.PATIENCE) as client:
            client.starttls(context=trusting_context())
            client.login(f"anna@{LOCAL}", PASSWORD)
            message = email.message.EmailMessage(policy=email.policy.SMTP)
            message["From"], message["To"], message["Subject"] = f"anna@{LOCAL}", self.to("x"), "submitted"
            message.set_content("Hello.\n")
            client.send_message(message)
        (mail,) = self.sink.wait_for_mail(to=self.to("x"))
        self.assertTrue(arrived(mail).endswith(b"Hello.\r\n"))
        self.assertIsNotNone(mail.header("Date"))  # a submission that lacks them is completed (RFC 6409 section 8)
        self.assertIsNotNone(mail.header("Message-ID"))
        self.assertNotIn(PASSWORD, self.the_server.log_tail())

    def test_smtplib_over_implicit_tls_with_auth_login(self):
        with smtplib.SMTP_SSL("127.0.0.1", self.the_server.port("secure"), timeout=programs.PATIENCE, context=trusting_context()) as client:
            client.ehlo()
            client.user, client.password = f"anna@{LOCAL}", PASSWORD
            client.auth("LOGIN", client.auth_login)
            client.sendmail(f"anna@{LOCAL}", [self.to("x")], COMPLETE + BODIES["big"])
        self.check(self.to("x"), COMPLETE + BODIES["big"])

    def test_smtplib_with_utf8_addresses(self):
        with smtplib.SMTP("127.0.0.1", self.the_server.port(), timeout=programs.PATIENCE) as client:
            client.sendmail(f"josé@{REMOTE}", [f"ü.{self.to('x')}"], BODIES["utf8"], mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        mail = self.check(f"ü.{self.to('x')}", BODIES["utf8"])
        self.assertEqual(mail.sender, f"josé@{REMOTE}")
        self.assertIn("SMTPUTF8", mail.parameters)

    def test_a_wrong_password_is_refused(self):
        with smtplib.SMTP("127.0.0.1", self.the_server.port("submission"), timeout=programs.PATIENCE) as client:
            client.starttls(context=trusting_context())
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                client.login(f"anna@{LOCAL}", "wrong")
            self.assertEqual(refused.exception.smtp_code, 535)

    # ---- swaks ----

    def swaks(self, *arguments):
        return run_ok(["swaks", "--server", "127.0.0.1", "--port", self.the_server.port(), "--from", f"sender@{REMOTE}", "--helo", "client.example",
                       "--suppress-data", *arguments])

    def test_swaks_sends_every_kind_of_body(self):
        for name in ("plain", "latin1", "utf8"):  # a dot alone would end swaks' own input
            path = self.file(name + ".eml", to_lf(BODIES[name]))
            with self.subTest(body=name):
                self.swaks("--to", self.to(name), "--data", "@" + path)
                (mail,) = self.sink.wait_for_mail(to=self.to(name))
                # swaks ends each body with an empty line of its own.
                self.assertEqual(arrived(mail).rstrip(b"\r\n"), BODIES[name].rstrip(b"\r\n"))

    def test_swaks_with_pipelining_and_tls(self):
        self.swaks("--to", self.to("x"), "--pipeline", "--tls", "--header", "Subject: piped")
        (mail,) = self.sink.wait_for_mail(to=self.to("x"))
        self.assertEqual(mail.header("Subject"), "piped")
        self.assertIn("ESMTPS", mail.header("Received"))

    def test_swaks_with_auth(self):
        for mechanism in ("PLAIN", "LOGIN"):
            with self.subTest(mechanism=mechanism):
                run_ok(["swaks", "--server", "127.0.0.1", "--port", self.the_server.port("submission"), "--tls", "--auth", mechanism, "--auth-user",
                        f"anna@{LOCAL}", "--auth-password", PASSWORD, "--from", f"anna@{LOCAL}", "--to", self.to(mechanism)])
                self.sink.wait_for_mail(to=self.to(mechanism))

    def test_swaks_is_refused_as_a_relay_from_elsewhere(self):
        done = run(["swaks", "--server", "127.0.0.1", "--port", self.the_server.port(), "--local-interface", ringpost.UNTRUSTED, "--from",
                    f"sender@{REMOTE}", "--to", self.to("x")])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"554 5.7.1", done.stdout)

    # ---- curl ----

    def curl(self, url, recipient, path, *arguments):
        return run_ok(["curl", "--silent", "--show-error", "--url", url, "--mail-from", f"anna@{LOCAL}", "--mail-rcpt", recipient, "--upload-file", path,
                       "--insecure", *arguments])

    def test_curl_sends_every_kind_of_body(self):
        for name, data in BODIES.items():
            with self.subTest(body=name):
                self.curl(f"smtp://127.0.0.1:{self.the_server.port()}/client.example", self.to(name), self.file(name + ".crlf", data))
                self.check(self.to(name), data)

    def test_curl_over_tls_with_auth(self):
        path = self.file("auth.crlf", COMPLETE + BODIES["big"])
        for name, url in (("starttls", f"smtp://127.0.0.1:{self.the_server.port('submission')}"), ("implicit", f"smtps://127.0.0.1:{self.the_server.port('secure')}")):
            with self.subTest(tls=name):
                self.curl(url, self.to(name), path, "--ssl-reqd", "--user", f"anna@{LOCAL}:{PASSWORD}")
                self.check(self.to(name), COMPLETE + BODIES["big"])

    # ---- msmtp ----

    def msmtp(self, recipient, data, *arguments):
        run_ok(["msmtp", "--file=/dev/null", "--host=127.0.0.1", "--from=anna@" + LOCAL, "--domain=client.example", "--add-missing-date-header=off",
                "--add-missing-from-header=off", *arguments, recipient], input=to_lf(data))

    def test_msmtp_sends_every_kind_of_body(self):
        for name, data in BODIES.items():
            if name == "empty_body":
                continue  # msmtp leaves the empty line of a message without a body away
            with self.subTest(body=name):
                data = COMPLETE + data
                self.msmtp(self.to(name), data, f"--port={self.the_server.port()}")
                self.check(self.to(name), data)

    def test_msmtp_with_starttls_and_auth(self):
        secret = self.file("secret", PASSWORD.encode())
        data = COMPLETE + BODIES["utf8"]
        self.msmtp(self.to("x"), data, f"--port={self.the_server.port('submission')}", "--tls=on", "--tls-certcheck=off", "--auth=plain",
                   f"--user=anna@{LOCAL}", f"--passwordeval=cat {secret}")
        self.check(self.to("x"), data)

    # ---- Postfix's smtp-source ----

    def smtp_source(self, *arguments):
        try:
            done = foreign.run_foreign("usr/sbin/smtp-source", *arguments)
        except foreign.Unavailable as error:
            if os.environ.get("CI"):
                raise
            self.skipTest(str(error))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_smtp_source_over_many_sessions(self):
        self.smtp_source("-s", "10", "-m", "300", "-l", "4096", "-f", f"sender@{REMOTE}", "-t", self.to("x"), f"inet:127.0.0.1:{self.the_server.port('relay')}")
        mails = self.sink.wait_for_mail(300, to=self.to("x"))
        self.assertEqual(len(mails), 300)
        self.assertEqual(len({arrived(m) for m in mails if len(arrived(m)) >= 4096}), len({m.header("Message-Id") for m in mails}))

    def test_smtp_source_keeps_connections_and_names_many_recipients(self):
        self.smtp_source("-d", "-s", "4", "-m", "40", "-r", "5", "-f", f"sender@{REMOTE}", "-t", self.to("x"), f"inet:127.0.0.1:{self.the_server.port('relay')}")
        self.sink.wait_for(lambda sink: sum(len(m.recipients) for m in sink.mails if any(r.endswith(self.to("x")) for r in m.recipients)) == 200,
                           "40 mails to 5 recipients each")

    def test_smtp_source_by_lmtp(self):
        server = self.server({"listener": {"lmtp": {"protocol": "lmtp", "tls": "none"}}})
        self.smtp_source("-L", "-s", "2", "-m", "10", "-f", f"sender@{REMOTE}", "-t", f"anna@{LOCAL}", f"inet:127.0.0.1:{server.port('lmtp')}")
        self.assertEqual(len(server.wait_for_mailbox(f"anna@{LOCAL}", 10)), 10)

    # ---- openssl ----

    def test_openssl_speaks_both_versions_of_tls_and_no_older_one(self):
        for version, fine in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)):
            with self.subTest(version=version):
                done = run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.the_server.port()}", "-starttls", "smtp", "-name", "client.example", version,
                            "-cipher", "DEFAULT@SECLEVEL=0", "-quiet", "-crlf", "-ign_eof"], input=b"QUIT\n")
                self.assertEqual(b"221 2.0.0" in done.stdout, fine, done.stdout + done.stderr)

    def test_openssl_resumes_a_session(self):
        session = os.path.join(self.folder, "session.pem")
        base = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.the_server.port('secure')}", "-crlf", "-ign_eof"]
        run_ok([*base, "-sess_out", session], input=b"EHLO x\nQUIT\n")
        again = run_ok([*base, "-sess_in", session], input=b"EHLO x\nQUIT\n")
        self.assertIn(b"Reused", again.stdout)

    def test_a_session_ticket_dies_with_its_key(self):
        server = self.server({"tls": {"ticket_key_lifetime": "1s"}, "listener": {"secure": {"protocol": "submission", "tls": "implicit"}}})
        session = os.path.join(server.folder, "session.pem")
        base = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port('secure')}", "-crlf", "-ign_eof"]
        run_ok([*base, "-sess_out", session], input=b"EHLO x\nQUIT\n")
        wait_until(lambda: b"Reused" not in run_ok([*base, "-sess_in", session], input=b"EHLO x\nQUIT\n").stdout, "a handshake in full")


if __name__ == "__main__":
    ringpost.main()
