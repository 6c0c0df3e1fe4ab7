"""Logging in with programs that are not ours, and what a login may then do."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pwd
import smtplib
import socket
import threading
import time

import programs
import ringpost
from programs import run, run_ok, temp_folder
from ringpost import HOSTNAME, LOCAL, PASSWORD, REMOTE, SystemTest, message
from sink import Sink
from talk import trusting_context

ANNA = f"anna@{LOCAL}"
BERT = f"bert@{LOCAL}"
TOKEN_SECRET = "a shared secret of thirty-two bytes"
ISSUER = "https://login.example"


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(name, secret=TOKEN_SECRET, lives=3600, issuer=ISSUER):
    """A JSON Web Token, signed with HS256."""
    claims = {"iss": issuer, "email": name, "exp": int(time.time()) + lives}
    text = url64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + url64(json.dumps(claims).encode())
    return (text + b"." + url64(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


def token_key():
    """A file with the secret of the service that makes tokens."""
    folder = temp_folder()
    path = os.path.join(folder, "token.key")
    with open(path, "w") as file:
        file.write(TOKEN_SECRET + "\n")
    os.chmod(folder, 0o755)
    os.chmod(path, 0o644)  # of a test: the service user must read it
    return path


class AccountsTest(SystemTest):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def accounts_server(self, accounts=None, users=(ANNA, BERT), **options):
        """Its users are those of `ringpost user`, so that each has keys for SCRAM."""
        server = self.server({"listener": {"secure": {"protocol": "submission", "tls": "implicit"},
                                           "clear": {"protocol": "submission", "tls": "none", "auth_without_tls": True}},
                              "accounts": {"userdb": ["sqlite"], "passdb": ["sqlite"], "passwd_file": None, **(accounts or {})}}, sink=self.sink, **options)
        for name in users:
            server.command_ok("user", "add", name, input=PASSWORD.encode() + b"\n")
        return server

    def msmtp(self, server, mechanism, password=PASSWORD, user=ANNA, listener="submission"):
        path = os.path.join(temp_folder(), "secret")
        with open(path, "w") as file:
            file.write(password)
        tls = {"submission": ["--tls=on", "--tls-certcheck=off"], "secure": ["--tls=on", "--tls-starttls=off", "--tls-certcheck=off"], "clear": []}[listener]
        return run(["msmtp", "--file=/dev/null", "--host=127.0.0.1", f"--from={user}", "--domain=client.example", f"--port={server.port(listener)}", *tls,
                    f"--auth={mechanism}", f"--user={user}", f"--passwordeval=cat {path}", f"x@{REMOTE}"], input=message(f"by {mechanism}").replace(b"\r\n", b"\n"))

    def greeted(self, server):
        """A port whose connections have said EHLO already: gsasl says STARTTLS first of all."""
        door = self.closing(socket.create_server(("127.0.0.1", 0)))

        def pump(source, target):
            with contextlib.suppress(OSError):  # whoever hangs up
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        def serve():
            client, _ = door.accept()
            with client, server.talk("submission") as there:
                greeting = there.reply()
                there.ask("EHLO client.example", "250")
                client.sendall(greeting.text.encode() + b"\r\n")
                back = threading.Thread(target=pump, args=(there.socket, client))
                back.start()
                pump(client, there.socket)
                back.join()

        threading.Thread(target=serve, daemon=True).start()
        return door.getsockname()[1]

    def gsasl(self, server, mechanism, password=PASSWORD, user=ANNA):
        return run(["gsasl", "--smtp", f"--connect=localhost:{self.greeted(server)}", f"--mechanism={mechanism}", f"--authentication-id={user}",
                    f"--password={password}", "--starttls", f"--x509-ca-file={ringpost.certificate()[0]}", f"--hostname={HOSTNAME}"],
                   stdin=programs.subprocess.DEVNULL)

    def curl(self, server, mechanism, bearer, user=ANNA, sender=ANNA):
        path = os.path.join(temp_folder(), "mail")
        with open(path, "wb") as file:
            file.write(message(f"by {mechanism}"))
        return run(["curl", "--silent", "--show-error", "--url", f"smtps://127.0.0.1:{server.port('secure')}/client.example", "--insecure", "--mail-from", sender,
                    "--mail-rcpt", f"x@{REMOTE}", "--upload-file", path, "--user", f"{user}:", "--oauth2-bearer", bearer, "--login-options", f"AUTH={mechanism}"])

    def check_arrived(self, subject):
        programs.wait_until(lambda: subject in [mail.header("Subject") for mail in self.sink.wait_for_mail(to=f"x@{REMOTE}")], f"{subject} at the sink")


class Mechanisms(AccountsTest):
    def test_msmtp_by_scram_plain_and_login(self):
        server = self.accounts_server()
        for mechanism in ("scram-sha-256", "plain", "login"):
            with self.subTest(mechanism=mechanism):
                done = self.msmtp(server, mechanism)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.check_arrived(f"by {mechanism}")
                refused = self.msmtp(server, mechanism, password="wrong")
                self.assertNotEqual(refused.returncode, 0)
                self.assertIn(b"535", refused.stderr)
        self.assertNotIn(PASSWORD, server.log_tail())

    def test_scram_in_clear_shows_nobody_the_password(self):
        server = self.accounts_server()
        done = self.msmtp(server, "scram-sha-256", listener="clear")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_gsasl_is_bound_to_its_tls_connection(self):
        server = self.accounts_server()
        with server.talk("secure") as client:
            client.start_tls()
            self.assertIn("AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", client.hello().text)
        for mechanism in ("SCRAM-SHA-256-PLUS", "PLAIN"):  # inside TLS it takes no SCRAM without binding
            with self.subTest(mechanism=mechanism):
                done = self.gsasl(server, mechanism)
                self.assertIn(b"235 2.7.0", done.stdout + done.stderr)
                self.assertIn(b"535 5.7.8", (refused := self.gsasl(server, mechanism, password="wrong")).stdout + refused.stderr)

    def test_keys_that_gsasl_made_serve_in_a_passwd_file(self):
        server = self.server({"accounts": {"userdb": ["passwd_file"], "passdb": ["passwd_file"]}}, sink=self.sink, start=False)
        keys = run_ok(["gsasl", "--mkpasswd", "--mechanism=SCRAM-SHA-256", f"--password={PASSWORD}"]).stdout.decode().strip()
        with open(os.path.join(server.folder, "passwd"), "w") as file:
            file.write(f"{ANNA}:{keys}:::anna:\n")
        server.start()
        for mechanism in ("scram-sha-256", "plain"):
            self.assertEqual(self.msmtp(server, mechanism).returncode, 0)

    def test_scram_waits_until_every_account_has_its_keys(self):
        server = self.server(sink=self.sink)  # its passwd-file has hashes
        with smtplib.SMTP("127.0.0.1", server.port("submission"), timeout=programs.PATIENCE) as client:
            client.starttls(context=trusting_context())
            client.ehlo()
            self.assertEqual(client.esmtp_features["auth"].split(), ["PLAIN", "LOGIN"])

    def test_argon2id_and_what_dovecot_wrote(self):
        server = self.accounts_server({"password_hash": "argon2id", "userdb": ["sqlite", "passwd_file"], "passdb": ["sqlite", "passwd_file"], "passwd_file": "passwd"})
        self.assertEqual(self.msmtp(server, "plain").returncode, 0)
        self.assertNotEqual(self.msmtp(server, "plain", password="wrong").returncode, 0)


class Tokens(AccountsTest):
    def test_curl_by_oauthbearer_and_xoauth2(self):
        server = self.accounts_server({"token_key": token_key(), "token_issuer": ISSUER})
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            with self.subTest(mechanism=mechanism):
                done = self.curl(server, mechanism, token(ANNA))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.check_arrived(f"by {mechanism}")
                for bad in (token(ANNA, secret="x" * 32), token(ANNA, lives=-3600), token(ANNA, issuer="https://other.example"), token(BERT), "no.token.atall"):
                    self.assertNotEqual(self.curl(server, mechanism, bad).returncode, 0)
                server.restart()  # or the last ones would be told to wait
        self.assertNotIn(token(ANNA).split(".")[0], server.log_tail())

    def test_tokens_are_not_offered_without_a_key(self):
        server = self.accounts_server()
        self.assertNotEqual(self.curl(server, "OAUTHBEARER", token(ANNA)).returncode, 0)


class BackOff(AccountsTest):
    def try_once(self, server, password, source=None, user=ANNA):
        word = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        with server.talk("clear", source=source) as client:
            client.hello()
            return client.ask(f"AUTH PLAIN {word}", "235|454|535").text

    def test_an_attacker_waits_and_the_owner_does_not(self):
        server = self.accounts_server()
        home, attacker = "127.0.0.2", "127.0.0.3"
        self.assertIn("235", self.try_once(server, PASSWORD, home))
        for _ in range(6):
            self.assertIn("535", self.try_once(server, "wrong", attacker))
        delayed = self.try_once(server, PASSWORD, attacker)
        self.assertRegex(delayed, r"454 4\.7\.0 Too many failed logins, try again in \d+ seconds")
        self.assertIn("235", self.try_once(server, PASSWORD, home))
        self.assertEqual(server.figure("receive_auth_delayed"), 1)
        self.assertEqual(server.figure("receive_auth_failures"), 6)
        (event,) = [event for event in server.events("rejected") if event.get("reason") == "login delayed"]
        self.assertEqual((event["peer"], event["auth_user"]), (attacker, ANNA))

    def test_an_address_that_tries_many_names_waits_for_all(self):
        server = self.accounts_server()
        answers = [self.try_once(server, "wrong", "127.0.0.3", user=f"user{i}@{LOCAL}") for i in range(12)]
        self.assertTrue(all("535" in answer for answer in answers[:11]), answers)
        self.assertIn("454 4.7.0", answers[11])
        self.assertIn("235", self.try_once(server, PASSWORD, "127.0.0.4"))

    def test_scram_waits_too(self):
        server = self.accounts_server()
        for _ in range(6):
            self.assertIn("535", self.try_once(server, "wrong", "127.0.0.3"))
        done = self.msmtp(server, "scram-sha-256", listener="clear")  # from 127.0.0.1, which this account does not know
        self.assertIn(b"454", done.stderr)


class Pam(AccountsTest):
    def test_users_of_the_system_log_in_by_pam(self):
        folder = temp_folder()
        os.chmod(folder, 0o755)
        name = next(entry.pw_name for entry in pwd.getpwall() if 0 < entry.pw_uid < 65534)
        uid = pwd.getpwnam(name).pw_uid

        def service(auth):
            with open(os.path.join(folder, "mail"), "w") as file:
                file.write(f"auth required {auth}.so\naccount required pam_permit.so\n")

        service("pam_permit")
        server = self.accounts_server({"userdb": ["sqlite", "system"], "passdb": ["sqlite", "pam"], "pam_service": "mail", "pam_folder": folder,
                                       "system_uid_min": uid}, users=(ANNA,))
        with smtplib.SMTP("127.0.0.1", server.port("clear"), timeout=programs.PATIENCE) as client:
            client.login(name, "any")
            self.assertEqual(client.mail(f"{name}@{LOCAL}")[0], 250)
        service("pam_deny")
        with smtplib.SMTP("127.0.0.1", server.port("clear"), timeout=programs.PATIENCE) as client, self.assertRaises(smtplib.SMTPAuthenticationError):
            client.login(name, "any")
        self.assertEqual(self.msmtp(server, "plain").returncode, 0, "the users of the database are no affair of PAM's")


class Ownership(AccountsTest):
    def ask(self, server, sender, user=ANNA):
        with smtplib.SMTP("127.0.0.1", server.port("clear"), timeout=programs.PATIENCE) as client:
            client.login(user, PASSWORD)
            code, text = client.mail(sender)
            return code, text.decode()

    def test_a_login_sends_as_itself_and_as_its_aliases(self):
        server = self.accounts_server()
        with open(os.path.join(server.folder, "aliases"), "w") as file:
            file.write(f"sales: {ANNA}\n")
        server.reload()
        server.command_ok("alias", "add", f"team@{LOCAL}", ANNA, BERT)
        server.command_ok("alias", "add", f"@{LOCAL}", BERT)
        for sender in (ANNA, f"Anna+news@{LOCAL}", f"team@{LOCAL}", f"sales@{LOCAL}", ""):
            self.assertEqual(self.ask(server, sender)[0], 250, sender)
        for sender in (BERT, f"anna@{REMOTE}", f"other@{LOCAL}"):
            code, text = self.ask(server, sender)
            self.assertEqual(code, 553, sender)
            self.assertRegex(text, r"5\.7\.1 Sender address rejected: .* is not owned by user anna@local\.example")
        self.assertEqual(self.ask(server, f"other@{LOCAL}", BERT)[0], 250, "the rest of the domain is Bert's")
        self.assertEqual(self.ask(server, f"sales@{LOCAL}", BERT)[0], 553)
        self.assertEqual(server.figure("receive_senders_rejected"), 4)

    def test_a_listener_may_let_everybody_send_as_anybody(self):
        server = self.server({"listener": {"clear": {"protocol": "submission", "tls": "none", "auth_without_tls": True, "any_sender": True}}}, sink=self.sink)
        self.assertEqual(self.ask(server, f"anna@{REMOTE}")[0], 250)


class Commands(AccountsTest):
    def test_an_application_password_comes_works_and_goes(self):
        server = self.accounts_server()
        password = server.command_ok("user", "passwd", ANNA, "--app", "phone").strip()
        self.assertRegex(password, r"^[0-9a-z]{5}(-[0-9a-z]{5}){3}$")
        self.assertIn("never", server.command_ok("user", "passwd", ANNA, "--apps"))
        for mechanism in ("plain", "scram-sha-256"):
            self.assertEqual(self.msmtp(server, mechanism, password=password).returncode, 0)
        (listed,) = server.json_lines("user", "passwd", ANNA, "--apps")
        self.assertEqual(listed["label"], "phone")
        self.assertGreaterEqual(listed["last_used"], listed["created"])
        server.command_ok("user", "passwd", ANNA, "--app", "phone", "--delete")
        self.assertNotEqual(self.msmtp(server, "plain", password=password).returncode, 0)
        self.assertEqual(self.msmtp(server, "plain").returncode, 0)

    def test_quotas_are_shown_as_they_were_given(self):
        server = self.accounts_server()
        server.command_ok("user", "quota", ANNA, "10GiB")
        self.assertEqual(server.command_ok("user", "quota", ANNA).strip(), "10GiB")
        self.assertEqual([user["quota"] for user in server.json_lines("user", "list")], [10 << 30, None])
        server.command_ok("user", "quota", ANNA, "none")
        self.assertEqual(server.command_ok("user", "quota", ANNA).strip(), "none")

    def test_a_catch_all_takes_what_nobody_has(self):
        server = self.accounts_server()
        server.command_ok("alias", "add", f"@{LOCAL}", ANNA)
        server.send(f"sender@{REMOTE}", [f"anything@{LOCAL}"], message("for anybody"))
        server.wait_for_mailbox(ANNA)
        server.send(f"sender@{REMOTE}", [BERT], message("for bert"))
        server.wait_for_mailbox(BERT)
        self.assertEqual(len(server.mailbox(ANNA)), 1)


if __name__ == "__main__":
    ringpost.main()
