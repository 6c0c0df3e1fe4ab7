"""Bayes in the running server: taught by commands and by itself, for the site or for a user, and never in the way of mail."""

import os
import sqlite3

import ringpost
from filter_test import ANNA, FilterTest
from programs import temp_folder, wait_until
from ringpost import LOCAL, message

BERT = f"bert@{LOCAL}"
# Four columns: without Bayes the points are others.
RULES = """
util_rb_tld example com
report_safe 0
bayes_min_ham_num 4
bayes_min_spam_num 4
body BAYES_99 eval:check_bayes('0.99', '1.00')
tflags BAYES_99 learn
score BAYES_99 0 0 3 3
body BAYES_00 eval:check_bayes('0.00', '0.01')
tflags BAYES_00 nice learn
score BAYES_00 0 0 -1 -1
body EIGHT_BODY /eight of body/
score EIGHT_BODY 8
header EIGHT_HEAD Subject =~ /eight of head/
score EIGHT_HEAD 8
body TWENTY /twenty of body/
score TWENTY 20
body FORCED /forced to learn/
tflags FORCED autolearn_force
score FORCED 1
body UNSAID /twenty that teach nothing/
tflags UNSAID noautolearn
score UNSAID 20
body ONE /one point/
score ONE 1
"""
UNTAUGHT = "bayes_auto_learn 0\n"
WORDS = {"spam": "casino lottery jackpot roulette", "ham": "agenda budget meeting schedule"}
SPAM = message("news", body="roulette jackpot casino lottery\r\n")
HAM = message("news", body="schedule meeting agenda budget\r\n")


class BayesTest(FilterTest):
    def bayes_server(self, rules=UNTAUGHT, **options):
        return self.filter_server({"reject_score": "unset", **options}, rules=RULES + rules)

    def teach(self, server, kind, text=None, *options, count=5):
        folder = temp_folder()
        os.chmod(folder, 0o755)
        for n in range(count):
            with open(os.path.join(folder, f"{n}.eml"), "wb") as file:
                file.write(message(f"{kind} {n}", body=f"number {n}\r\n\r\n{text or WORDS[kind]}\r\n"))
        [said] = server.json_lines("filter", "learn", kind, folder, *options)
        self.assertEqual(said["learned"], count, said)
        return said

    def train(self, server, *options):
        for kind in WORDS:
            self.teach(server, kind, None, *options)

    def event(self, server, data, **how):
        identity = self.accepted(server, data, **how)
        [event] = server.wait_for_event("received", queue_id=identity)
        return event

    def hits(self, server, data, **how):
        return self.event(server, data, **how)["tests"].split(",")

    def known(self, server):
        """(spam, ham): how many mails the file knows."""
        with sqlite3.connect(f"file:{server.folder}/state/bayes.db?mode=ro", uri=True) as database:
            return database.execute("SELECT coalesce(sum(spam), 0), coalesce(sum(ham), 0) FROM bayes_owners").fetchone()


class Taught(BayesTest):
    def test_what_a_command_teaches_counts_with_the_scores_for_bayes_from_a_reload_on(self):
        server = self.bayes_server()
        self.assertEqual(self.hits(server, SPAM), ["none"])
        self.assertIn("scores for plain, Bayes of 0 spam and 0 ham", server.command_ok("status"))
        self.train(server)
        server.command_ok("reload")
        event = self.event(server, SPAM)
        self.assertEqual((event["tests"], event["score"]), ("BAYES_99", 3.0))
        self.assertIn("scores for bayes, Bayes of 5 spam and 5 ham", server.command_ok("status"))
        event = self.event(server, HAM)
        self.assertEqual((event["tests"], event["score"]), ("BAYES_00", -1.0))
        self.assertEqual(server.figure("bayes_judged"), 2)
        server.restart(crash=True)
        self.assertEqual(self.hits(server, SPAM), ["BAYES_99"])

    def test_a_running_server_takes_in_what_commands_teach(self):
        server = self.bayes_server()
        self.train(server)
        server.command_ok("reload")
        late = message("news", body="mortgage refinance lender borrow interest collateral\r\n")
        self.assertNotIn("BAYES_99", self.hits(server, late))
        self.teach(server, "spam", "mortgage refinance lender borrow interest collateral")
        wait_until(lambda: "BAYES_99" in self.hits(server, late), "the lesson to be taken in")

    def test_what_is_forgotten_counts_no_more(self):
        server = self.bayes_server()
        self.train(server)
        folder = temp_folder()
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "one.eml"), "wb") as file:
            file.write(message("spam 0", body=f"number 0\r\n\r\n{WORDS['spam']}\r\n"))
        [said] = server.json_lines("filter", "learn", "spam", "--forget", folder)
        self.assertEqual((said["forgotten"], said["spam"], said["ham"]), (1, 4, 5))
        [said] = server.json_lines("filter", "learn", "ham", folder)
        self.assertEqual((said["learned"], said["spam"], said["ham"]), (1, 4, 6))

    def test_users_go_by_what_they_taught_and_others_by_the_site(self):
        server = self.bayes_server(bayes="user")
        self.train(server)
        self.teach(server, "spam", WORDS["ham"], "--user", ANNA)
        self.teach(server, "ham", WORDS["spam"], "--user", ANNA)
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM, recipients=[ANNA]), ["BAYES_00"])
        self.assertEqual(self.hits(server, HAM, recipients=[ANNA.upper().replace(LOCAL.upper(), LOCAL)]), ["BAYES_99"])
        self.assertEqual(self.hits(server, SPAM, recipients=[BERT]), ["BAYES_99"])
        self.assertEqual(self.hits(server, SPAM, recipients=[ANNA, BERT]), ["BAYES_99"])
        server.reconfigure({"filter": {"bayes": "site"}})
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM, recipients=[ANNA]), ["BAYES_99"])

    def test_without_bayes_nobody_asks_it_nor_teaches_it(self):
        server = self.bayes_server(rules="", bayes="off")
        self.train(server)
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM), ["none"])
        self.assertEqual(self.known(server), (5, 5))
        server.reconfigure({"filter": {"bayes": "site"}})
        server.command_ok("reload")
        self.assertEqual(self.hits(server, SPAM), ["BAYES_99"])


class Autolearn(BayesTest):
    def learned(self, server, *data, **how):
        """How many more were learned as (spam, ham) by these mails."""
        figures = ("bayes_learned_spam", "bayes_learned_ham")
        before = [server.figure(name) for name in figures]
        for one in data:
            self.accepted(server, one, **how)
        return tuple(server.figure(name) - old for name, old in zip(figures, before))

    def test_it_learns_beyond_thresholds_with_points_from_header_and_body(self):
        server = self.bayes_server(rules="")
        self.assertEqual(self.learned(server, message("plain")), (0, 1))
        self.assertEqual(self.learned(server, message("between", body="one point\r\n")), (0, 0))
        self.assertEqual(self.learned(server, message("eight of head", body="eight of body\r\n")), (1, 0))
        self.assertEqual(self.learned(server, message("all of the body", body="twenty of body\r\n")), (0, 0))
        wait_until(lambda: self.known(server) == (1, 1), "the lessons to be written")

    def test_autolearn_force_needs_no_points_from_both_and_noautolearn_does_not_count(self):
        server = self.bayes_server(rules="")
        self.assertEqual(self.learned(server, message("forced", body="twenty of body, forced to learn\r\n")), (1, 0))
        # Spam by the whole score, ham by what may teach: neither.
        self.assertEqual(self.learned(server, message("unsaid", body="twenty that teach nothing\r\n")), (0, 0))

    def test_thresholds_are_those_of_the_rules(self):
        server = self.bayes_server(rules="bayes_auto_learn_threshold_nonspam 2\nbayes_auto_learn_threshold_spam 17\n")
        self.assertEqual(self.learned(server, message("one", body="one point\r\n")), (0, 1))
        self.assertEqual(self.learned(server, message("eight of head", body="eight of body\r\n")), (0, 0))
        self.assertEqual(self.learned(server, message("eight of head", body="eight of body and one point\r\n")), (1, 0))

    def test_it_can_be_turned_off(self):
        server = self.bayes_server(rules=UNTAUGHT)
        self.assertEqual(self.learned(server, message("plain"), message("eight of head", body="eight of body\r\n")), (0, 0))

    def test_a_refused_mail_teaches_too_and_a_known_one_teaches_nothing_new(self):
        server = self.filter_server({"reject_score": 10.0}, rules=RULES)
        spam = b"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n" + message("eight of head", body="eight of body\r\n")
        for _ in range(3):
            self.assertEqual(self.send(server, spam).code, 550)
        self.accepted(server, message("plain"))
        wait_until(lambda: self.known(server)[1] == 1, "the last lesson to be written")
        self.assertEqual(self.known(server), (1, 1))

    def test_mail_does_not_wait_for_what_it_teaches(self):
        server = self.bayes_server(rules="")
        self.accepted(server, message("first"))
        wait_until(lambda: self.known(server) == (0, 1), "the file to be there")
        held = sqlite3.connect(f"{server.folder}/state/bayes.db", isolation_level=None)
        self.addCleanup(held.close)
        held.execute("BEGIN IMMEDIATE")
        # Nothing can be written now, and everybody gets an answer all the same.
        self.assertEqual(self.learned(server, *(message(f"mail {n}", body=f"word{n}\r\n") for n in range(40))), (0, 40))
        self.assertEqual(self.known(server), (0, 1))
        held.execute("ROLLBACK")
        wait_until(lambda: self.known(server) == (0, 41), "the lessons to be written")
        self.assertEqual(server.figure("bayes_write_failures"), 0)


if __name__ == "__main__":
    ringpost.main()
