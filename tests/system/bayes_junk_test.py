"""Mail that people move into or out of Junk, by Python's imaplib, teaches Bayes."""

import imaplib

import mail_clients
import ringpost
from bayes_test import ANNA, HAM, RULES, SPAM, UNTAUGHT, WORDS, BayesTest
from programs import wait_until
from ringpost import PASSWORD, message

imaplib.Commands.setdefault("MOVE", ("SELECTED",))

IMAP = {"mailboxes": {"location": "store"}, "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True}}}


class JunkTest(BayesTest):
    def junk_server(self, **options):
        server = self.filter_server({"reject_score": "unset", **options}, rules=RULES + UNTAUGHT, config=IMAP)
        self.client = mail_clients.imap(self, server.port("imap"))
        self.ok(self.client.login(ANNA, PASSWORD))
        for name, use in (("Junk", "\\Junk"), ("Trash", "\\Trash"), ("Other", None)):
            self.ok(self.client.xatom("CREATE", name, *([f"(USE ({use}))"] if use else [])))
        return server

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def append(self, folder, kind, count=5):
        for n in range(count):
            data = message(f"{kind} {n}", body=f"number {n}\r\n\r\n{WORDS[kind]}\r\n")
            self.ok(self.client.append(folder, None, None, data))

    def transfer(self, command, source, target, which="1:*"):
        self.ok(self.client.select(source))
        self.ok(self.client.uid(command, which, target))

    def learned(self, server):
        return server.figure("bayes_learned_spam"), server.figure("bayes_learned_ham")


class Moves(JunkTest):
    def test_into_junk_is_spam_and_out_of_it_is_ham(self):
        server = self.junk_server()
        self.append("INBOX", "spam")
        self.append("Junk", "ham")
        self.transfer("MOVE", "INBOX", "Junk")
        self.assertEqual(self.learned(server), (5, 0))
        self.ok(self.client.select("Junk"))
        [found] = self.ok(self.client.uid("SEARCH", "BODY", "agenda"))
        self.assertEqual(len(found.split()), 5)
        self.transfer("MOVE", "Junk", "INBOX", found.decode().replace(" ", ","))
        self.assertEqual(self.learned(server), (5, 5))
        wait_until(lambda: self.known(server) == (5, 5), "the lessons to be written")
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM), ["BAYES_99"])
        self.assertEqual(self.hits(server, HAM), ["BAYES_00"])

    def test_a_mail_that_comes_back_changes_sides(self):
        server = self.junk_server()
        self.append("INBOX", "ham", 3)
        self.transfer("COPY", "INBOX", "Junk")
        wait_until(lambda: self.known(server) == (3, 0), "the lessons to be written")
        self.transfer("MOVE", "Junk", "Other")
        wait_until(lambda: self.known(server) == (0, 3), "the mails to change sides")

    def test_other_moves_and_the_trash_teach_nothing(self):
        server = self.junk_server()
        self.append("INBOX", "ham")
        self.append("Junk", "spam")
        self.transfer("COPY", "INBOX", "Other")
        self.transfer("MOVE", "INBOX", "Trash")
        self.transfer("MOVE", "Junk", "Trash")
        self.assertEqual(self.learned(server), (0, 0))

    def test_without_bayes_nothing_is_learned(self):
        server = self.junk_server(bayes="off")
        self.append("INBOX", "spam")
        self.transfer("MOVE", "INBOX", "Junk")
        self.assertEqual(self.ok(self.client.select("Junk")), [b"5"])
        server.reconfigure({"filter": {"bayes": "site"}})
        server.command_ok("reload")
        self.append("INBOX", "ham")
        self.transfer("MOVE", "INBOX", "Junk")
        wait_until(lambda: self.known(server) == (5, 0), "the lessons to be written")

    def test_users_teach_for_themselves(self):
        server = self.junk_server(bayes="user")
        self.teach(server, "spam", WORDS["ham"])
        self.teach(server, "ham", WORDS["spam"])
        self.append("INBOX", "spam")
        self.append("Junk", "ham")
        self.transfer("COPY", "INBOX", "Junk")
        self.transfer("MOVE", "Junk", "INBOX", "1:5")
        wait_until(lambda: self.known(server) == (10, 10), "the lessons to be written")
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM, recipients=[ANNA]), ["BAYES_99"])
        self.assertEqual(self.hits(server, SPAM, recipients=[ANNA, f"bert@{ringpost.LOCAL}"]), ["BAYES_00"])


if __name__ == "__main__":
    ringpost.main()
