"""`ringpost trace` of IMAP and POP3: what is said is there, and no password and nothing of the mail."""

import base64
import imaplib
import json
import poplib
import signal

import mail_clients
import observe_test
import programs
import ringpost
from programs import wait_until
from ringpost import LOCAL, PASSWORD

ANNA = f"anna@{LOCAL}"
SMALL, LARGE = 300, 60_000  # with its response, and past it


def mail(size):
    return (b"From: Carl <carl@remote.example>\r\nSubject: hidden subject\r\n\r\n" + b"hidden words\r\n" * (size // 14))


class MailboxTrace(observe_test.Tracing):
    def setUp(self):
        self.the_server = self.server({"mailboxes": {"location": "store"}, "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                                                                                       "imaps": {"protocol": "imap", "tls": "implicit"},
                                                                                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True}}})

    def imap(self, listener="imap"):
        return mail_clients.imap(self, self.the_server.port(listener), tls=listener == "imaps")

    def traced(self, work, last, *arguments):
        """What a trace says while `work` is done: until it has said `last`."""
        process, lines = self.trace(*arguments)
        self.wait_until_traced(lines)
        work()
        said = wait_until(lambda: any(last in line.get("text", "") for line in lines()) and lines(), f"{last} in the trace")
        process.send_signal(signal.SIGINT)
        process.wait(programs.PATIENCE)
        text = json.dumps(said)
        for secret in (PASSWORD, "wrong", "hidden", base64.b64encode(f"\0{ANNA}\0{PASSWORD}".encode()).decode().rstrip("=")):
            self.assertNotIn(secret, text)
        return [line["text"] for line in said if "text" in line]

    def test_imap(self):
        def work():
            for listener in ("imap", "imaps"):
                client = self.imap(listener)
                client.login(ANNA, PASSWORD)
                for size in (SMALL, LARGE):
                    self.assertEqual(client.append("INBOX", None, None, mail(size))[0], "OK")
                client.select("INBOX")
                data = client.fetch("1:*", "(FLAGS ENVELOPE PREVIEW BODY.PEEK[] BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                self.assertIn(b"hidden subject", b"".join(part for item in data for part in item if isinstance(item, tuple)))
                client.noop()
                client.logout()
            client = self.imap()
            client.authenticate("PLAIN", lambda _: f"\0{ANNA}\0{PASSWORD}".encode())
            client.send(b"z1 LOGOUT\r\n")

        said = self.traced(work, "z1 LOGOUT")
        for wanted in (" LOGIN ***", " AUTHENTICATE PLAIN", " SELECT INBOX", "* 2 EXISTS", " NOOP", f"{len(mail(SMALL))} bytes of a message", "* BYE"):
            self.assertTrue(any(wanted in line for line in said), (wanted, said))
        self.assertTrue(any("FETCH (FLAGS" in line and "ENVELOPE (" in line for line in said), said)
        # Bytes that go past the response are counted with those inside it, and what comes behind them is a line again.
        counted = sum(int(line.split()[0]) for line in said if line.endswith("bytes of a message"))
        self.assertGreaterEqual(counted, 2 * 2 * (len(mail(SMALL)) + len(mail(LARGE))))
        self.assertIn(" BODY[HEADER.FIELDS (SUBJECT)] {%d}" % len(b"Subject: hidden subject\r\n\r\n"), said)
        self.assertIn(")", said)

    def test_pop3(self):
        client = self.imap()
        client.login(ANNA, PASSWORD)
        for size in (SMALL, LARGE):
            client.append("INBOX", None, None, mail(size))

        def work():
            pop = mail_clients.pop3(self, self.the_server.port("pop3"))
            pop.user(ANNA)
            with self.assertRaises(poplib.error_proto):
                pop.pass_("wrong")
            pop.user(ANNA)
            pop.pass_(PASSWORD)
            for number in (1, 2):
                self.assertIn(b"Subject: hidden subject", pop.retr(number)[1])
            pop.uidl()
            pop.quit()

        said = self.traced(work, "QUIT")
        for wanted in (f"USER {ANNA}", "PASS ***", "RETR 2", "UIDL", "+OK Logged in"):
            self.assertIn(wanted, said)
        counted = sum(int(line.split()[0]) for line in said if line.endswith("bytes of a message"))
        self.assertGreaterEqual(counted, len(mail(SMALL)) + len(mail(LARGE)))

    def test_of_a_domain(self):
        def work():
            for user in (ANNA, f"bert@{LOCAL}"):
                client = self.imap()
                client.login(user, PASSWORD)
                client.send(b"z1 LOGOUT\r\n")

        process, lines = self.trace("--domain", LOCAL)
        def seen():
            work()
            return any("z1 LOGOUT" in line["text"] for line in lines()) and lines()
        said = wait_until(seen, "a session of that domain")
        self.assertNotIn(PASSWORD, json.dumps(said))
        process.kill()
        process.wait()
        # One trace at a time: it is refused until the server has noticed that the first one is gone.
        def other():
            process, lines = self.trace("--domain", "other.example", "--for", "2s")
            work()
            return process.wait(programs.PATIENCE) == 0 and [lines()]
        said, = wait_until(other, "a trace of another domain")
        self.assertEqual([line for line in said if "session" in line], [])


if __name__ == "__main__":
    ringpost.main()
