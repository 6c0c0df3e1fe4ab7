"""A few thousand real mails through the server, unchanged. Skips where there is no corpus: a checkout alone must pass.

RINGPOST_CORPUS names a folder of .tar.zst archives with a mail in each file; without it, a folder "corpus" near the checkout.
"""

import glob
import os
import smtplib

import programs
import ringpost
from programs import run_ok, temp_folder
from ringpost import LOCAL, REMOTE, SystemTest, to_lf, without_trace
from sink import Sink

FOLDERS = [os.environ["RINGPOST_CORPUS"]] if "RINGPOST_CORPUS" in os.environ else glob.glob(os.path.join(programs.SOURCE, "..", "*", "corpus"))


def mails_of(archive):
    """As they are sent: CRLF, no bare CR, without the line of an mbox in front."""
    folder = temp_folder()
    run_ok(["tar", "--zstd", "-xf", archive, "-C", folder])
    for path in sorted(glob.glob(os.path.join(folder, "**"), recursive=True)):
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        if data.startswith(b"From "):
            data = data.split(b"\n", 1)[1]
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"")
        yield (data if data.endswith(b"\n") else data + b"\n").replace(b"\n", b"\r\n")


class Corpus(SystemTest):
    @classmethod
    def setUpClass(cls):
        archives = sorted(path for folder in FOLDERS for path in glob.glob(os.path.join(folder, "*.tar.zst")))
        cls.mails = [mail for archive in archives for mail in mails_of(archive)]

    def setUp(self):
        if not self.mails:
            self.skipTest("no corpus of real mail is here; RINGPOST_CORPUS names its folder")

    def send_all(self, server, recipient):
        with smtplib.SMTP("127.0.0.1", server.port(), timeout=programs.PATIENCE) as client:
            for number, mail in enumerate(self.mails):
                client.sendmail(f"sender@{REMOTE}", [recipient(number)], mail, mail_options=["BODY=8BITMIME"])

    def test_every_mail_arrives_unchanged_at_the_next_host(self):
        for chunking in (False, True):
            with self.subTest(chunking=chunking):
                sink = self.closing(Sink(chunking=chunking))
                self.send_all(self.server(sink=sink), lambda number: f"{number}@{REMOTE}")
                sink.wait_for_mail(len(self.mails))
                for mail in sink.mails:
                    number = int(mail.recipients[0].split("@")[0])
                    # Behind our Received line: a mail's own trace fields stay too.
                    self.assertTrue(mail.data.endswith(self.mails[number]), f"mail {number} was changed")

    def test_every_mail_arrives_unchanged_in_a_maildir(self):
        server = self.server()
        self.send_all(server, lambda number: f"anna@{LOCAL}")
        got = sorted(without_trace(m, b"\n") for m in server.wait_for_mailbox(f"anna@{LOCAL}", len(self.mails)))
        self.assertEqual(got, sorted(without_trace(to_lf(m), b"\n") for m in self.mails))


if __name__ == "__main__":
    ringpost.main()
