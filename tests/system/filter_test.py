"""The spam filter in the running server: what becomes of spam, the quarantine, and reload."""

import email
import email.policy
import glob
import os
import signal
import threading

import ringpost
from foreign import maildir
from programs import temp_folder, wait_until
from ringpost import LOCAL, REMOTE, UNTRUSTED, SystemTest, message
from sink import Sink

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
RULES = r"""
required_score 5
report_safe 0
rewrite_header Subject [SPAM]
body PILLS /cheap pills/
describe PILLS Sells pills
score PILLS 6
body OFFER /limited offer/
score OFFER 2
body GTUBE /XJS\*C4JDBQADN1\.NSBN3\*2IDNEN\*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL\*C\.34X/
score GTUBE 1000
header FROM_FRIEND From:addr =~ /^friend@/
score FROM_FRIEND -10
header __KNOWN_CLIENT X-Spam-Relays-Trusted =~ /helo=client\.example /
meta CLIENT_PILLS __KNOWN_CLIENT && PILLS
score CLIENT_PILLS 0.5
add_header spam Flag _YESNOCAPS_
add_header all Status "_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_"
"""
SPAM = message("buy", body="cheap pills\r\n")
HAM = message("hello", body="how are you?\r\n")
SENDER = f"sender@{REMOTE}"
ANNA = f"anna@{LOCAL}"


class FilterTest(SystemTest):
    def filter_server(self, options=None, rules=RULES, config=None, sink=None, start=True):
        self.rules_folder = temp_folder()
        os.chmod(self.rules_folder, 0o755)
        self.write_rules(rules)
        settings = {"filter": {"rules": [self.rules_folder], **(options or {})}}
        server = ringpost.Server(ringpost.merged(settings, config or {}), sink=sink, start=start)
        self.addCleanup(server.end)
        return server

    def write_rules(self, text, name="local.cf"):
        path = os.path.join(self.rules_folder, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def send(self, server, data, recipients=(ANNA,), listener="mx", source=UNTRUSTED):
        """The reply to the end of data."""
        with server.talk(listener, source) as client:
            client.hello("client.example")
            return client.send(SENDER, list(recipients), data)

    def accepted(self, server, data, **how):
        reply = self.send(server, data, **how)
        self.assertEqual(reply.code, 250, reply)
        return reply.queue_id

    def mail(self, server, address=ANNA):
        [mail] = server.wait_for_mailbox(address)
        return email.message_from_bytes(mail, policy=email.policy.default)


class Actions(FilterTest):
    def test_spam_is_tagged_and_other_mail_says_that_it_is_none(self):
        server = self.filter_server()
        identity = self.accepted(server, b"X-Spam-Flag: NO\r\nX-Spam-Status: No, score=-99\r\n" + SPAM)
        mail = self.mail(server)
        self.assertEqual(mail["Subject"], "[SPAM] buy")
        self.assertEqual(mail["X-Spam-Prev-Subject"], "buy")
        self.assertEqual(mail.get_all("X-Spam-Flag"), ["YES"])
        self.assertEqual(len(mail.get_all("X-Spam-Status")), 1)
        self.assertIn("score=6.5 required=5.0", mail["X-Spam-Status"])
        self.assertIn("Sells pills", mail["X-Spam-Report"])
        self.assertTrue(mail.as_bytes().endswith(b"cheap pills\n"))
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual((event["score"], event["required"], event["action"]), (6.5, 5.0, "tag"))
        self.assertEqual(event["tests"], "CLIENT_PILLS,PILLS")
        self.accepted(server, HAM, recipients=[f"bert@{LOCAL}"])
        mail = self.mail(server, f"bert@{LOCAL}")
        self.assertEqual(mail["Subject"], "hello")
        self.assertTrue(mail["X-Spam-Status"].startswith("No, score=0.0"))
        self.assertIsNone(mail["X-Spam-Flag"])
        self.assertEqual(server.figure("filter_messages"), 2)
        self.assertEqual(server.figure("filter_spam"), 1)
        self.assertIn("rules from 1 file, ", server.command_ok("status"))

    def test_a_welcome_rule_outweighs_what_is_found(self):
        server = self.filter_server()
        self.accepted(server, SPAM.replace(b"From: ", b"From: friend@example.net\r\nX-From: ", 1))
        self.assertEqual(self.mail(server)["Subject"], "buy")

    def test_spam_goes_into_the_folder_junk(self):
        server = self.filter_server({"spam": "junk"})
        self.accepted(server, SPAM)
        self.accepted(server, HAM)
        server.wait_for_event("delivered", 2)
        folder = os.path.join(server.mail_folder, LOCAL, "anna")
        [junk] = maildir(os.path.join(folder, ".Junk"))
        self.assertIn(b"Subject: [SPAM] buy", junk)
        self.assertTrue(os.path.exists(os.path.join(folder, ".Junk", "maildirfolder")))
        [mail] = server.mailbox(ANNA)
        self.assertIn(b"Subject: hello", mail)

    def test_the_mark_for_junk_outlives_a_crash(self):
        server = self.filter_server({"spam": "junk"}, config={"mailboxes": {"location": "maildir:/dev/null/%n"}})
        self.accepted(server, SPAM)
        server.wait_for_event("deferred")
        server.kill()
        server.reconfigure({"mailboxes": {"location": f"maildir:{server.mail_folder}/%d/%n"}})
        server.start()
        folder = os.path.join(server.mail_folder, LOCAL, "anna", ".Junk")
        wait_until(lambda: os.path.isdir(os.path.join(folder, "new")) and maildir(folder), "the mail to be in Junk")
        self.assertEqual(server.mailbox(ANNA), [])

    def test_spam_is_refused_at_the_end_of_data(self):
        server = self.filter_server({"spam": "reject"})
        reply = self.send(server, SPAM)
        self.assertEqual(reply.code, 550, reply)
        self.assertIn("5.7.1", str(reply))
        [event] = server.wait_for_event("rejected")
        self.assertEqual((event["score"], event["tests"], event["action"]), (6.5, "CLIENT_PILLS,PILLS", "reject"))
        self.accepted(server, HAM)
        server.wait_for_event("delivered")
        self.assertEqual(len(server.mailbox(ANNA)), 1)

    def test_gtube_is_refused_from_the_score_that_is_set_and_tagged_without_one(self):
        server = self.filter_server()
        gtube = message("test", body=GTUBE + "\r\n")
        self.assertEqual(self.send(server, gtube).code, 550)
        server.reconfigure({"filter": {"reject_score": "unset"}})
        server.command_ok("reload")
        self.accepted(server, gtube)
        self.assertIn("score=1000.0", self.mail(server)["X-Spam-Status"])

    def test_what_is_discarded_is_taken_and_delivered_to_nobody(self):
        server = self.filter_server({"discard_score": 6})
        identity = self.accepted(server, SPAM)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual(event["action"], "discard")
        self.assertEqual(server.queue_count(), 0)
        self.accepted(server, HAM)
        server.wait_for_event("delivered")
        self.assertEqual(len(server.mailbox(ANNA)), 1)

    def test_lmtp_refuses_for_each_recipient(self):
        server = self.filter_server({"spam": "reject"}, config={"listener": {"lmtp": {"protocol": "lmtp", "tls": "none"}}})
        with server.talk("lmtp", "127.0.0.1") as client:
            client.hello("client.example", "LHLO")
            client.ask(f"MAIL FROM:<{SENDER}>", "250")
            client.ask(f"RCPT TO:<{ANNA}>", "250")
            client.ask(f"RCPT TO:<bert@{LOCAL}>", "250")
            client.ask("DATA", "354")
            client.raw(SPAM + b".\r\n")
            replies = [client.reply(), client.reply()]
        self.assertEqual([reply.code for reply in replies], [550, 550])


class Reports(FilterTest):
    def test_the_mail_is_inside_of_a_report_as_it_came(self):
        server = self.filter_server(rules=RULES.replace("report_safe 0", "report_safe 1"))
        spam = SPAM + b".dotted\r\n"
        with server.talk("mx", UNTRUSTED) as client:
            client.hello("client.example")
            self.assertEqual(client.send(SENDER, [ANNA], spam).code, 250)
        mail = self.mail(server)
        self.assertEqual(mail.get_content_type(), "multipart/mixed")
        self.assertEqual(mail["Subject"], "[SPAM] buy")
        self.assertEqual(mail["X-Spam-Flag"], "YES")
        report, original = mail.iter_parts()
        self.assertIn("Sells pills", report.get_content())
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertEqual(original.get_content()["Subject"], "buy")
        [raw] = server.mailbox(ANNA)
        self.assertIn(spam.replace(b"\r\n", b"\n"), raw)

    def test_report_safe_2_shows_it_as_text(self):
        server = self.filter_server(rules=RULES.replace("report_safe 0", "report_safe 2"))
        self.accepted(server, SPAM)
        _, original = self.mail(server).iter_parts()
        self.assertEqual(original.get_content_type(), "text/plain")
        self.assertIn("Subject: buy", original.get_content())

    def test_a_report_with_lines_that_begin_with_a_dot_goes_on_whole(self):
        rules = RULES.replace("report_safe 0", "report_safe 1") + "clear_report_template\nreport one\nreport .two\nreport ..three\n"
        sink = Sink()
        self.addCleanup(sink.close)
        server = self.filter_server(rules=rules, config={"policy": {"relay_domains": ["relayed.example"]}}, sink=sink)
        spam = SPAM + b".\r\n..\r\n"
        self.accepted(server, spam, recipients=["x@relayed.example"])
        wait_until(lambda: sink.mails, "the mail at the sink")
        body = sink.to()[0].data
        self.assertIn(b"\r\none\r\n.two\r\n..three\r\n", body)
        self.assertIn(spam, body)


class Large(FilterTest):
    def large(self, size, subject="large", first="cheap pills"):
        lines = size // 64
        return message(subject, body=first + "\r\n" + ("x" * 62 + "\r\n") * lines)

    def test_mails_of_every_size_are_judged_and_keep_their_bytes(self):
        server = self.filter_server()
        for size in (30_000, 200_000, 261_000, 300_000, 520_000, 700_000, 3_000_000):
            data = self.large(size)
            identity = self.accepted(server, data)
            [event] = server.wait_for_event("received", queue_id=identity)
            self.assertEqual(event["action"], "tag", size)
            server.wait_for_event("delivered", queue_id=identity)
            mail = next(m for m in server.mailbox(ANNA) if b"id " + identity.encode() in m)
            head, _, body = mail.partition(b"\n\n")
            self.assertIn(b"Subject: [SPAM] large", head)
            self.assertEqual(body, data.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n"), size)
            self.assertTrue(identity)

    def test_of_a_large_mail_only_the_first_part_counts(self):
        server = self.filter_server({"scan_size": "256KiB"})
        late = self.large(600_000, first="begin") + b"cheap pills\r\n"
        identity = self.accepted(server, late)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual((event["action"], event["tests"]), ("accept", "none"))

    def test_a_large_mail_that_is_refused_leaves_nothing_behind(self):
        server = self.filter_server({"spam": "reject"})
        self.assertEqual(self.send(server, self.large(3_000_000)).code, 550)
        self.assertEqual(server.figure("intake_streamed"), 0)
        self.assertEqual(server.queue_count(), 0)

    def test_a_large_mail_is_put_into_a_report(self):
        server = self.filter_server(rules=RULES.replace("report_safe 0", "report_safe 1"))
        data = self.large(1_000_000)
        self.accepted(server, data)
        mail = self.mail(server)
        _, original = mail.iter_parts()
        self.assertEqual(original.get_content()["Subject"], "large")
        [raw] = server.mailbox(ANNA)
        self.assertIn(data.replace(b"\r\n", b"\n"), raw)


class Quarantine(FilterTest):
    def quarantined(self, server):
        return [line for line in server.json_lines("filter", "quarantine", "list") if "id" in line]

    def test_a_mail_waits_over_a_crash_and_is_delivered_when_it_is_released(self):
        server = self.filter_server({"spam": "quarantine"})
        identity = self.accepted(server, SPAM)
        server.restart(crash=True)
        [line] = wait_until(lambda: self.quarantined(server), "the quarantine to be read")
        self.assertEqual((line["id"], line["score"], line["tests"]), (identity, "6.5", "CLIENT_PILLS,PILLS"))
        self.assertEqual((line["sender"], line["recipients"], line["subject"]), (SENDER, [ANNA], "buy"))
        self.assertEqual(server.mailbox(ANNA), [])
        self.assertEqual(server.queue_count(), 0)
        self.assertIn("Subject: buy", server.command_ok("filter", "quarantine", "show", identity))
        self.assertIn(identity, server.command_ok("filter", "quarantine", "list"))
        self.assertIn("1 in the quarantine", server.command_ok("status"))
        server.command_ok("filter", "quarantine", "release", identity)
        mail = self.mail(server)
        self.assertEqual(mail["Subject"], "buy")
        self.assertIsNone(mail["X-Spam-Flag"])
        self.assertEqual(self.quarantined(server), [])
        server.wait_until_empty()
        server.restart()
        self.assertEqual(self.quarantined(server), [])
        self.assertEqual(len(server.mailbox(ANNA)), 1)

    def test_a_release_holds_although_nothing_could_be_delivered_before_a_crash(self):
        server = self.filter_server({"spam": "quarantine"})
        identity = self.accepted(server, SPAM)
        server.command_ok("queue", "suspend", "--all")
        server.command_ok("filter", "quarantine", "release", identity)
        server.restart(crash=True)
        self.assertEqual(self.quarantined(server), [])
        server.command_ok("queue", "resume", "--all")
        self.assertEqual(self.mail(server)["Subject"], "buy")

    def test_what_is_deleted_is_gone_and_nobody_hears_of_it(self):
        server = self.filter_server({"spam": "quarantine"})
        for _ in range(3):
            identity = self.accepted(server, SPAM)
        self.assertEqual(len(self.quarantined(server)), 3)
        server.command_ok("filter", "quarantine", "delete", identity)
        server.wait_for_event("cancelled", queue_id=identity)
        self.assertEqual(len(self.quarantined(server)), 2)
        server.command_ok("filter", "quarantine", "delete", "--all")
        server.restart(crash=True)
        self.assertEqual(self.quarantined(server), [])
        self.assertEqual(server.queue_count(), 0)
        self.assertEqual(server.mailbox(ANNA), [])

    def test_what_is_not_there_is_named(self):
        server = self.filter_server({"spam": "quarantine"})
        for arguments in (["show", "0000G1R40002F"], ["release", "0000G1R40002F"], ["delete"], ["release", "--all", "0000G1R40002F"]):
            done = server.command("filter", "quarantine", *arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertNotEqual(done.stderr, b"", arguments)


class Rules(FilterTest):
    def test_a_reload_puts_other_rules_in_force(self):
        server = self.filter_server()
        self.write_rules(RULES.replace("cheap pills", "something else"))
        server.command_ok("reload")
        identity = self.accepted(server, SPAM)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual(event["action"], "accept")

    def test_rules_change_again_and_again_while_mail_flows(self):
        """Each mail is judged by one set or the other, never by a half, and none is lost."""
        server = self.filter_server()
        sets = [RULES, RULES.replace("score PILLS 6", "score PILLS 7\nbody BUY /pills/\nscore BUY 1")]
        stop, replies, wrong = threading.Event(), [], []

        def send():
            while not stop.is_set():
                replies.append(self.send(server, SPAM))
        sender = threading.Thread(target=send)
        sender.start()
        try:
            for turn in range(12):
                self.write_rules(sets[turn % 2] + ("body BROKEN /(/\n" if turn == 5 else ""))
                done = server.command("reload")
                wrong += [done.stderr] if done.returncode != (1 if turn == 5 else 0) else []
        finally:
            stop.set()
            sender.join()
        self.assertEqual(wrong, [])
        self.assertEqual({reply.code for reply in replies}, {250})
        events = server.wait_for_event("received", len(replies))
        self.assertEqual(len(events), len(replies))
        kinds = {(event["score"], "BUY" in event["tests"].split(",")) for event in events}
        self.assertLessEqual(kinds, {(6, False), (8, True), (6.5, False), (8.5, True)})
        self.assertEqual(len(server.wait_for_mailbox(ANNA, len(replies))), len(replies))

    def test_broken_rules_do_not_take_the_place_of_good_ones(self):
        server = self.filter_server()
        self.write_rules(RULES.replace("score PILLS 6", "score PILLS 0.1") + "body BROKEN /(/\nscore BROKEN 1\n")
        done = server.command("reload")
        self.assertEqual(done.returncode, 1)  # a script must not take it for done
        said = done.stdout.decode()
        self.assertIn("the rules of the filter stay as they were", said)
        self.assertIn("local.cf:", said)
        identity = self.accepted(server, SPAM)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual(event["action"], "tag")

    def test_a_file_that_is_gone_refuses_the_reload(self):
        server = self.filter_server()
        server.reconfigure({"filter": {"rules": [self.rules_folder + "/none.cf"]}})
        done = server.command("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"none.cf", done.stderr)
        identity = self.accepted(server, SPAM)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual(event["action"], "tag")

    def test_an_error_costs_one_rule_at_the_start_and_is_named(self):
        server = self.filter_server(rules=RULES + "body BROKEN /(/\nscore BROKEN 1\n")
        wait_until(lambda: any("a rule is left out" in str(e) for e in server.events("notice")), "the rule to be named")
        identity = self.accepted(server, SPAM)
        [event] = server.wait_for_event("received", queue_id=identity)
        self.assertEqual(event["action"], "tag")

    def test_rules_are_compiled_beside_the_mail_and_kept_for_the_next_start(self):
        server = self.filter_server()
        self.accepted(server, SPAM)  # served by PCRE2 or not: judged
        wait_until(lambda: "being compiled" not in server.command_ok("status"), "the rules to be compiled")
        self.accepted(server, SPAM)
        self.assertEqual(server.figure("filter_spam"), 2)
        [cache] = glob.glob(os.path.join(server.folder, "state", "filter-*.cache"))
        before = os.stat(cache).st_mtime_ns
        server.restart()
        self.assertIn(", compiled", server.command_ok("status"))
        self.assertEqual(os.stat(cache).st_mtime_ns, before)
        self.accepted(server, SPAM)

    def test_mail_has_its_full_verdict_before_the_compile_has_ended(self):
        """A thousand rules whose compile is stopped half way: the same mail gets the same tests and score from PCRE2 as from what is compiled."""
        many = "".join(f"body WORD{n} /wor+d\\W{{1,4}}n?{n}\\b(?!x)/i\nscore WORD{n} 0.01\n" for n in range(1000))
        server = self.filter_server(rules=RULES + many)
        compiler = wait_until(lambda: next(iter(self.compilers(server)), None), "the compiler to run")
        os.kill(compiler, signal.SIGSTOP)
        self.addCleanup(self.resume, compiler)
        spam = message("buy", body="cheap pills, a limited offer\r\n\r\nword 7 Worrd - 77\r\n")
        before = self.judged(server, spam)
        self.assertEqual(before["action"], "tag")
        self.assertLessEqual({"OFFER", "PILLS", "WORD7", "WORD77"}, set(before["tests"].split(",")))
        self.assertIn("being compiled", server.command_ok("status"))
        self.assertEqual(self.compilers(server), [compiler])
        self.resume(compiler)
        wait_until(lambda: ", compiled" in server.command_ok("status"), "the rules to be compiled")
        after = self.judged(server, spam)
        self.assertEqual([after[name] for name in ("action", "score", "tests")], [before[name] for name in ("action", "score", "tests")])

    def compilers(self, server):
        """Processes below the server, which starts nothing else."""
        children = []
        for task in glob.glob(f"/proc/{server.pid}/task/*/children"):
            with open(task) as file:
                children += map(int, file.read().split())
        return children

    def resume(self, process):
        try:
            os.kill(process, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def judged(self, server, data):
        [event] = server.wait_for_event("received", queue_id=self.accepted(server, data))
        return event

    def test_a_set_too_small_for_a_database_is_done_too(self):
        server = self.filter_server(rules="body PILLS /cheap pills/\nscore PILLS 6\nreport_safe 0\n")
        wait_until(lambda: ", compiled" in server.command_ok("status"), "the rules to be compiled")
        server.restart()
        self.assertIn(", compiled", server.command_ok("status"))
        self.assertEqual([event for event in server.events("notice", since_start=True) if "are compiled" in str(event)], [])

    def test_without_rules_there_is_no_filter(self):
        server = self.server()
        self.accepted(server, b"X-Spam-Flag: NO\r\n" + SPAM)
        mail = self.mail(server)
        self.assertEqual(mail["X-Spam-Flag"], "NO")
        self.assertIsNone(mail["X-Spam-Status"])
        self.assertEqual(server.figure("filter_messages"), 0)
        self.assertNotIn("filter:", server.command_ok("status"))


if __name__ == "__main__":
    ringpost.main()
