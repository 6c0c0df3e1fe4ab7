"""Called as sendmail, mailq and newaliases, with the server up and stopped; and mailx on top of it."""

import os
import pwd

import foreign
import ringpost
from programs import run, temp_folder
from ringpost import LOCAL, REMOTE, SystemTest, to_lf, without_trace
from sink import Sink

ORDINARY_USER = "daemon"  # somebody who is neither root nor the service user


class Sendmail(SystemTest):
    def setUp(self):
        self.sink = self.closing(Sink())
        self.the_server = self.server({"server": {"origin": "origin.example"}}, sink=self.sink)
        self.bin = temp_folder()
        for name in ("sendmail", "mailq", "newaliases"):
            os.symlink(ringpost.program(), os.path.join(self.bin, name))

    def call(self, name, *arguments, data=b"", user=None):
        options = {}
        if user and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return run([os.path.join(self.bin, name), *arguments], input=data,
                   env={**os.environ, "RINGPOST_CONFIG": self.the_server.config_path, "ASAN_OPTIONS": "detect_leaks=1"}, **options)

    def send(self, *arguments, data=b"Subject: s\n\nHello.\n", user=None):
        done = self.call("sendmail", *arguments, data=data, user=user)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_mail_arrives_byte_for_byte(self):
        data = b"Message-ID: <a@b>\nDate: x\nFrom: a@b.example\nSubject: \xc3\xbc\n\n" + b"caf\xe9\n" + b"x" * 3000 + b"\n..\nFrom here\n"
        self.send("-i", "-f", f"sender@{REMOTE}", f"someone@{REMOTE}", data=data)
        (mail,) = self.sink.wait_for_mail()
        self.assertEqual(mail.sender, f"sender@{REMOTE}")
        self.assertEqual(to_lf(without_trace(mail.data)), data)

    def test_what_is_missing_is_added(self):
        self.send("-f", "me", f"someone@{REMOTE}")
        (mail,) = self.sink.wait_for_mail()
        self.assertEqual(mail.sender, "me@origin.example")
        for field in ("Date", "Message-ID", "From"):
            self.assertIsNotNone(mail.header(field), mail.data)

    def test_recipients_may_be_in_the_header(self):
        self.send("-t", "-oi", data=f"To: one@{REMOTE}, \"Two, T.\" <two@{REMOTE}>\nCc: three@{REMOTE}\nBcc: four@{REMOTE}\nSubject: s\n\nx\n".encode())
        self.sink.wait_for(lambda s: {r for m in s.mails for r in m.recipients} == {f"{n}@{REMOTE}" for n in ("one", "two", "three", "four")}, "four recipients")
        for mail in self.sink.mails:
            self.assertIsNone(mail.header("Bcc"))

    def test_a_lone_dot_ends_the_message_unless_told_otherwise(self):
        self.send(f"one@{REMOTE}", data=b"Subject: s\n\nbefore\n.\nafter\n")
        self.send("-i", f"two@{REMOTE}", data=b"Subject: s\n\nbefore\n.\nafter\n")
        self.assertTrue(self.sink.wait_for_mail(to=f"one@{REMOTE}")[0].data.endswith(b"before\r\n"))
        self.assertTrue(self.sink.wait_for_mail(to=f"two@{REMOTE}")[0].data.endswith(b"before\r\n.\r\nafter\r\n"))

    def test_a_mail_left_while_the_server_is_stopped_goes_out_when_it_starts(self):
        self.the_server.stop()
        for number in range(3):
            self.send(f"r{number}@{REMOTE}")
        self.send(f"anna@{LOCAL}")
        self.the_server.start()
        self.sink.wait_for_mail(3)
        self.the_server.wait_for_mailbox(f"anna@{LOCAL}")

    def test_any_user_of_the_host_may_send_and_is_the_sender(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be another user")
        self.send(f"someone@{REMOTE}", user=ORDINARY_USER)
        (mail,) = self.sink.wait_for_mail()
        self.assertEqual(mail.sender, f"{ORDINARY_USER}@origin.example")

    def test_a_crash_loses_none_that_was_taken(self):
        for round_number in range(3):
            for number in range(5):
                self.send(f"r{round_number}.{number}@{REMOTE}")
            self.the_server.restart(crash=True)
        self.sink.wait_for(lambda s: len({r for m in s.mails for r in m.recipients}) == 15, "15 recipients")

    def test_who_is_refused_comes_back_to_the_sender(self):
        self.send("-f", f"anna@{LOCAL}", f"nobody-here@{LOCAL}")
        (report,) = self.the_server.wait_for_mailbox(f"anna@{LOCAL}")
        self.assertIn(b"nobody-here", report)

    def test_wrong_use_has_the_exit_status_of_sysexits(self):
        self.assertEqual(self.call("sendmail").returncode, 64)
        self.assertEqual(self.call("sendmail", "-Z", "x@y.example").returncode, 64)
        self.assertEqual(self.call("sendmail", "-t", data=b"Subject: nobody\n\n").returncode, 64)
        self.assertEqual(self.call("sendmail", "-bs").returncode, 64)

    def test_mailq_shows_what_waits(self):
        self.assertIn(b"empty", self.call("mailq").stdout)
        self.sink.answers["rcpt"] = "450 4.2.1 busy"
        self.send("-f", f"anna@{LOCAL}", f"someone@{REMOTE}")
        (event, *_) = self.the_server.wait_for_event("deferred")
        shown = self.call("mailq").stdout.decode()
        for part in (event["queue_id"], f"anna@{LOCAL}", f"someone@{REMOTE}", "busy"):
            self.assertIn(part, shown)

    def test_newaliases_checks_and_tells_the_server(self):
        path = os.path.join(self.the_server.folder, "aliases")
        with open(path, "w") as file:
            file.write("fresh: anna\n")
        done = self.call("newaliases")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.send(f"fresh@{LOCAL}")
        self.the_server.wait_for_mailbox(f"anna@{LOCAL}")
        with open(path, "w") as file:
            file.write("fine: anna\nthis is no alias\n")
        done = self.call("newaliases")
        self.assertEqual(done.returncode, 65)
        self.assertIn(b"aliases:2", done.stderr)

    # ---- mailx ----

    def mailx(self, *arguments, text=b"Hello from mailx.\n"):
        try:
            program = foreign.program("usr/bin/bsd-mailx")
        except foreign.Unavailable as error:
            if os.environ.get("CI"):
                raise
            self.skipTest(str(error))
        settings = os.path.join(self.bin, "mailrc")
        with open(settings, "w") as file:
            file.write(f"set sendmail={self.bin}/sendmail\nset asksub\n")
        return run([program, *arguments], input=text, env={**os.environ, **foreign.environment(), "MAILRC": settings, "RINGPOST_CONFIG": self.the_server.config_path})

    def check_mailx(self):
        done = self.mailx("-s", "from mailx", "-r", f"anna@{LOCAL}", f"someone@{REMOTE}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_mailx_sends_with_the_server_up_and_stopped(self):
        self.check_mailx()
        self.sink.wait_for_mail()
        self.the_server.stop()
        self.check_mailx()
        self.the_server.start()
        for mail in self.sink.wait_for_mail(2):
            self.assertEqual((mail.header("Subject"), mail.sender), ("from mailx", f"anna@{LOCAL}"))
            self.assertTrue(mail.data.endswith(b"Hello from mailx.\r\n"))


if __name__ == "__main__":
    ringpost.main()
