"""`loadgen imap` and `loadgen pop3` against the real server: every operation, each way of TLS, and figures that agree with what clients then see."""

import imaplib
import json
import os
import poplib
import re

import programs
import ringpost
from programs import run
from ringpost import LOCAL, PASSWORD, SystemTest

CONFIG = {"mailboxes": {"location": "store"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True},
                       "imaps": {"protocol": "imap", "tls": "implicit"},
                       "imaptls": {"protocol": "imap", "tls": "offered"},
                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True},
                       "pop3s": {"protocol": "pop3", "tls": "implicit"},
                       "pop3tls": {"protocol": "pop3", "tls": "offered"},
                       "lmtp": {"protocol": "lmtp", "tls": "none"},
                       "submissions": {"protocol": "submission", "tls": "implicit"}}}
OPERATIONS = ("login", "noop", "list", "status", "select", "flags", "envelope", "fetch", "store", "append", "search", "idle")


class Loads(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.server = ringpost.Server(CONFIG)
        cls.addClassCleanup(cls.server.end)

    def load(self, verb, listener, what, *arguments, user="anna", password=PASSWORD, code=0):
        """`what`: the operations; none for LMTP, where nobody logs in."""
        login = ["--auth", f"{user}@{LOCAL}:{password}"] if listener != "lmtp" else []
        done = run([ringpost.loadgen(), verb, "--to", f"127.0.0.1:{self.server.port(listener)}", *login, "--json", "--quiet", "--backend", "epoll", "--timeout", "20s",
                    *([] if "--duration" in arguments else ["--duration", "30s"]), *(["--do", what] if what else []), *arguments])
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def all_acknowledged(self, said, count=None):
        self.assertEqual(said["refused"] + said["unanswered"] + said["lost_connections"] + said["greet_failures"], 0, said)
        self.assertEqual(said["troubles"], {})
        self.assertEqual(said["acknowledged"], said["begun"])
        if count is not None:
            self.assertEqual(said["acknowledged"], count)
        return said

    def imap(self, user="anna"):
        client = imaplib.IMAP4("127.0.0.1", self.server.port("imap"), timeout=programs.PATIENCE)
        self.addCleanup(client.shutdown)
        client.login(f"{user}@{LOCAL}", PASSWORD)
        return client

    def count(self, client, folder):
        answer = client.select(folder)
        self.assertEqual(answer[0], "OK")
        return int(answer[1][0])

    def test_what_is_appended_is_there_and_is_fetched(self):
        client = self.imap()
        client.create("Load")
        for literals in ("auto", "sync"):
            before = self.count(client, "Load")
            self.all_acknowledged(self.load("imap", "imap", "append", "--folder", "Load", "--size", "3KiB", "--operations", "60", "--connections", "4", "--literals", literals), 60)
            self.assertEqual(self.count(client, "Load"), before + 60)
        sizes = client.fetch("1:*", "(RFC822.SIZE)")[1]
        self.assertEqual({int(re.search(rb"SIZE (\d+)", one)[1]) for one in sizes}, {3 * 1024})
        said = self.all_acknowledged(self.load("imap", "imap", "fetch", "--folder", "Load", "--batch", "0", "--operations", "2", "--connections", "1"), 2)
        self.assertEqual(said["items"], 240)
        self.assertGreater(said["operations"]["fetch"]["bytes"], 240 * 3 * 1024)
        said = self.all_acknowledged(self.load("imap", "imap", "search", "--folder", "Load", "--criteria", "LARGER 3000", "--operations", "2", "--connections", "1"), 2)
        self.assertEqual(said["items"], 240)

    def test_what_the_server_says_of_itself_is_in_the_run_file(self):
        path = os.path.join(self.server.folder, "watched.json")
        said = self.load("imap", "imap", "append", "--rate", "40", "--duration", "2500ms", "--connections", "2", "--admin", os.path.join(self.server.folder, "run", "admin"),
                         "--run-file", path, user="bert")
        self.assertEqual(said["not_complete"], [])
        with open(path) as file:
            cores = [core for second in json.load(file)["seconds"] for core in second.get("server", [])]
        self.assertTrue(any(core["journal_frames"] > 0 and core["journal_commit_ns_p99"] > 0 for core in cores if "journal_commit_ns_p99" in core), cores)

    def test_a_wrong_password_ends_the_run(self):
        for verb, listener, what, user in (("imap", "imap", "noop", "nobody"), ("pop3", "pop3", "stat", "nobody-else")):
            said = self.load(verb, listener, what, "--operations", "5", "--connections", "1", "--duration", "10min", user=user, password="wrong", code=1)
            self.assertEqual((said["logins"], said["acknowledged"]), (0, 0))
            self.assertIn("--auth", said["not_complete"][0])

    def test_every_operation_alone_and_mixed_in_every_way_of_tls(self):
        self.load("imap", "imap", "append", "--operations", "20", "--connections", "2", user="bert")
        for operation in OPERATIONS:
            said = self.load("imap", "imap", operation, "--operations", "6", "--connections", "2", "--idle-for", "50ms", user="bert")
            self.all_acknowledged(said, 6)
            self.assertEqual(said["operations"][operation]["acknowledged"], 6)
        for listener, tls in (("imap", "none"), ("imaps", "implicit"), ("imaptls", "starttls")):
            said = self.load("imap", listener, "mix", "--tls", tls, "--operations", "80", "--connections", "3", "--idle-for", "10ms", user="bert")
            self.all_acknowledged(said, 80)
            self.assertEqual(set(said["operations"]), set(OPERATIONS))
            self.assertEqual(said["tls_sessions"], 0 if tls == "none" else said["connections"])

    def test_a_herd_waits_until_the_end_and_its_memory_is_told(self):
        said = self.load("imap", "imap", "idle", "--connections", "30", "--duration", "2s", "--pid", str(os.getpid()))
        self.all_acknowledged(said, 30)
        self.assertEqual(said["connections"], 30)
        self.assertGreater(said["server_memory"]["loaded_bytes"], 1_000_000)

    def test_an_open_loop_and_its_run_file(self):
        path = os.path.join(programs.temp_folder(), "run.json")
        said = self.load("imap", "imap", "noop", "--rate", "100", "--duration", "2s", "--connections", "4", "--run-file", path)
        self.all_acknowledged(said)
        self.assertAlmostEqual(said["begun"], 200, delta=20)
        with open(path) as file:
            kept = json.load(file)
        self.assertEqual((kept["unit"], kept["loop"], kept["summary"]["acknowledged"]), ("operations", "open", said["acknowledged"]))
        self.assertEqual(sum(second["acknowledged"] for second in kept["seconds"]), said["acknowledged"])
        self.assertNotIn(PASSWORD, json.dumps(kept))
        page = os.path.join(os.path.dirname(path), "page.html")
        self.assertEqual(run([ringpost.loadgen(), "report", path, "--html", page]).returncode, 0)
        with open(page) as file:
            self.assertIn("operations/s", file.read())

    def test_a_wrong_password_is_counted_by_its_code(self):
        said = self.load("imap", "imap", "login", "--operations", "1", "--connections", "1", user="nobody", password="wrong", code=1)
        self.assertEqual((said["acknowledged"], said["refused"]), (0, 1))
        self.assertEqual(said["codes"], {"NO [AUTHENTICATIONFAILED]": 1})

    def test_a_maildrop_is_listed_fetched_and_emptied(self):
        self.load("imap", "imap", "append", "--operations", "15", "--connections", "1", "--size", "2KiB")
        there = 15
        for listener, tls in (("pop3", "none"), ("pop3s", "implicit"), ("pop3tls", "starttls")):
            said = self.all_acknowledged(self.load("pop3", listener, "retr", "--tls", tls, "--operations", "40", "--connections", "1"), 40)
            self.assertEqual(said["items"], 40)
            self.assertEqual(said["operations"]["retr"]["bytes"], 40 * 2048)
        said = self.all_acknowledged(self.load("pop3", "pop3", "uidl,list,stat,top,noop", "--operations", "60", "--connections", "1"), 60)
        self.assertEqual(said["operations"]["uidl"]["items"], there * said["operations"]["uidl"]["acknowledged"])
        self.all_acknowledged(self.load("pop3", "pop3", "dele", "--operations", str(there), "--connections", "1"), there)
        client = poplib.POP3("127.0.0.1", self.server.port("pop3"), timeout=programs.PATIENCE)
        client.user(f"anna@{LOCAL}")
        client.pass_(PASSWORD)
        self.assertEqual(client.stat()[0], 0)
        client.quit()

    def test_mail_by_lmtp_and_by_submission_comes_into_the_mailbox(self):
        client = self.imap("bert")
        before = self.count(client, "INBOX")
        self.all_acknowledged(self.load("smtp", "lmtp", "", "--protocol", "lmtp", "--recipient", f"bert@{LOCAL}", "--messages", "20", "--messages-per-connection", "7", "--connections", "2"), 20)
        for resume in ((), ("--tls-resume",)):
            said = self.load("smtp", "submissions", "", "--protocol", "submission", "--tls", "implicit", *resume, "--from", f"anna@{LOCAL}", "--recipient", f"bert@{LOCAL}",
                             "--messages", "12", "--messages-per-connection", "2", "--connections", "1")
            self.all_acknowledged(said, 12)
            self.assertEqual(said["tls_sessions"], 6)
            self.assertEqual(said["tls_resumed"] > 0, bool(resume), said)
        programs.wait_until(lambda: self.count(client, "INBOX") == before + 44, "all mail to be there")

    def test_wrong_options_are_exit_2(self):
        for arguments in (["--do", "dance"], ["--do", "fetch", "--users", "3"], ["--do", "fetch", "--criteria", "ALL\r\nA1 LOGOUT"], []):
            done = run([ringpost.loadgen(), "imap", "--to", "127.0.0.1:9", "--auth", "a:b", *arguments])
            self.assertEqual(done.returncode, 2, arguments)


if __name__ == "__main__":
    ringpost.main()
