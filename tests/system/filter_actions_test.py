"""What senders see of the spam filter, with clients that are not ours: every action in, every action out, and lists of senders."""

import os
import smtplib

import programs
import ringpost
from filter_test import ANNA, GTUBE, HAM, RULES, SENDER, SPAM, FilterTest
from foreign import maildir
from programs import run, run_ok, wait_until
from ringpost import LOCAL, PASSWORD, REMOTE, UNTRUSTED, message
from sink import Sink

TAGGED = b"Subject: [SPAM] buy"
REFUSAL = r"550 5\.7\.1 "


class ActionsTest(FilterTest):
    def by_swaks(self, server, data, sender=SENDER):
        """(its exit status, what it said): 0 sent, 26 the mail was refused."""
        path = os.path.join(self.rules_folder, "mail.txt")
        with open(path, "wb") as file:
            file.write(data.replace(b"\r\n", b"\n"))
        done = run(["swaks", "--server", "127.0.0.1", "--port", server.port(), "--local-interface", UNTRUSTED, "--helo", "client.example", "--from", sender,
                    "--to", ANNA, "--data", "@" + path])
        return done.returncode, (done.stdout + done.stderr).decode()

    def by_smtplib(self, server, data, sender=SENDER):
        with smtplib.SMTP("127.0.0.1", server.port(), "client.example", programs.PATIENCE, (UNTRUSTED, 0)) as client:
            client.sendmail(sender, [ANNA], data)

    def taken(self, server, data, **how):
        """By both clients."""
        status, said = self.by_swaks(server, data, **how)
        self.assertEqual(status, 0, said)
        self.by_smtplib(server, data, **how)

    def refused(self, server, data, **how):
        status, said = self.by_swaks(server, data, **how)
        self.assertEqual(status, 26, said)
        self.assertRegex(said, r"<\*\* " + REFUSAL)
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.by_smtplib(server, data, **how)
        self.assertEqual(caught.exception.smtp_code, 550)
        self.assertRegex(b"550 " + caught.exception.smtp_error, REFUSAL.encode())

    def put_in_force(self, server, **options):
        server.reconfigure({"filter": options})
        server.command_ok("reload")

    def actions(self, server, count):
        """Of the first so many mails, as the log has them."""
        return wait_until(lambda: len(found := [event["action"] for event in server.events() if "action" in event]) >= count and found, f"{count} verdicts")

    def junk(self, server):
        folder = os.path.join(server.mail_folder, LOCAL, "anna", ".Junk")
        return maildir(folder) if os.path.isdir(os.path.join(folder, "new")) else []


class Inbound(ActionsTest):
    def test_each_action_as_clients_and_mailboxes_see_it(self):
        server = self.filter_server()
        self.taken(server, HAM)
        mails = server.wait_for_mailbox(ANNA, 2)
        self.assertTrue(all(b"Subject: hello" in mail and b"X-Spam-Status: No" in mail for mail in mails))

        self.put_in_force(server, spam="tag")
        self.taken(server, SPAM)
        self.assertEqual(sum(TAGGED in mail and b"X-Spam-Flag: YES" in mail for mail in server.wait_for_mailbox(ANNA, 4)), 2)

        self.put_in_force(server, spam="junk")
        self.taken(server, SPAM)
        wait_until(lambda: len(self.junk(server)) == 2, "the mails to be in Junk")

        self.put_in_force(server, spam="quarantine")
        self.taken(server, SPAM)
        held = [line for line in server.json_lines("filter", "quarantine", "list") if "id" in line]
        self.assertEqual(len(held), 2)
        self.assertEqual({line["subject"] for line in held}, {"buy"})

        self.put_in_force(server, spam="reject")
        self.refused(server, SPAM)

        self.put_in_force(server, spam="discard")
        self.taken(server, SPAM)
        self.assertEqual(server.figure("filter_discarded"), 2)

        server.wait_until_empty()
        self.assertEqual((len(server.mailbox(ANNA)), len(self.junk(server))), (4, 2))
        self.assertEqual(self.actions(server, 12), [action for action in ("accept", "tag", "junk", "quarantine", "reject", "discard") for _ in range(2)])

    def test_gtube_is_refused_whatever_becomes_of_spam(self):
        server = self.filter_server({"spam": "tag"})
        self.refused(server, message("test", body=GTUBE + "\r\n"))

    def test_report_safe_is_0_1_or_2(self):
        marks = {0: b"\n\ncheap pills", 1: b"Content-Type: message/rfc822", 2: b"Content-Type: text/plain"}
        for number, mark in marks.items():
            with self.subTest(report_safe=number):
                server = self.filter_server(rules=RULES.replace("report_safe 0", f"report_safe {number}"))
                self.taken(server, SPAM)
                for mail in server.wait_for_mailbox(ANNA, 2):
                    self.assertIn(TAGGED, mail)
                    self.assertIn(mark, mail)
                    self.assertEqual(number > 0, b"multipart/mixed" in mail)

    def test_welcome_and_blocked_senders_are_rules_like_others(self):
        rules = RULES + """
header USER_IN_WELCOMELIST eval:check_from_in_welcomelist()
tflags USER_IN_WELCOMELIST userconf nice noautolearn
score USER_IN_WELCOMELIST -100
header USER_IN_BLOCKLIST eval:check_from_in_blocklist()
tflags USER_IN_BLOCKLIST userconf noautolearn
score USER_IN_BLOCKLIST 100
welcomelist_from *@friends.example
blocklist_from foe@*.example
"""
        server = self.filter_server({"spam": "reject"}, rules=rules)

        def sent_by(sender, data):
            return data.replace(b"From: ", b"From: " + sender.encode() + b"\r\nX-From: ", 1)

        self.taken(server, sent_by("joe@friends.example", SPAM), sender="joe@friends.example")
        self.refused(server, sent_by("foe@remote.example", HAM), sender="foe@remote.example")
        self.taken(server, sent_by("joe@remote.example", HAM), sender="joe@remote.example")
        events = server.wait_for_event("received", 4)
        self.assertEqual({event["tests"] for event in events}, {"CLIENT_PILLS,PILLS,USER_IN_WELCOMELIST", "none"})


class Outbound(ActionsTest):
    """A customer's account sends what it should not."""

    def setUp(self):
        super().setUp()
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def submit(self, server, data):
        with smtplib.SMTP("127.0.0.1", server.port("submission")) as client:
            client.starttls()
            client.login(ANNA, PASSWORD)
            return client.sendmail(ANNA, [f"x@{REMOTE}"], data)

    def submit_by_swaks(self, server, data):
        path = os.path.join(self.rules_folder, "mail.txt")
        with open(path, "wb") as file:
            file.write(data.replace(b"\r\n", b"\n"))
        done = run(["swaks", "--server", "127.0.0.1", "--port", server.port("submission"), "--tls", "--auth", "PLAIN", "--auth-user", ANNA, "--auth-password",
                    PASSWORD, "--from", ANNA, "--to", f"x@{REMOTE}", "--data", "@" + path])
        return done.returncode, (done.stdout + done.stderr).decode()

    def sent(self, count):
        wait_until(lambda: len(self.sink.mails) >= count, f"{count} mails at the sink")
        self.assertEqual(len(self.sink.mails), count)
        return [mail.data for mail in self.sink.to()]

    def test_what_users_submit_is_judged_only_when_that_is_wanted(self):
        server = self.filter_server({"spam": "reject"}, sink=self.sink)
        self.submit(server, SPAM)
        self.assertNotIn(b"X-Spam", self.sent(1)[0])
        self.assertEqual(server.figure("filter_messages"), 0)

    def test_each_action_for_spam_that_goes_out(self):
        server = self.filter_server({"spam": "reject", "outbound": "tag"}, sink=self.sink)
        self.submit(server, SPAM)
        self.assertIn(TAGGED, self.sent(1)[0])

        self.put_in_force(server, outbound="quarantine")
        self.submit(server, SPAM)
        [held] = [line for line in server.json_lines("filter", "quarantine", "list") if "id" in line]
        self.assertEqual((held["sender"], held["recipients"]), (ANNA, [f"x@{REMOTE}"]))

        self.put_in_force(server, outbound="reject")
        with self.assertRaises(smtplib.SMTPDataError) as refused:
            self.submit(server, SPAM)
        self.assertEqual(refused.exception.smtp_code, 550)
        status, said = self.submit_by_swaks(server, SPAM)
        self.assertEqual(status, 26, said)
        self.assertRegex(said, r"<~\* " + REFUSAL)

        self.put_in_force(server, outbound="discard")
        self.submit(server, SPAM)

        # The mail of users that is no spam leaves without a mark.
        self.submit(server, HAM)
        self.assertNotIn(b"X-Spam", self.sent(2)[1])
        server.command_ok("filter", "quarantine", "release", held["id"])
        self.assertIn(b"Subject: buy", self.sent(3)[2])
        self.assertEqual(self.actions(server, 6), ["tag", "quarantine", "reject", "reject", "discard", "accept"])

    def test_hosts_that_may_relay_and_the_command_sendmail_are_judged_too(self):
        server = self.filter_server({"outbound": "quarantine"}, sink=self.sink)
        server.send(SENDER, [f"x@{REMOTE}"], SPAM, source="127.0.0.1")
        run_ok([ringpost.program(), "sendmail", "-f", ANNA, f"x@{REMOTE}"], input=SPAM.replace(b"\r\n", b"\n"),
               env={**os.environ, **server.environment(), "RINGPOST_CONFIG": server.config_path})
        wait_until(lambda: server.figure("filter_quarantined") == 2, "both mails to be held")
        # From a host that may relay to our own users it comes in.
        server.send(SENDER, [ANNA], SPAM, source="127.0.0.1")
        self.assertIn(TAGGED, server.wait_for_mailbox(ANNA)[0])


if __name__ == "__main__":
    ringpost.main()
