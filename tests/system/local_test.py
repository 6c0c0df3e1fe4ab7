"""Delivery on this host: Maildir, mbox, commands, aliases, .forward, and acting as users of the system."""

import fcntl
import mailbox
import os
import re
import smtplib
import stat
import unittest

import ringpost
from clients_test import BODIES, COMPLETE
from foreign import maildir
from programs import temp_folder, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message, to_lf, without_trace
from sink import Sink

USER_ID = 61234  # of nobody on any machine, and no system user's


class Mailboxes(SystemTest):
    def test_a_maildir_has_every_kind_of_body_and_its_fields(self):
        server = self.server()
        for data in BODIES.values():
            server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], data)
        mails = server.wait_for_mailbox(f"anna@{LOCAL}", len(BODIES))
        self.assertEqual(sorted(without_trace(m, b"\n") for m in mails), sorted(to_lf(d) for d in BODIES.values()))
        for mail in mails:
            self.assertTrue(mail.startswith(f"Return-Path: <sender@{REMOTE}>\nDelivered-To: anna@{LOCAL}\nReceived: from ".encode()), mail[:200])
        folder = os.path.join(server.mail_folder, LOCAL, "anna")
        self.assertEqual(sorted(os.listdir(folder)), ["cur", "new", "tmp"])
        self.assertEqual(os.listdir(os.path.join(folder, "tmp")), [])
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode) & 0o077, 0)
        self.assertEqual(len(mailbox.Maildir(folder, create=False)), len(BODIES))

    def mbox_server(self):
        folder = temp_folder()
        server = ringpost.Server({"mailboxes": {"location": f"mbox:{folder}/%n"}}, start=False)
        server.own(folder)
        self.addCleanup(server.end)
        return server.start(), os.path.join(folder, "anna")

    def test_an_mbox_can_be_read_by_others(self):
        server, path = self.mbox_server()
        bodies = [BODIES["plain"], b"Subject: from\r\n\r\nFrom the start\r\n>From quoted\r\nnot From\r\n", BODIES["latin1"], BODIES["blank_lines"]]
        for data in bodies:
            server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], COMPLETE + data)
        server.wait_for_event("delivered", len(bodies))
        box = mailbox.mbox(path, create=False)
        self.assertEqual(len(box), len(bodies))
        texts = b"".join(bytes(m.as_bytes()) for m in box)
        self.assertIn(b">From the start\n", texts)
        self.assertIn(b">>From quoted\n", texts)
        with open(path, "rb") as file:
            self.assertEqual(len(re.findall(rb"(?m)^From sender@", file.read())), len(bodies))

    def test_an_mbox_that_others_have_locked_is_waited_for(self):
        server, path = self.mbox_server()
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message("first"))
        server.wait_for_event("delivered")
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            identity = server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message("second"))
            wait_until(lambda: server.figure("deliver_recipients_active") == 1, "the delivery to begin")
            self.assertEqual(os.path.getsize(path), size)
        server.wait_for_event("delivered", queue_id=identity)
        self.assertEqual(len(mailbox.mbox(path, create=False)), 2)

    def test_a_command_gets_the_mail_and_what_it_is_about(self):
        folder = temp_folder()
        command = os.path.join(folder, "take")
        with open(command, "w") as file:
            file.write(f'#!/bin/sh\ncat >"{folder}/got.$$"\nprintf "%s|%s|%s|%s|%s" "$SENDER" "$RECIPIENT" "$USER" "$EXTENSION" "$DOMAIN" >"{folder}/env.$$"\n')
        os.chmod(command, 0o755)
        server = ringpost.Server({"mailboxes": {"location": f"pipe:{command}"}}, start=False)
        server.own(folder)
        self.addCleanup(server.end)
        server.start()
        server.send(f"sender@{REMOTE}", [f"anna+news@{LOCAL}"], BODIES["dots"])
        server.wait_for_event("delivered")
        found = {name.split(".")[0]: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder) if "." in name}
        self.assertEqual(without_trace(found["got"], b"\n"), to_lf(BODIES["dots"]))
        sender, recipient, user, extension, domain = found["env"].decode().split("|")
        self.assertEqual((sender, recipient, extension, domain), (f"sender@{REMOTE}", f"anna+news@{LOCAL}", "news", LOCAL))
        self.assertIn("anna", user)

    def test_the_exit_status_of_a_command_decides(self):
        folder = temp_folder()
        command = os.path.join(folder, "refuse")
        for status, fate, code in ((75, "deferred", "4."), (67, "bounced", "5.1.1"), (1, "bounced", "5.")):
            with self.subTest(status=status):
                with open(command, "w") as file:
                    file.write(f"#!/bin/sh\necho the reason\nexit {status}\n")
                os.chmod(command, 0o755)
                server = self.server({"mailboxes": {"location": f"pipe:{command}"}})
                server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message())
                event = server.wait_for_event(fate)[0]
                self.assertTrue(event["enhanced_status"].startswith(code), event)
                self.assertIn("the reason", event["text"])
                server.kill()

    def test_a_command_that_never_ends_is_ended(self):
        server = self.server({"mailboxes": {"location": "pipe:cat >/dev/null; sleep 1000", "command_timeout": "1s"}})
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message())
        self.assertTrue(server.wait_for_event("deferred")[0]["enhanced_status"].startswith("4."))


class Aliases(SystemTest):
    def alias_server(self, text, sink=None, **more):
        server = ringpost.Server(more, sink=sink, start=False)
        with open(os.path.join(server.folder, "aliases"), "w") as file:
            file.write(text.replace("FOLDER", server.folder))
        self.addCleanup(server.end)
        return server.start()

    def test_an_alias_may_be_one_user_several_or_elsewhere(self):
        sink = self.closing(Sink())
        server = self.alias_server(f"info: anna\nall: anna, bert,\n  far@{REMOTE}\nroot: postmaster\n", sink)
        server.send(f"sender@{REMOTE}", [f"info@{LOCAL}"], message("info"), source=ringpost.UNTRUSTED)
        server.send(f"sender@{REMOTE}", [f"ALL@{LOCAL}"], message("all"), source=ringpost.UNTRUSTED)
        server.wait_for_mailbox(f"anna@{LOCAL}", 2)
        server.wait_for_mailbox(f"bert@{LOCAL}")
        (mail,) = sink.wait_for_mail()
        self.assertEqual(mail.recipients, [f"far@{REMOTE}"])
        server.wait_until_empty()
        self.assertEqual((len(server.mailbox(f"anna@{LOCAL}")), len(server.mailbox(f"bert@{LOCAL}")), len(sink.mails)), (2, 1, 1))

    def test_a_mail_is_not_delivered_twice_to_one_who_is_named_twice(self):
        server = self.alias_server("all: anna, team\nteam: anna, bert\n")
        server.send(f"sender@{REMOTE}", [f"all@{LOCAL}"], message())
        server.wait_until_empty()
        self.assertEqual((len(server.mailbox(f"anna@{LOCAL}")), len(server.mailbox(f"bert@{LOCAL}"))), (1, 1))

    def test_an_alias_that_leads_to_itself_is_found(self):
        server = self.alias_server("a: b\nb: a\n")
        server.send(f"anna@{LOCAL}", [f"a@{LOCAL}"], message())
        server.wait_for_event("bounced")
        server.wait_for_mailbox(f"anna@{LOCAL}")

    def test_an_alias_may_be_a_file_a_command_or_a_list(self):
        server = self.alias_server('file: FOLDER/mail/box\ncommand: "|cat >FOLDER/mail/piped"\nlist: :include:FOLDER/list\n')
        with open(os.path.join(server.folder, "list"), "w") as file:
            file.write("anna\nbert\n")
        for name in ("file", "command", "list"):
            server.send(f"sender@{REMOTE}", [f"{name}@{LOCAL}"], message(name))
        server.wait_until_empty()
        self.assertEqual(len(mailbox.mbox(os.path.join(server.folder, "mail", "box"), create=False)), 1)
        with open(os.path.join(server.folder, "mail", "piped"), "rb") as file:
            self.assertIn(b"Subject: command", file.read())
        self.assertEqual((len(server.mailbox(f"anna@{LOCAL}")), len(server.mailbox(f"bert@{LOCAL}"))), (1, 1))

    def test_one_target_that_fails_keeps_the_mail_from_no_other_and_sends_nothing_twice(self):
        server = self.alias_server('all: anna, "|FOLDER/mail/command", bert\n')
        server.send(f"sender@{REMOTE}", [f"all@{LOCAL}"], message())
        server.wait_for_mailbox(f"anna@{LOCAL}")
        server.wait_for_mailbox(f"bert@{LOCAL}")
        wait_until(lambda: server.events("deferred") or server.events("bounced"), "an end of the command")

    def test_a_list_with_an_owner_sends_from_it(self):
        sink = self.closing(Sink(answers={"rcpt": lambda _, rest: "550 5.1.1 nobody" if "gone" in rest else None}))
        server = self.alias_server(f"news: anna, far@{REMOTE}, gone@{REMOTE}\nowner-news: bert\n", sink)
        server.send(f"sender@{REMOTE}", [f"news@{LOCAL}"], message(), source=ringpost.UNTRUSTED)
        (mail,) = sink.wait_for_mail(to=f"far@{REMOTE}")
        self.assertEqual((mail.sender, mail.recipients), (f"owner-news@{LOCAL}", [f"far@{REMOTE}"]))
        self.assertEqual(mail.header("Delivered-To"), f"news@{LOCAL}")
        (mine,) = server.wait_for_mailbox(f"anna@{LOCAL}")
        self.assertTrue(mine.startswith(f"Return-Path: <owner-news@{LOCAL}>\n".encode()), mine[:200])
        (report,) = server.wait_for_mailbox(f"bert@{LOCAL}")
        self.assertIn(f"Final-Recipient: rfc822; gone@{REMOTE}".encode(), report)
        server.wait_until_empty()
        self.assertEqual(len(sink.mails), 1)  # the first sender hears nothing of it

    def test_a_target_that_is_done_is_not_done_again_after_a_crash(self):
        server = self.alias_server('team: anna, "|echo x >>FOLDER/mail/runs; test -e FOLDER/mail/go || sleep 1000"\n')
        server.send(f"sender@{REMOTE}", [f"team@{LOCAL}"], message())
        server.wait_for_mailbox(f"anna@{LOCAL}")
        wait_until(lambda: os.path.exists(os.path.join(server.folder, "mail", "runs")), "the command to run")
        # Between the two targets: the record of the first must be durable, which another mail after it says.
        server.send(f"sender@{REMOTE}", [f"bert@{LOCAL}"], message())
        server.wait_for_mailbox(f"bert@{LOCAL}")
        server.kill()
        with open(os.path.join(server.folder, "mail", "go"), "w"):
            pass
        server.start()
        server.wait_until_empty()
        self.assertEqual(len(server.mailbox(f"anna@{LOCAL}")), 1)
        with open(os.path.join(server.folder, "mail", "runs")) as file:
            self.assertEqual(file.read(), "x\nx\n")

    def test_aliases_of_the_command_are_known_at_once(self):
        server = self.server()
        with server.talk(source=ringpost.UNTRUSTED) as client:
            client.hello()
            client.ask(f"MAIL FROM:<sender@{REMOTE}>", "250")
            client.ask(f"RCPT TO:<sales@{LOCAL}>", "550 5\\.1\\.1")
            server.command_ok("alias", "add", f"sales@{LOCAL}", f"anna@{LOCAL}")
            client.ask(f"RCPT TO:<sales@{LOCAL}>", "250")
            server.command_ok("alias", "delete", f"sales@{LOCAL}")
            client.ask(f"RCPT TO:<sales@{LOCAL}>", "550 5\\.1\\.1")

    def test_a_user_of_the_command_gets_mail_and_may_log_in(self):
        server = self.server({"listener": {"clear": {"protocol": "submission", "tls": "none", "auth_without_tls": True}}})
        server.command_ok("user", "add", f"carl@{LOCAL}", input=b"a long secret\n")
        server.send(f"sender@{REMOTE}", [f"carl@{LOCAL}"], message())
        server.wait_for_mailbox(f"carl@{LOCAL}")
        with smtplib.SMTP("127.0.0.1", server.port("clear"), timeout=60) as client:
            client.login(f"carl@{LOCAL}", "a long secret")
        self.assertIn(f"carl@{LOCAL}", [u["name"] for u in server.json_lines("user", "list")])
        server.command_ok("user", "delete", f"carl@{LOCAL}")
        with server.talk(source=ringpost.UNTRUSTED) as client:
            client.hello()
            client.ask(f"MAIL FROM:<sender@{REMOTE}>", "250")
            client.ask(f"RCPT TO:<carl@{LOCAL}>", "550 5\\.1\\.1")


@unittest.skipUnless(os.geteuid() == 0, "only root can act as others")
class AsUsers(SystemTest):
    """The server starts as root, becomes its user, and a helper acts as the users whose mail it is."""

    def user_server(self, location="maildir:~/Maildir", uid=USER_ID, sink=None, **more):
        self.home = os.path.join(temp_folder(), "dora")
        os.mkdir(self.home, 0o700)
        os.chown(self.home, uid, uid)
        server = ringpost.Server(ringpost.merged({"mailboxes": {"location": location}}, more), as_root=True, start=False, sink=sink)
        with open(os.path.join(server.folder, "passwd"), "a") as file:
            file.write(f"dora:{ringpost.password_hash()}:{uid}:{uid}::{self.home}\n")
        self.addCleanup(server.end)
        return server.start()

    def home_file(self, name, text, mode=0o600, owner=USER_ID):
        path = os.path.join(self.home, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, owner, owner)
        return path

    def test_the_server_is_not_root_any_more(self):
        server = self.user_server()
        with open(f"/proc/{server.pid}/status") as file:
            ids = re.search(r"Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", file.read()).groups()
        self.assertNotIn("0", ids)

    def test_a_maildir_in_a_home_belongs_to_its_user(self):
        server = self.user_server()
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        server.wait_for_event("delivered")
        (mail,) = maildir(os.path.join(self.home, "Maildir"))
        self.assertEqual(without_trace(mail, b"\n"), to_lf(message()))
        for folder, _, files in os.walk(os.path.join(self.home, "Maildir")):
            for path in [folder, *(os.path.join(folder, f) for f in files)]:
                self.assertEqual(os.stat(path).st_uid, USER_ID, path)

    def test_a_forward_file_sends_on_and_keeps(self):
        sink = self.closing(Sink())
        server = self.user_server(sink=sink)
        self.home_file(".forward", f"\\dora, far@{REMOTE}\n")
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        (mail,) = sink.wait_for_mail()
        self.assertEqual((mail.recipients, mail.sender), ([f"far@{REMOTE}"], f"sender@{REMOTE}"))
        server.wait_until_empty()
        self.assertEqual(len(maildir(os.path.join(self.home, "Maildir"))), 1)

    def test_a_forward_file_may_include_a_list_of_its_user(self):
        sink = self.closing(Sink())
        server = self.user_server(sink=sink)
        friends = self.home_file("friends", f"one@{REMOTE}\n# and\ntwo@{REMOTE}\n")
        self.home_file(".forward", f":include:{friends}\n")
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        (mail,) = sink.wait_for_mail()
        self.assertEqual(sorted(mail.recipients), [f"one@{REMOTE}", f"two@{REMOTE}"])
        server.wait_until_empty()
        # One that is not the user's own, or that others may write, is not obeyed.
        for change in ({"owner": USER_ID + 1, "mode": 0o644}, {"mode": 0o666}):
            with self.subTest(**change):
                self.home_file("friends", f"evil@{REMOTE}\n", **change)
                identity = server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
                self.assertEqual(server.wait_for_event("deferred", queue_id=identity)[0]["enhanced_status"], "4.3.5")
        self.assertEqual(sink.to(f"evil@{REMOTE}"), [])

    def test_a_command_of_a_forward_file_runs_as_its_user(self):
        server = self.user_server()
        self.home_file(".forward", f'"|cat >/dev/null; id -u >{self.home}/who"\n')
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        server.wait_for_event("delivered")
        with open(os.path.join(self.home, "who")) as file:
            self.assertEqual(file.read().strip(), str(USER_ID))

    def test_a_forward_file_of_somebody_else_is_not_obeyed(self):
        server = self.user_server()
        self.home_file(".forward", f'"|touch {self.home}/obeyed"\n', owner=USER_ID + 1)
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        wait_until(lambda: server.events("delivered") or server.events("deferred") or server.events("bounced"), "an end")
        self.assertFalse(os.path.exists(os.path.join(self.home, "obeyed")))

    def test_nothing_is_done_as_root(self):
        server = self.user_server(uid=0)
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        event = wait_until(lambda: server.events("deferred") or server.events("bounced"), "a refusal")[0]
        self.assertNotEqual(event["type"], "delivered")
        self.assertEqual(os.listdir(self.home), [])

    def test_a_home_that_others_may_write_is_refused(self):
        server = self.user_server()
        os.chmod(self.home, 0o777)
        server.send(f"sender@{REMOTE}", [f"dora@{LOCAL}"], message())
        wait_until(lambda: server.events("deferred") or server.events("bounced"), "a refusal")
        self.assertEqual(os.listdir(self.home), [])

    def test_the_helper_ends_with_a_server_that_is_killed(self):
        server = self.user_server()
        children = open(f"/proc/{server.pid}/task/{server.pid}/children").read().split()
        self.assertEqual(len(children), 1, children)
        os.kill(server.pid, 9)
        server.program.process.wait()
        wait_until(lambda: not os.path.exists(f"/proc/{children[0]}"), "the helper to end")
        server.program = None


if __name__ == "__main__":
    ringpost.main()
