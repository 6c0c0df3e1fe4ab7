"""Logins by tokens that only their issuer can read: it is asked over HTTP (RFC 7662), as it is, and as it should not be."""

import base64
import http.server
import imaplib
import json
import os
import ssl
import threading
import time
import urllib.parse

import accounts_test
import mail_clients
import programs
import ringpost
from programs import run_ok, temp_folder
from ringpost import LOCAL, PASSWORD, SystemTest

ANNA, BERT = f"anna@{LOCAL}", f"bert@{LOCAL}"
CLIENT, SECRET = "mail server", "s3cret:with colon"
ACTIVE = {"active": True, "username": ANNA, "aud": "mail", "iss": "https://login.example"}


class Issuer:
    """An endpoint that knows some tokens. An answer is an object, (status, bytes), or a function that makes one."""

    def __init__(self, test, tls=None):
        self.answers, self.asked, self.lock, self.gone = {}, [], threading.Lock(), False
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True)
                token = form["token"][0]
                if issuer.gone:  # connections that were kept end too
                    self.close_connection = True
                    return
                with issuer.lock:
                    issuer.asked.append((token, form, dict(self.headers)))
                answer = issuer.answers.get(token, {"active": False})
                if callable(answer):
                    answer = answer()
                status, body = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{issuer.port}/elsewhere")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # of who hangs up, or does not trust us

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/introspect"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.server.server_close)
        test.addCleanup(self.server.shutdown)

    def times(self, token):
        with self.lock:
            return sum(1 for asked, _, _ in self.asked if asked == token)


def certificate(name):
    """Self-signed, for one name or address."""
    folder = temp_folder()
    os.chmod(folder, 0o755)
    paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    run_ok(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=login", "-addext",
            f"subjectAltName={name}", "-keyout", paths[1], "-out", paths[0]])
    for path in paths:
        os.chmod(path, 0o644)
    return paths


def secret_file():
    folder = temp_folder()
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "secret")
    with open(path, "w") as file:
        file.write(SECRET + "\n")
    os.chmod(path, 0o644)
    return path


class TokenEndpoint(SystemTest):
    def server_of(self, issuer, users=(ANNA, BERT), **accounts):
        server = self.server({"mailboxes": {"location": "store"}, "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True}},
                              "accounts": {"userdb": ["sqlite"], "passdb": ["sqlite"], "passwd_file": None, "token_introspection": issuer.url, "token_claim": "username",
                                           "login_trusted_networks": ["127.0.0.0/8"], **accounts}})
        for name in users:
            server.command_ok("user", "add", name, input=PASSWORD.encode() + b"\n")
        return server

    def login(self, server, token):
        """"OK", or the code of the refusal."""
        client = mail_clients.imap(self, server.port("imap"))
        said = iter((f"n,,\1auth=Bearer {token}\1\1".encode(), b"\1"))
        try:
            self.assertEqual(client.authenticate("OAUTHBEARER", lambda _: next(said))[0], "OK")
        except imaplib.IMAP4.error as refused:
            return str(refused).split("[")[1].split("]")[0]
        finally:
            client.logout()
        return "OK"

    def test_an_active_token_lets_in_and_is_asked_about_once(self):
        issuer = Issuer(self)
        server = self.server_of(issuer, token_client=CLIENT, token_client_secret=secret_file(), token_audience="mail", token_issuer="https://login.example")
        tokens = {"good": ACTIVE, "good.with~all-of_them+/==": {**ACTIVE, "aud": ["news", "mail"], "exp": time.time() + 3600}, "of-bert": {**ACTIVE, "username": BERT}}
        issuer.answers = tokens
        for token in tokens:
            for _ in range(3):
                self.assertEqual(self.login(server, token), "OK")
            self.assertEqual(issuer.times(token), 1)
        for _, form, headers in issuer.asked:
            self.assertEqual(form["token_type_hint"], ["access_token"])
            self.assertEqual(headers["Authorization"], "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode())
            self.assertEqual(headers["Content-Type"], "application/x-www-form-urlencoded")
        self.assertNotIn("good.with", server.log_tail())

    def test_what_must_not_let_in(self):
        issuer = Issuer(self)
        server = self.server_of(issuer, token_audience="mail", token_issuer="https://login.example")
        now = time.time()
        issuer.answers = {"inactive": {"active": False, "username": ANNA, "aud": "mail", "iss": "https://login.example"},
                          "other-audience": {**ACTIVE, "aud": "news"}, "audiences": {**ACTIVE, "aud": ["news", ["mail"]]}, "no-audience": {"active": True, "username": ANNA},
                          "other-issuer": {**ACTIVE, "iss": "https://evil.example"}, "expired": {**ACTIVE, "exp": now - 3600}, "strange-end": {**ACTIVE, "exp": "soon"},
                          "not-yet": {**ACTIVE, "nbf": now + 3600}, "nobody": {**ACTIVE, "username": f"nobody@{LOCAL}"}, "no-name": {**ACTIVE, "username": ""},
                          "number": {**ACTIVE, "username": 7}, "bound": {**ACTIVE, "cnf": {"jkt": "x"}}}
        for token in [*issuer.answers, "unknown"]:
            with self.subTest(token=token):
                self.assertEqual(self.login(server, token), "AUTHENTICATIONFAILED")
        # The same token may become good.
        issuer.answers["inactive"] = ACTIVE
        self.assertEqual(self.login(server, "inactive"), "OK")

    def test_an_endpoint_that_fails_or_lies_refuses_nobody_for_good(self):
        issuer = Issuer(self)
        server = self.server_of(issuer, token_timeout="3s")
        body = json.dumps(ACTIVE).encode()
        issuer.answers = {"status-500": (500, body), "status-401": (401, body), "redirect": (302, body), "no-json": (200, b"<html>active</html>"), "half": (200, body[:-5]),
                          "list": (200, b"[" + body + b"]"), "empty": (200, b""), "text": {**ACTIVE, "active": "true"}, "one": {**ACTIVE, "active": 1},
                          "silent": {"username": ANNA}, "deep": (200, b'{"active":true,"username":' + b"[" * 30000), "too-long": (200, body + b" " * (64 * 1024 + 1 - len(body))),
                          "hangs": lambda: time.sleep(8) or ACTIVE}
        for token in issuer.answers:
            with self.subTest(token=token):
                self.assertEqual(self.login(server, token), "UNAVAILABLE")
        self.assertEqual(self.login(server, "unknown"), "AUTHENTICATIONFAILED")
        why = [event["reason"] for event in server.events("rejected")]
        self.assertTrue(any("token_client_secret" in reason for reason in why), why)
        self.assertTrue(any("Timeout" in reason or "timed out" in reason for reason in why), why)
        # A password costs none of that time, and the longest answer that is taken is one byte shorter.
        client = mail_clients.imap(self, server.port("imap"))
        self.assertEqual(client.login(ANNA, PASSWORD)[0], "OK")
        issuer.answers["long"] = (200, body + b" " * (64 * 1024 - len(body)))
        self.assertEqual(self.login(server, "long"), "OK")
        issuer.gone = True
        issuer.server.shutdown()
        issuer.server.server_close()
        self.assertEqual(self.login(server, "nobody-there"), "UNAVAILABLE")
        self.assertEqual(self.login(server, "long"), "OK", "it was asked about before")

    def test_slow_answers_stop_nobody(self):
        issuer = Issuer(self)
        server = self.server_of(issuer)
        released = threading.Event()
        self.addCleanup(released.set)
        issuer.answers = {f"slow{i}": lambda: released.wait(programs.PATIENCE) and ACTIVE for i in range(6)}
        said = {}
        waiting = [threading.Thread(target=lambda token=token: said.update({token: self.login(server, token)})) for token in issuer.answers]
        for thread in waiting:
            thread.start()
        programs.wait_until(lambda: len(issuer.asked) == 6, "six questions at once")
        client = mail_clients.imap(self, server.port("imap"))
        self.assertEqual(client.login(BERT, PASSWORD)[0], "OK")
        released.set()
        for thread in waiting:
            thread.join()
        self.assertEqual(set(said.values()), {"OK"})

    def test_a_server_that_stops_does_not_wait_for_an_answer(self):
        issuer = Issuer(self)
        server = self.server_of(issuer, token_timeout="1m")
        released = threading.Event()
        self.addCleanup(released.set)
        issuer.answers = {"slow": lambda: released.wait(programs.PATIENCE) and ACTIVE}
        client = mail_clients.imap(self, server.port("imap"))
        client.send(b"a AUTHENTICATE OAUTHBEARER " + base64.b64encode(b"n,,\1auth=Bearer slow\1\1") + b"\r\n")
        programs.wait_until(lambda: issuer.asked, "the question")
        server.stop()
        self.assertFalse(released.is_set())

    def test_answers_hold_no_longer_than_they_may(self):
        issuer = Issuer(self)
        issuer.answers = {"good": ACTIVE}
        server = self.server_of(issuer, token_kept="0s")
        for _ in range(2):
            self.assertEqual(self.login(server, "good"), "OK")
        self.assertEqual(issuer.times("good"), 2)
        issuer.answers = {}
        self.assertEqual(self.login(server, "good"), "AUTHENTICATIONFAILED", "it was revoked")

    def test_tls_is_verified(self):
        right, wrong = certificate("IP:127.0.0.1"), certificate("IP:127.0.0.2")
        for shown, trusted, said in ((right, right[0], "OK"), (wrong, wrong[0], "UNAVAILABLE"), (right, wrong[0], "UNAVAILABLE"), (right, "", "UNAVAILABLE")):
            with self.subTest(shown=shown, trusted=trusted):
                issuer = Issuer(self, tls=shown)
                issuer.answers = {"good": ACTIVE}
                server = self.server_of(issuer, users=(ANNA,), token_authorities=trusted)
                self.assertEqual(self.login(server, "good"), said)
                self.assertEqual(len(issuer.asked), 1 if said == "OK" else 0)

    def test_signed_tokens_and_others_side_by_side(self):
        issuer = Issuer(self)
        issuer.answers = {"good": {**ACTIVE, "email": ANNA, "iss": accounts_test.ISSUER}}
        server = self.server_of(issuer, token_key=accounts_test.token_key(), token_issuer=accounts_test.ISSUER, token_claim="email")
        self.assertEqual(self.login(server, accounts_test.token(ANNA)), "OK")
        self.assertEqual(self.login(server, accounts_test.token(ANNA, secret="x" * 32)), "AUTHENTICATIONFAILED")
        self.assertEqual(issuer.asked, [])
        self.assertEqual(self.login(server, "good"), "OK")

    def test_configurations_that_cannot_work_are_refused(self):
        server = self.server_of(Issuer(self), users=())
        server.stop()
        for accounts, said in (({"token_introspection": "http://login.example/x"}, "unprotected"), ({"token_introspection": "http://127.0.0.1.evil.example/"}, "unprotected"),
                               ({"token_client": "x"}, "belong together"), ({"token_introspection": "", "token_audience": "x"}, "nothing to check them with")):
            with self.subTest(accounts=accounts):
                server.reconfigure({"accounts": accounts})
                done = server.command("check")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(said, (done.stdout + done.stderr).decode())
                server.reconfigure({"accounts": {"token_introspection": "https://login.example/x", "token_client": "", "token_audience": ""}})


if __name__ == "__main__":
    ringpost.main()
