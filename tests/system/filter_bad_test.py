"""Mails and rules that are meant to hurt, through the running server: bounded work, counted, and a verdict all the same."""

import base64
import os

import ringpost
from filter_test import ANNA, HAM, RULES, SPAM, FilterTest
from programs import wait_until
from ringpost import LOCAL, REMOTE, message

BAIT = r"""
header HAS_SUBJECT Subject =~ /./
score HAS_SUBJECT 0.1
body BACKTRACK /^(?:a+)+$/
score BACKTRACK 1
body ALTERNATES /^(?:a|aa|a(?=a))+$/
score ALTERNATES 1
rawbody LONG /(?:x+x+)+y/
score LONG 1
uri ANY_URI /example/
score ANY_URI 0.1
"""
ONE_CORE = {"cores": {"use": [0]}}


def in_lines(text, width=900):
    return "\r\n".join(text[i:i + width] for i in range(0, len(text), width))


def parts(count, content):
    return "".join(f"--b\r\n{content(n)}\r\n" for n in range(count)) + "--b--"


def nested(depth):
    return "".join(f'--b{n}\r\nContent-Type: multipart/mixed; boundary="b{n + 1}"\r\n\r\n' for n in range(depth)) + "cheap pills"


# name: (Content-Type and what follows it in the header, body, whether its text is found)
MAILS = {
    "tags in tags": ("text/html", in_lines("<div style='color:#fff'><font size=1><table>" * 8_000 + "cheap pills"), None),
    "entities that swell": ("text/html", in_lines("&zwnj;<br>" * 40_000, 1000) + "\r\n<p>cheap pills", None),
    "attributes without end": ("text/html", "<a\r\n" + in_lines("href=http://u.example/&#x41; " * 15_000, 990) + ">cheap pills</a>", None),
    "a comment that never ends": ("text/html", "cheap pills<!--\r\n" + in_lines("<!-- -" * 40_000, 990), True),
    "declarations that quote their end": ("text/html", "cheap pills\r\n" + in_lines('<!doctype ">" ' * 25_000 + "-x", 980), True),
    "a hundred thousand parts": ('multipart/mixed; boundary="b"', "--b\r\n\r\ncheap pills\r\n" + "--b\r\n" * 100_000, True),
    "thousand parts": ('multipart/mixed; boundary="b"', parts(1000, lambda n: f"Content-Type: text/plain\r\n\r\npart {n}: cheap pills"), True),
    "ten thousand parts": ('multipart/mixed; boundary="b"', parts(10_000, lambda n: f"\r\n{n}"), None),
    "parts in parts": ('multipart/mixed; boundary="b0"', nested(500), None),
    "a boundary that is everywhere": ('multipart/mixed; boundary="-"', "---\r\n" * 50_000, None),
    "no base64": ("text/plain\r\nContent-Transfer-Encoding: base64", in_lines("!!!!" * 10_000), None),
    "base64 that breaks off": ("text/plain\r\nContent-Transfer-Encoding: base64", base64.b64encode(b"cheap pills\n").decode() + "\r\nA=B=C=\r\n=\r\nYW", True),
    "text that says base64": ("text/plain\r\nContent-Transfer-Encoding: base64", in_lines("cheap pills, " * 5_000), None),
    "quotes that lie": ("text/plain\r\nContent-Transfer-Encoding: quoted-printable", "cheap =\r\npills =ZZ=4\r\n" + in_lines("=" * 40_000), True),
    "backtracking bait": ("text/plain", "cheap pills\r\n\r\n" + in_lines("a" * 30_000 + "!") + "\r\n\r\n" + in_lines("x" * 30_000), True),
    "no such charset": ("text/plain; charset=x-no-such", "cheap pills\r\n" + "\r\n".join(["\xe4\xff\xfe" * 30] * 500), True),
    "half of UTF-16": ("text/plain; charset=utf-16", in_lines("\xd8\x01" * 20_001, 901), None),
    "all of UTF-16": ("text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64", in_lines(base64.encodebytes("cheap pills\n".encode("utf-16le") * 5_000).decode().replace("\n", ""), 76), True),
    "escapes of ISO-2022": ("text/plain; charset=iso-2022-jp", in_lines("\x1b$B\x1b(B\x1b$" * 5_000), None),
    "encoded words that lie": ("text/plain\r\nX-Words: " + "\r\n ".join(["=?utf-16?B?////?= =?x?Q?=ZZ?= =?utf-8?B?" for _ in range(300)]), "cheap pills", True),
    "links without end": ("text/plain", in_lines("cheap pills " + " ".join(f"http://a{n}.example.com/" for n in range(15_000)), 970), None),
    "addresses without end": ("text/plain\r\nCc: " + ",\r\n ".join(f"a{n} <a{n}@b{n}.example>" for n in range(4_000)), "cheap pills", True),
    "a hundred thousand fields": ("text/plain\r\n" + "X:\r\n" * 100_000 + "X-Last: 1", "cheap pills", None),
    "nothing at all": ("text/plain", "", None),
    "traces without end": ("text/plain\r\n" + "\r\n".join(f"X-Received: from a{n} by b{n}; x" for n in range(3_000)), "cheap pills", True),
}


class BadTest(FilterTest):
    def judged(self, server, data):
        identity = self.accepted(server, data)
        [event] = server.wait_for_event("received", queue_id=identity)
        for key in ("score", "required", "tests", "action", "filter_time"):
            self.assertIn(key, event)
        return event


class BadMails(BadTest):
    def test_each_has_a_verdict_and_others_their_turn_on_the_same_core(self):
        server = self.filter_server({"reject_score": "unset"}, rules=RULES + BAIT, config=ONE_CORE)
        for name, (kind, body, found) in MAILS.items():
            with self.subTest(name), server.talk(source=ringpost.UNTRUSTED) as bad:
                head = f"From: a@{REMOTE}\r\nTo: {ANNA}\r\nSubject: {name}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
                bad.hello("client.example")
                for line, answer in ((f"MAIL FROM:<sender@{REMOTE}>", "250"), (f"RCPT TO:<bert@{LOCAL}>", "250"), ("DATA", "354")):
                    bad.ask(line, answer)
                bad.raw((head + body + "\r\n.\r\n").encode("latin-1"))
                self.assertEqual(self.judged(server, HAM)["action"], "accept")
                reply = bad.reply()
                self.assertEqual(reply.code, 250, reply)
                [event] = server.wait_for_event("received", queue_id=reply.queue_id)
                tests = event["tests"].split(",")
                self.assertIn("HAS_SUBJECT", tests)
                if found:
                    self.assertIn("PILLS", tests)
        self.assertGreater(server.figure("filter_gave_up"), 0)
        self.assertEqual(server.figure("filter_messages"), 2 * len(MAILS))
        self.assertEqual(self.judged(server, SPAM)["action"], "tag")

    def test_a_mail_of_50_megabytes(self):
        server = self.filter_server(config={"listener": {"mx": {"message_size_limit": "60MiB"}}})
        event = self.judged(server, message("huge", body="cheap pills\r\n" + ("y" * 998 + "\r\n") * 50_000))
        self.assertEqual(event["action"], "tag")
        server.wait_for_event("delivered")

    def test_50_megabytes_without_an_end_of_header(self):
        server = self.filter_server(config={"listener": {"mx": {"message_size_limit": "60MiB"}}})
        event = self.judged(server, b"Subject: cheap\r\n" + (b"X-Long: " + b"y" * 900 + b"\r\n") * 55_000)
        self.assertEqual(event["action"], "accept")


    def test_what_is_no_mail_at_all_has_a_verdict(self):
        server = self.filter_server()
        for data in (b"", b"\r\n", b"cheap pills\r\n", b": \r\n\r\n", b"\xff\xfe\r\n"):
            with self.subTest(data):
                self.assertIn(self.judged(server, data)["action"], ("accept", "tag"))


class BadRules(BadTest):
    ERRORS = [
        "body BROKEN /(/", "body NO_SLASH cheap", "header NO_TEST Subject ~~ x", "meta ODD (PILLS && ", "meta SELF SELF || PILLS", "score PILLS many",
        "score", "no_such_setting 1", "tflags", "body", "describe", "body EVAL eval:no_such_function('x')", "ifplugin\nendif", "\x00\x01\x02", "uri U m{a",
        "replace_tag", "header H ALL =~ /(?<=a+)b/", "body REFERS /(a)\\2/", "full F /[z-a]/",
    ]

    def test_a_file_of_errors_costs_its_lines_and_nothing_else(self):
        server = self.filter_server(rules=RULES + "\n".join(self.ERRORS) + "\nbody LAST /the last rule/\nscore LAST 7\n")
        wait_until(lambda: any("a rule is left out" in str(event) for event in server.events("notice")), "the rules to be named")
        self.assertIn("PILLS", self.judged(server, SPAM)["tests"].split(","))
        self.assertIn("LAST", self.judged(server, message("x", body="the last rule\r\n"))["tests"].split(","))
        done = server.command("filter", "check", "--rules", self.rules_folder)
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, 1, said)
        for line, text in enumerate((RULES + "\n".join(self.ERRORS)).splitlines(), 1):
            if text in ("body BROKEN /(/", "meta ODD (PILLS && ", "score PILLS many", "no_such_setting 1", "full F /[z-a]/"):
                self.assertIn(f"local.cf:{line}:", said)

    def test_numbers_that_are_none_do_not_switch_the_filter_off(self):
        lines = [line for bad in ("nan", "inf", "-inf", "1e308") for line in (f"score HAS_SUBJECT {bad}", f"required_score {bad}")]
        server = self.filter_server({"reject_score": "unset"}, rules=RULES + BAIT + "\n".join(lines) + "\n")
        self.assertEqual(self.judged(server, SPAM)["action"], "tag")
        done = server.command("filter", "check", "--rules", self.rules_folder)
        self.assertEqual(done.stdout.count(b"number"), len(lines), done.stdout)

    def test_a_set_that_is_lost_leaves_the_old_one_in_force(self):
        server = self.filter_server()
        path = os.path.join(self.rules_folder, "local.cf")
        os.rename(path, path + ".gone")
        losses = {"nothing": lambda: None, "a link to nothing": lambda: os.symlink("nowhere", path), "a pipe": lambda: os.mkfifo(path)}
        for name, lose in losses.items():
            with self.subTest(name):
                lose()
                done = server.command("reload")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(b"there is no rule in", done.stderr)
                self.assertEqual(self.judged(server, SPAM)["action"], "tag")
                if os.path.lexists(path):
                    os.remove(path)

    def test_a_file_of_a_folder_that_is_none_keeps_the_old_rules_and_is_named(self):
        server = self.filter_server()
        os.symlink("nowhere", os.path.join(self.rules_folder, "mine.cf"))
        done = server.command("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"mine.cf: not read", done.stdout)
        self.assertEqual(self.judged(server, SPAM)["action"], "tag")

    def test_patterns_that_explode_when_they_are_compiled_are_bounded_and_the_rest_is_compiled(self):
        explosive = "".join(f"body EXPLODES{n} {pattern}\nscore EXPLODES{n} 1\n" for n, pattern in enumerate(
            ["/(?:(?:a{1,200}){1,200}){1,200}b/", "/(?:x?){500}x{500}/", "/(?:[a-z]{1,90}\\s*){1,99}(?:[0-9]{1,90}\\s*){1,99}!/", "/(?:a|b|ab){1,900}(?:c|d|cd){1,900}$/i"]))
        server = self.filter_server(rules=RULES + explosive)
        self.assertEqual(self.judged(server, SPAM)["action"], "tag")
        wait_until(lambda: "being compiled" not in server.command_ok("status"), "the rules to be compiled")
        self.assertEqual(self.judged(server, SPAM)["action"], "tag")
        self.judged(server, message("bait", body="ab" * 400 + "\r\n\r\n" + "x" * 900 + "\r\n\r\n" + "abc " * 200 + "\r\n"))
        [cache] = [name for name in os.listdir(os.path.join(server.folder, "state")) if name.startswith("filter-") and name.endswith(".cache")]
        self.assertLess(os.path.getsize(os.path.join(server.folder, "state", cache)), 64 * 1024 * 1024)


if __name__ == "__main__":
    ringpost.main()
