"""The queue and what an operator does with it; holds and suspensions outlive the server."""

import ringpost
from programs import run, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message
from sink import Sink


class Queue(SystemTest):
    def setUp(self):
        self.busy = self.closing(Sink(answers={"rcpt": "450 4.2.1 busy"}))
        self.the_server = self.server({"retry": {"intervals": ["1h"]}}, sink=self.busy)

    def send(self, recipient=f"someone@{REMOTE}", sender=f"anna@{LOCAL}"):
        return self.the_server.send(sender, [recipient], message())

    def deferred(self, recipient=f"someone@{REMOTE}", sender=f"anna@{LOCAL}"):
        identity = self.send(recipient, sender)
        self.the_server.wait_for_event("deferred", queue_id=identity)
        return identity

    def listed(self, *selector):
        return [m["id"] for m in self.the_server.json_lines("queue", "list", *selector) if "id" in m]

    def test_list_show_and_summary_say_what_waits_and_why(self):
        identity = self.deferred()
        self.assertEqual(self.listed(), [identity])
        shown = self.the_server.json_lines("queue", "show", identity)[0]
        self.assertEqual((shown["id"], shown["sender"]), (identity, f"anna@{LOCAL}"))
        (recipient,) = shown["recipients"]
        self.assertEqual((recipient["address"], recipient["state"], recipient["attempts"]), (f"someone@{REMOTE}", "deferred", 1))
        self.assertIn("busy", recipient["reason"])
        text = self.the_server.command_ok("queue", "list")
        self.assertIn(identity, text)
        *groups, last = self.the_server.json_lines("queue", "summary", "--by", "domain")
        self.assertEqual(last["messages"], 1)
        self.assertEqual(sum(g["recipients"] for g in groups), 1)
        for by in ("age", "state"):
            self.the_server.command_ok("queue", "summary", "--by", by)

    def test_selectors_select(self):
        one = self.deferred(f"one@{REMOTE}")
        two = self.deferred("two@other.example", f"bert@{LOCAL}")
        self.assertEqual(self.listed("--domain", "other.example"), [two])
        self.assertEqual(self.listed("--sender", f"anna@{LOCAL}"), [one])
        self.assertEqual(self.listed("--recipient", "two@other.example"), [two])
        self.assertEqual(sorted(self.listed("--state", "deferred")), sorted([one, two]))
        self.assertEqual(self.listed("--state", "held"), [])
        self.assertEqual(self.listed("--older-than", "1h"), [])
        self.assertEqual(self.listed("--id", one), [one])

    def test_flush_tries_at_once(self):
        self.deferred()
        self.busy.answers.clear()
        self.the_server.command_ok("queue", "flush", "--domain", REMOTE)
        self.busy.wait_for_mail()
        self.the_server.wait_until_empty()

    def test_hold_and_release_and_a_hold_survives_a_crash(self):
        identity = self.deferred()
        self.the_server.command_ok("queue", "hold", "--id", identity)
        self.busy.answers.clear()
        self.the_server.command_ok("queue", "flush")
        self.assertEqual(self.listed("--state", "held"), [identity])
        self.the_server.restart(crash=True)
        self.assertEqual(self.listed("--state", "held"), [identity])
        self.the_server.command_ok("queue", "flush", "--all")
        # A mail that came later overtakes it: so the queue was worked on, and the held one stayed.
        later = self.send(f"later@{REMOTE}")
        self.the_server.wait_for_event("delivered", queue_id=later)
        self.assertEqual(self.busy.to(f"someone@{REMOTE}"), [])
        self.the_server.command_ok("queue", "release", "--id", identity)
        self.the_server.command_ok("queue", "flush")
        self.busy.wait_for_mail(to=f"someone@{REMOTE}")
        self.the_server.wait_until_empty()

    def test_a_suspension_holds_mail_to_come_and_survives_a_restart(self):
        self.busy.answers.clear()
        open_sink = self.busy
        self.the_server.reconfigure({"route": {"others": None, "a": {"match": {"domain": "a.example"}, "via": f"smtp:127.0.0.1:{open_sink.port}"},
                                               "b": {"match": {"domain": "b.example"}, "via": f"smtp:127.0.0.1:{self.closing(Sink()).port}"}}})
        self.the_server.restart()
        destination = self.destination_of("x@a.example", open_sink)
        self.the_server.command_ok("queue", "suspend", "--destination", destination)
        self.assertIn(destination, self.the_server.command_ok("queue", "directives"))
        held = self.send("y@a.example")
        self.the_server.wait_for_event("delivered", queue_id=self.send("z@b.example"))
        self.the_server.restart()
        self.assertIn(destination, self.the_server.command_ok("queue", "directives"))
        self.the_server.wait_for_event("delivered", queue_id=self.send("z@b.example"))
        self.assertEqual(open_sink.to("y@a.example"), [])
        self.assertEqual(self.listed("--state", "suspended"), [held])
        self.the_server.command_ok("queue", "resume", "--destination", destination)
        open_sink.wait_for_mail(to="y@a.example")

    def destination_of(self, address, sink):
        """The name that the queue gives the flow of an address: asked while its mail waits."""
        sink.answers["rcpt"] = "450 4.2.1 busy"
        identity = self.deferred(address)
        name = self.the_server.json_lines("queue", "show", identity)[0]["recipients"][0]["destination"]
        sink.answers.clear()
        self.the_server.command_ok("queue", "flush", "--id", identity)
        sink.wait_for_mail(to=address)
        return name

    def test_bounce_reports_and_cancel_does_not(self):
        bounced, cancelled = self.deferred(f"one@{REMOTE}"), self.deferred(f"two@{REMOTE}")
        self.the_server.command_ok("queue", "bounce", "--id", bounced)
        (report,) = self.the_server.wait_for_mailbox(f"anna@{LOCAL}")
        self.assertIn(b"one@", report)
        self.the_server.command_ok("queue", "cancel", "--id", cancelled)
        self.the_server.wait_for_event("cancelled", queue_id=cancelled)
        self.the_server.wait_until_empty()
        self.assertEqual(len(self.the_server.mailbox(f"anna@{LOCAL}")), 1)
        self.the_server.restart(crash=True)
        self.assertEqual(self.the_server.queue_count(), 0)

    def test_a_dry_run_changes_nothing_and_an_order_without_a_selector_is_refused(self):
        self.deferred()
        self.assertIn("1", self.the_server.command_ok("queue", "cancel", "--domain", REMOTE, "--dry-run"))
        self.assertEqual(self.the_server.queue_count(), 1)
        refused = self.the_server.command("queue", "cancel")
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(self.the_server.queue_count(), 1)
        self.the_server.command_ok("queue", "cancel", "--all")
        self.the_server.wait_until_empty()

    def test_the_queue_survives_a_restart_and_a_crash(self):
        identities = {self.deferred(f"r{i}@{REMOTE}") for i in range(20)}
        for crash in (False, True):
            self.the_server.restart(crash=crash)
            self.assertEqual(set(self.listed("--limit", "1000")), identities)
        self.busy.answers.clear()
        self.the_server.command_ok("queue", "flush", "--all")
        self.busy.wait_for_mail(20)
        self.the_server.wait_until_empty()
        self.assertEqual(len(self.busy.mails), 20)

    def test_a_server_that_does_not_run_is_exit_status_75(self):
        self.the_server.stop()
        done = self.the_server.command("queue", "list")
        self.assertEqual(done.returncode, 75)
        self.assertIn(b"serve", done.stderr)

    def test_nonsense_is_exit_status_2(self):
        for words in (["queue", "nonsense"], ["nonsense"], ["queue", "list", "--nonsense"], []):
            with self.subTest(words=words):
                self.assertEqual(run([ringpost.program(), *words]).returncode, 2)

    def test_status_tells_how_the_server_is(self):
        (status, *_) = self.the_server.json_lines("status")
        self.assertEqual((status["hostname"], status["draining"]), (ringpost.HOSTNAME, False))
        self.assertIn("kernel", status["backend"])
        self.assertIn(ringpost.HOSTNAME, self.the_server.command_ok("status"))

    def test_stop_by_command_ends_the_server(self):
        self.the_server.command_ok("stop", "--drain", "5s")
        wait_until(lambda: not self.the_server.program.is_running(), "the server to end")
        self.assertEqual(self.the_server.program.wait(), 0)
        self.the_server.check_output()
        self.the_server.program = None


if __name__ == "__main__":
    ringpost.main()
