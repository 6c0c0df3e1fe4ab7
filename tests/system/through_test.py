"""Level through: the next hop's answer is the client's, nothing is on disk, and nothing is lost or doubled."""

import glob
import json
import os
import threading

import ringpost
from programs import run, temp_folder
from ringpost import HOSTNAME, LOCAL, REMOTE, SystemTest, loadgen
from sink import Sink
from talk import Closed

SENDER = "someone@origin.example"
THROUGH = {"listener": {"mx": {"durability": "through"}, "submission": None, "lmtp": {"protocol": "lmtp", "durability": "through"}},
           "domains": {"local": []}}
IMPATIENT = {"deliver": {"connect_timeout": "2s", "command_timeout": "2s", "data_timeout": "2s"}}


class Through(SystemTest):
    def relay(self, sink, more=None, **options):
        return self.server(ringpost.merged(ringpost.merged(THROUGH, IMPATIENT), more or {}), sink=sink, **options)

    def begin(self, server, listener="mx", recipients=(f"anna@{REMOTE}",)):
        talk = self.closing(server.talk(listener))
        talk.offers = talk.hello(verb="LHLO" if listener == "lmtp" else "EHLO").text
        talk.ask(f"MAIL FROM:<{SENDER}>", "250")
        for recipient in recipients:
            talk.ask(f"RCPT TO:<{recipient}>", "250")
        return talk

    def body(self, talk, text=b"Subject: x\r\n\r\nhello\r\n"):
        talk.ask("DATA", "354")
        talk.raw(text + b".\r\n")

    def answer(self, server, **options):
        talk = self.begin(server, **options)
        self.body(talk)
        return talk.reply()

    def no_mail_on_disk(self, server, words=b"hello"):
        for path in glob.glob(os.path.join(server.folder, "spool", "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.assertNotIn(words, file.read(), path)

    def test_the_hops_yes_and_no_are_the_clients(self):
        sink = self.closing(Sink())
        server = self.relay(sink)
        reply = self.answer(server)
        self.assertEqual(reply.code, 250, reply)
        self.assertIn("passed on as", reply.text)
        self.assertEqual(len(sink.wait_for_mail()), 1)  # the sink says yes a moment before it counts
        for state in ("mail", "rcpt", "data", "body"):
            for said in ("450 4.2.1 later, please", "550 5.1.1 nobody of that name"):
                sink.answers = {state: said}
                self.assertEqual(self.answer(server).text, said, state)
        sink.answers = {}
        # Whom MAIL was refused to, and who was asked for the body all the same, sends an empty one.
        self.assertEqual([b"hello" in mail.data for mail in sink.mails if mail.data], [True])
        self.no_mail_on_disk(server)
        self.assertIn(b"the queue is empty", server.command("queue", "summary").stdout)
        kinds = [event["type"] for event in server.events() if event.get("durability") == "through"]
        self.assertEqual(kinds.count("delivered"), 1)
        self.assertEqual(kinds.count("received"), 1)
        self.assertNotIn("bounced", [event["type"] for event in server.events()])

    def test_a_hop_that_dies_stalls_or_is_not_there_is_a_451(self):
        sink = self.closing(Sink(answers={"body": "close"}))
        server = self.relay(sink)
        for state, said in (("body", "close"), ("rcpt", "close"), ("body", "stall"), ("greeting", "stall")):
            sink.answers = {state: said}
            reply = self.answer(server)
            self.assertEqual(reply.code, 451, (state, said, reply))
            self.assertIn(" 4.4.", reply.text)
        sink.close()
        reply = self.answer(server)
        self.assertTrue(reply.text.startswith("451 4.4."), reply)
        self.assertEqual(len(sink.mails), 0)
        self.no_mail_on_disk(server)

    def test_the_second_recipient_is_for_another_transaction(self):
        sink = self.closing(Sink())
        server = self.relay(sink)
        talk = self.begin(server)
        self.assertNotIn("DSN", talk.offers)
        talk.ask(f"RCPT TO:<bert@{REMOTE}>", "452 4.5.3")
        self.body(talk)
        self.assertEqual(talk.reply().code, 250)
        self.assertEqual([mail.recipients for mail in sink.wait_for_mail()], [[f"anna@{REMOTE}"]])

    def test_lmtp_answers_for_each_recipient_over_two_hops(self):
        one, two = self.closing(Sink()), self.closing(Sink())
        one.answers = {"rcpt": lambda session, address: "550 5.1.1 no bert" if address.startswith("bert") else None}
        two.answers = {"body": "451 4.7.1 greylisted"}
        # LMTP takes only what is for domains of this server; routes lead them elsewhere.
        server = self.relay(one, {"domains": {"local": [LOCAL, "two.example"]}, "route": {
            "one": {"match": {"domain": LOCAL}, "via": f"smtp:127.0.0.1:{one.port}"},
            "two": {"match": {"domain": "two.example"}, "via": f"smtp:127.0.0.1:{two.port}"}}}, start=False)
        with open(os.path.join(server.folder, "passwd"), "a") as file:
            file.write(f"carl@two.example:{ringpost.password_hash()}:::carl:\n")
        server.start()
        talk = self.begin(server, "lmtp", (f"anna@{LOCAL}", "carl@two.example", f"bert@{LOCAL}"))
        self.body(talk)
        replies = [talk.reply().text for _ in range(3)]
        self.assertTrue(replies[0].startswith("250 "), replies)
        self.assertEqual(replies[1:], ["451 4.7.1 greylisted", "550 5.1.1 no bert"])
        self.assertEqual([mail.recipients for mail in one.wait_for_mail()], [[f"anna@{LOCAL}"]])
        self.assertEqual(two.mails, [])

    def test_a_summary_shows_what_is_under_way_and_a_kill_loses_nothing_that_was_promised(self):
        hold = threading.Event()
        sink = self.closing(Sink(answers={"body": lambda session, mail: hold.wait(30) and None}))
        server = self.relay(sink, {"deliver": {"data_timeout": "1m"}})
        talk = self.begin(server)
        self.body(talk)
        sink.wait_for(lambda s: "body" in s.states_reached, "the body")
        said = server.command("queue", "summary").stdout
        self.assertIn(b"1 message under way at level through", said)
        self.assertEqual(json.loads(server.command("queue", "summary", "--json").stdout.splitlines()[-1])["passing"], 1)
        server.kill()
        with self.assertRaises(Closed):
            talk.reply()
        hold.set()
        server.start()
        self.assertIn(b"the queue is empty", server.command("queue", "summary").stdout)

    def test_a_stop_answers_who_waits(self):
        sink = self.closing(Sink(answers={"body": "stall"}))
        server = self.relay(sink, {"deliver": {"data_timeout": "1m"}, "server": {"drain": "1s"}})
        talk = self.begin(server)
        self.body(talk)
        sink.wait_for(lambda s: "body" in s.states_reached, "the body")
        server.stop()
        self.no_mail_on_disk(server)

    def test_a_large_body_passes_byte_for_byte(self):
        sink = self.closing(Sink())
        server = self.relay(sink)
        text = b"Subject: large\r\n\r\n" + b"".join(b"line %d of it\r\n" % n for n in range(150_000))
        talk = self.begin(server)
        self.body(talk, text)
        self.assertEqual(talk.reply().code, 250)
        self.assertTrue(sink.wait_for_mail()[0].data.endswith(text))
        self.no_mail_on_disk(server, b"line 149999 of it")

    def test_under_load_each_yes_is_one_mail(self):
        sink = self.closing(Sink())
        server = self.relay(sink)
        done = run([loadgen(), "smtp", "--to", f"127.0.0.1:{server.port()}", "--connections", "16", "--messages", "300", "--from", SENDER,
                    "--size", "4KiB", "--recipient-domain", REMOTE, "--backend", "epoll", "--no-pin", "--json", "--quiet"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(json.loads(done.stdout)["acknowledged"], 300)
        self.assertEqual(len(sink.wait_for_mail(300)), 300)

    def test_mail_to_the_server_itself_has_no_next_hop(self):
        server = self.relay(self.closing(Sink()))
        self.assertTrue(self.answer(server, recipients=(f"postmaster@{HOSTNAME}",)).text.startswith("554 5.7.1"))

    def test_a_configuration_with_mailboxes_is_refused(self):
        path = os.path.join(temp_folder(), "ringpost.toml")
        head = f'[server]\nhostname = "{HOSTNAME}"\nuser = "nobody"\n[listener.mx]\naddress = ["127.0.0.1:2525"]\ndurability = "through"\n'
        for more, place, mend in ((f'[domains]\nlocal = ["{LOCAL}"]\n', ":6: error: listener.mx.durability", "route"),
                                  ('[route.here]\nvia = "mailbox"\n', ":8: error: route.here.via", "another level"),
                                  ('message_size_limit = "65MiB"\n', ":7: error: listener.mx.message_size_limit", "64MiB")):
            with open(path, "w") as file:
                file.write(head + more)
            done = run([ringpost.program(), "check", path])
            said = (done.stdout + done.stderr).decode()
            self.assertEqual(done.returncode, 1, said)
            self.assertIn(place, said)
            self.assertIn(mend, said)
        with open(path, "w") as file:
            file.write(head + f'[domains]\nlocal = ["{LOCAL}"]\n[route.away]\nmatch = {{ domain = "{LOCAL}" }}\nvia = "smtp:192.0.2.25"\n')
        self.assertEqual(run([ringpost.program(), "check", path]).returncode, 0)


if __name__ == "__main__":
    ringpost.main()
