"""Logging in to mailboxes over IMAP and POP3, with programs that are not ours."""

import base64
import imaplib
import os
import poplib
import re

import mail_clients
import programs
import ringpost
from accounts_test import ANNA, BERT, ISSUER, token, token_key
from programs import run, temp_folder, wait_until
from ringpost import HOSTNAME, LOCAL, PASSWORD, REMOTE, SystemTest, message
from scram import Scram
from talk import Talk, trusting_context

LISTENERS = {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
             "imaptls": {"protocol": "imap", "tls": "offered"},
             "imaps": {"protocol": "imap", "tls": "implicit"},
             "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True},
             "pop3tls": {"protocol": "pop3", "tls": "offered"},
             "pop3s": {"protocol": "pop3", "tls": "implicit"}}


class LoginTest(SystemTest):
    """Its users are those of `ringpost user`, so that each has keys for SCRAM."""

    def logins(self, accounts=None, **options):
        config = {"mailboxes": {"location": "store"}, "listener": LISTENERS,
                  "accounts": {"userdb": ["sqlite"], "passdb": ["sqlite"], "passwd_file": None, **(accounts or {})}}
        server = self.server(ringpost.merged(config, options))
        for name in (ANNA, BERT):
            server.command_ok("user", "add", name, input=PASSWORD.encode() + b"\n")
        return server

    def imap(self, server, listener="imap"):
        return mail_clients.imap(self, server.port(listener), listener == "imaps")

    def pop3(self, server, listener="pop3"):
        return mail_clients.pop3(self, server.port(listener), listener == "pop3s")

    @staticmethod
    def pop3_scram(client, scram):
        """poplib knows no SASL: the lines of AUTH by its own means."""
        challenge = client._shortcmd(f"AUTH SCRAM-SHA-256 {base64.b64encode(scram.first()).decode()}")
        while challenge.startswith(b"+ "):
            answer = scram.answer(base64.b64decode(challenge[2:]))
            challenge = client._shortcmd(base64.b64encode(answer).decode())
        return challenge


class Mechanisms(LoginTest):
    def test_what_is_offered_before_and_inside_tls(self):
        server = self.logins()
        client = self.imap(server, "imaptls")
        self.assertIn("LOGINDISABLED", client.capabilities)
        self.assertFalse([name for name in client.capabilities if name.startswith("AUTH=")])
        with self.assertRaisesRegex(imaplib.IMAP4.error, "PRIVACYREQUIRED"):
            client.login(ANNA, PASSWORD)
        client.starttls(trusting_context())
        names = [name for name in client.capabilities if name.startswith("AUTH=")]
        self.assertEqual(names, ["AUTH=SCRAM-SHA-256-PLUS", "AUTH=SCRAM-SHA-256", "AUTH=PLAIN", "AUTH=LOGIN"])
        self.assertEqual(client.login(ANNA, PASSWORD)[0], "OK")
        pop = self.pop3(server, "pop3tls")
        self.assertNotIn("SASL", pop.capa())
        with self.assertRaisesRegex(poplib.error_proto, "STLS"):
            pop.user(ANNA)
        pop.stls(trusting_context())
        self.assertEqual(pop.capa()["SASL"], ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])

    def test_imaplib_by_scram(self):
        server = self.logins()
        for listener in ("imap", "imaps"):
            for user, password, good in ((ANNA, PASSWORD, True), (ANNA, "wrong", False), (f"nobody@{LOCAL}", PASSWORD, False)):
                with self.subTest(listener=listener, user=user, good=good):
                    client, scram = self.imap(server, listener), Scram(user, password)
                    if good:
                        self.assertEqual(client.authenticate("SCRAM-SHA-256", scram.answer)[0], "OK")
                        self.assertTrue(scram.proven)
                        self.assertEqual(client.select("INBOX")[0], "OK")
                    else:
                        with self.assertRaisesRegex(imaplib.IMAP4.error, r"AUTHENTICATIONFAILED\] Authentication failed"):
                            client.authenticate("SCRAM-SHA-256", scram.answer)

    def test_poplib_by_scram(self):
        server = self.logins()
        for listener, user in (("pop3", ANNA), ("pop3s", BERT)):  # a maildrop has one session
            client, scram = self.pop3(server, listener), Scram(user, PASSWORD)
            self.assertTrue(self.pop3_scram(client, scram).startswith(b"+OK"))
            self.assertTrue(scram.proven)
            self.assertEqual(client.stat(), (0, 0))
            with self.assertRaisesRegex(poplib.error_proto, r"\[AUTH\] Authentication failed"):
                self.pop3_scram(self.pop3(server, listener), Scram(user, "wrong"))

    def test_gsasl_is_bound_to_its_tls_connection(self):
        server = self.logins()
        for mechanism in ("SCRAM-SHA-256-PLUS", "PLAIN", "LOGIN"):  # inside TLS it takes no SCRAM without binding
            for password, said in ((PASSWORD, b"Logged in"), ("wrong", b"AUTHENTICATIONFAILED")):
                with self.subTest(mechanism=mechanism, password=password):
                    done = run(["gsasl", "--imap", f"--connect=localhost:{server.port('imaptls')}", f"--mechanism={mechanism}", f"--authentication-id={ANNA}",
                                f"--password={password}", "--starttls", f"--x509-ca-file={ringpost.certificate()[0]}",
                                f"--hostname={HOSTNAME}"], stdin=programs.subprocess.DEVNULL)
                    self.assertIn(said, done.stdout + done.stderr)

    def test_curl_by_every_mechanism(self):
        server = self.logins({"token_key": token_key(), "token_issuer": ISSUER})
        server.send(f"sender@{REMOTE}", [ANNA], message("to be fetched"))
        self.wait_for_mail(server)
        for scheme, listener in (("imaps", "imaps"), ("pop3s", "pop3s")):
            url = f"{scheme}://127.0.0.1:{server.port(listener)}/" + ("INBOX;MAILINDEX=1" if scheme == "imaps" else "1")
            for mechanism in ("PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"):
                for initial in ([], ["--sasl-ir"]):
                    with self.subTest(scheme=scheme, mechanism=mechanism, initial=initial):
                        secret = ["--user", f"{ANNA}:", "--oauth2-bearer", token(ANNA)] if "AUTH" in mechanism else ["--user", f"{ANNA}:{PASSWORD}"]
                        done = run(["curl", "--silent", "--show-error", "--insecure", url, "--login-options", f"AUTH={mechanism}", *initial, *secret])
                        self.assertEqual(done.returncode, 0, done.stderr)
                        self.assertIn(b"to be fetched", done.stdout)
            for bad in (token(BERT), token(ANNA, lives=-3600)):
                done = run(["curl", "--silent", "--show-error", "--insecure", url, "--login-options", "AUTH=XOAUTH2", "--user", f"{ANNA}:", "--oauth2-bearer", bad])
                self.assertEqual(done.returncode, 67, done.stderr)
        self.assertNotIn(PASSWORD, server.log_tail())

    def wait_for_mail(self, server):
        client = self.imap(server)
        client.login(ANNA, PASSWORD)
        wait_until(lambda: int(client.select("INBOX")[1][0]) >= 1, "the mail")

    def test_mbsync_by_scram(self):
        server = self.logins()
        server.send(f"sender@{REMOTE}", [ANNA], message("to be synced"))
        self.wait_for_mail(server)
        folder = temp_folder()
        os.mkdir(os.path.join(folder, "here"))
        path = os.path.join(folder, "mbsyncrc")
        with open(path, "w") as file:
            file.write(f"IMAPAccount there\nHost {HOSTNAME}\nTunnel \"openssl s_client -quiet -connect 127.0.0.1:{server.port('imaps')}\"\n"
                       f"User {ANNA}\nPass \"{PASSWORD}\"\nAuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount there\n\nMaildirStore near\nPath {folder}/here/\n"
                       f"Inbox {folder}/here/INBOX\n\nChannel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSyncState *\n")
        done = run(["mbsync", "-c", path, "-a", "-V"])
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        (name,) = os.listdir(f"{folder}/here/INBOX/new") + os.listdir(f"{folder}/here/INBOX/cur")
        self.assertTrue(name)


class Doors(LoginTest):
    def test_whoever_failed_too_often_waits_and_the_owner_does_not(self):
        server = self.logins()
        word = base64.b64encode(f"\0{ANNA}\0wrong".encode()).decode()
        good = base64.b64encode(f"\0{ANNA}\0{PASSWORD}".encode()).decode()

        def ask(source, what, listener="imap"):
            with Talk(server.port(listener), source=source) as client:
                client._read_line()
                client.line(f"a AUTHENTICATE PLAIN {what}" if listener == "imap" else f"AUTH PLAIN {what}")
                return client._read_line()

        self.assertIn("a OK", ask("127.0.0.2", good))
        for i in range(6):
            self.assertRegex(ask("127.0.0.3", word, ("imap", "pop3")[i % 2]), r"AUTH")
        self.assertRegex(ask("127.0.0.3", good), r"a NO \[UNAVAILABLE\] Too many failed logins, try again in \d+ seconds")
        self.assertRegex(ask("127.0.0.3", good, "pop3"), r"-ERR \[SYS/TEMP\] Too many failed logins, try again in \d+ seconds")
        self.assertIn("a OK", ask("127.0.0.2", good))
        self.assertEqual(server.figure("access_auth_delayed"), 2)
        self.assertEqual(server.figure("access_auth_failures"), 6)

    def test_one_address_has_so_many_connections(self):
        limited = {name: {**listener, "client_connection_limit": 2} for name, listener in LISTENERS.items()}
        server = self.logins(listener=limited, policy={"relay_networks": ["127.0.0.99/32"]})
        clients = []
        for _ in range(2):
            clients.append(Talk(server.port("imap"), source="127.0.0.5"))
            self.addCleanup(clients[-1].close)
            self.assertIn("* OK", clients[-1]._read_line())
        with Talk(server.port("pop3"), source="127.0.0.5") as third:
            self.assertIn("Too many connections", third._read_line())
        for source in ("127.0.0.6", "127.0.0.99"):
            with Talk(server.port("imap"), source=source) as other:
                self.assertIn("* OK", other._read_line())
        # One that has moved to another core counts until it ends there.
        clients[0].line(f"a LOGIN {ANNA} \"{PASSWORD}\"")
        self.assertIn("a OK", clients[0]._read_line())
        clients[1].line(f"a LOGIN {BERT} \"{PASSWORD}\"")
        self.assertIn("a OK", clients[1]._read_line())
        with Talk(server.port("imap"), source="127.0.0.5") as third:
            self.assertIn("Too many connections", third._read_line())
        for client in clients:
            client.close()

        def free():
            with Talk(server.port("imap"), source="127.0.0.5") as again:
                return "* OK" in again._read_line()

        wait_until(free, "the connections to be given back")
        self.assertGreaterEqual(server.figure("access_refused_connections"), 2)

    def test_a_second_pop3_session_may_try_as_somebody_else(self):
        server = self.logins()
        first = self.pop3(server)
        first.user(ANNA)
        first.pass_(PASSWORD)
        second = self.pop3(server)
        second.user(ANNA)
        with self.assertRaisesRegex(poplib.error_proto, "IN-USE"):
            second.pass_(PASSWORD)
        second.user(BERT)  # whose mailbox may be on the other core
        self.assertTrue(second.pass_(PASSWORD).startswith(b"+OK"))
        self.assertEqual(second.stat(), (0, 0))

    def test_login_delay_is_announced_and_held_to(self):
        server = self.logins(listener={"pop3": {**LISTENERS["pop3"], "login_delay": "10min"}})
        first = self.pop3(server)
        self.assertEqual(first.capa()["LOGIN-DELAY"], ["600"])
        first.user(ANNA)
        first.pass_(PASSWORD)
        first.quit()
        second = self.pop3(server)
        second.user(ANNA)
        with self.assertRaisesRegex(poplib.error_proto, "LOGIN-DELAY"):
            second.pass_(PASSWORD)
        self.assertEqual(self.imap(server).login(ANNA, PASSWORD)[0], "OK")
        second.user(BERT)
        self.assertTrue(second.pass_(PASSWORD).startswith(b"+OK"))

    def test_an_account_without_a_domain_is_one_however_it_logs_in(self):
        server = self.logins()
        server.command_ok("user", "delete", ANNA)
        server.command_ok("user", "delete", BERT)
        server.command_ok("user", "add", "carla", input=PASSWORD.encode() + b"\n")
        writer = self.imap(server)
        writer.login(f"carla@{LOCAL}", PASSWORD)
        self.assertEqual(writer.append("INBOX", None, None, message("hers"))[0], "OK")
        reader = self.imap(server)
        reader.login("carla", PASSWORD)
        self.assertEqual(reader.select("INBOX"), ("OK", [b"1"]))
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            self.imap(server).login(f"carla@{REMOTE}", PASSWORD)

    def test_a_users_own_quota_counts_from_the_moment_it_is_given(self):
        server = self.logins(mailboxes={"quota": "1MiB"})
        client = self.imap(server)
        client.login(ANNA, PASSWORD)
        mail = message("mail", body="x" * 30_000 + "\r\n")
        self.assertEqual(client.append("INBOX", None, None, mail)[0], "OK")
        server.command_ok("user", "quota", ANNA, "40KiB")
        self.assertIn(b"(STORAGE 30 40)", client.getquota('""')[1][0])
        status, said = client.append("INBOX", None, None, mail)
        self.assertEqual((status, b"OVERQUOTA" in said[0]), ("NO", True))
        self.assertEqual([row["quota"] for row in server.json_lines("mailbox", "list") if row.get("user") == ANNA], [40 << 10])
        server.command_ok("user", "quota", ANNA, "none")
        self.assertIn(b"(STORAGE 30 1024)", client.getquota('""')[1][0])
        self.assertEqual(client.append("INBOX", None, None, mail)[0], "OK")
        server.command_ok("user", "quota", ANNA, "0")  # no bound
        self.assertEqual(client.append("INBOX", None, None, message("large", body="x" * 1_500_000 + "\r\n"))[0], "OK")

    def test_select_tells_once_that_the_last_mailbox_is_left(self):
        server = self.logins()
        with Talk(server.port("imap")) as client:
            client._read_line()
            for line in (f"a LOGIN {ANNA} \"{PASSWORD}\"", "b ENABLE QRESYNC", "c SELECT INBOX"):
                client.line(line)
                while not re.match("[abc] OK", client._read_line()):
                    pass
            client.line("d SELECT INBOX")
            said = []
            while not said or not said[-1].startswith("d OK"):
                said.append(client._read_line())
            self.assertEqual(len([line for line in said if "[CLOSED]" in line]), 1, said)


if __name__ == "__main__":
    ringpost.main()
