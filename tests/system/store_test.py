"""Mail for users of this host, in the mailboxes of the server: there after a crash, once, with any number of cores.

RINGPOST_SEED replays the moments of a failed run, which prints its seed.
"""

import os
import random

import ringpost
from load import Load
from programs import wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message

USERS = ["anna", "bert"]
SEED = int(os.environ.get("RINGPOST_SEED", str(random.randrange(1 << 32))))
STORE = {"mailboxes": {"location": "store"}}


class Mailboxes(SystemTest):
    def test_mail_is_in_the_mailbox_after_a_crash_and_with_other_numbers_of_cores(self):
        server = self.server(STORE)
        for number in range(20):
            server.send(f"sender@{REMOTE}", [f"{USERS[number % 2]}@{LOCAL}"], message(f"mail {number}"))
        server.wait_for_event("delivered", 20)
        wait_until(lambda: server.figure("store_messages") == 20, "20 messages in mailboxes")
        for cores in (2, 1, 2):
            server.kill()
            server.reconfigure({"cores": {"use": list(range(cores))}})
            server.start()
            wait_until(lambda: server.figure("store_messages") == 20, "the messages after a crash")
            self.assertEqual(server.figure("store_damaged"), 0)
        server.stop()
        self.assertEqual(server.command("spool", "check").returncode, 0)

    def test_nothing_acknowledged_is_missing_or_there_twice_after_crashes(self):
        server = self.server(STORE)
        print(f"\nRINGPOST_SEED={SEED}", flush=True)
        choice = random.Random(SEED)
        acknowledged = 0
        uncertain = 0
        for _ in range(4):
            load = Load(server.port(), lambda number: f"{USERS[number % 2]}@{LOCAL}")
            load.wait_for(choice.randrange(20, 200))
            server.kill()
            load.stop()
            acknowledged += len(load.acknowledged)
            uncertain += len(load.attempts) - len(load.acknowledged)
            server.start()
            server.wait_until_empty()
        wait_until(lambda: server.figure("store_messages") >= acknowledged, "all that was acknowledged")
        self.assertLessEqual(server.figure("store_messages"), acknowledged + uncertain)
        server.stop()
        self.assertEqual(server.command("spool", "check").returncode, 0)

    def test_mail_that_waits_for_one_mailbox_goes_there_with_few_flushes(self):
        server = self.server(STORE)
        mailbox = f"anna@{LOCAL}"
        flow = f"mailbox:{mailbox}"
        self.assertEqual(server.command("queue", "suspend", "--destination", flow).returncode, 0)
        for number in range(200):
            server.send(f"sender@{REMOTE}", [mailbox], message(f"mail {number}"))
        self.assertEqual(server.queue_count(), 200)
        before = server.figure("journal_frames")
        self.assertEqual(server.command("queue", "resume", "--destination", flow).returncode, 0)
        wait_until(lambda: server.figure("store_messages") == 200 and server.queue_count() == 0, "all in the mailbox")
        # Two at a time would be 100 for the store alone.
        self.assertLess(server.figure("journal_frames") - before, 80)

    def test_a_full_mailbox_makes_mail_wait(self):
        server = self.server(ringpost.merged(STORE, {"mailboxes": {"quota": "20KiB"}}))
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message("small"))
        server.wait_for_event("delivered")
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message("large", "x" * 70 + "\r\n" + 400 * ("y" * 70 + "\r\n")))
        event = server.wait_for_event("deferred")[0]
        self.assertIn("4.2.2", str(event))
        self.assertEqual(server.queue_count(), 1)


if __name__ == "__main__":
    ringpost.main()
