"""What is wrong with a configuration is said with line, key and mend; what is right is shown with where it came from."""

import json
import os
import re

import ringpost
from programs import run, temp_folder
from ringpost import SystemTest

GOOD = """\
[server]
hostname = "mx.test.example"
user = "nobody"

[listener.mx]
address = ["127.0.0.1:2525"]

[domains]
local = ["local.example"]
"""

# What is wrong: (name, the broken file, the line that must be named, the key that must be named, what the mend must say)
BROKEN = [
    ("a key that does not exist", GOOD.replace("local =", "locals ="), 9, "domains.locals", "local"),
    ("a table that does not exist", GOOD + "[listner.mx]\nport = 25\n", 10, "listner", "listener"),
    ("a size with a wrong unit", GOOD.replace("[domains]", 'message_size_limit = "50 potatoes"\n[domains]'), 8, "listener.mx.message_size_limit", "MiB"),
    ("a time without a unit", GOOD + '[retry]\nexpire_after = "5"\n', 11, "retry.expire_after", "30s"),
    ("a number out of its range", GOOD.replace("[domains]", "recipient_limit = 5\n[domains]"), 8, "listener.mx.recipient_limit", "100"),
    ("more recipients than an envelope takes", GOOD.replace("[domains]", "recipient_limit = 8001\n[domains]"), 8, "listener.mx.recipient_limit", "8000"),
    ("a word that is no choice", GOOD.replace("[domains]", 'protocol = "smpt"\n[domains]'), 8, "listener.mx.protocol", "smtp"),
    ("an address without a port", GOOD.replace("127.0.0.1:2525", "127.0.0.1"), 6, "listener.mx.address", ":25"),
    ("a network that is none", GOOD + '[policy]\nrelay_networks = ["10.0.0.0/40"]\n', 11, "policy.relay_networks", "/"),
    ("a required key that is missing", GOOD.replace('address = ["127.0.0.1:2525"]\n', ""), 5, "listener.mx.address", "address"),
    ("text where a list belongs", GOOD.replace('["local.example"]', '"local.example"'), 9, "domains.local", "["),
    ("a key that stands twice", GOOD.replace("[domains]\n", "[domains]\nlocal = []\n"), 10, "local", ""),
    ("no TOML at all", GOOD + "this is = = no TOML\n", 10, "", ""),
    ("implicit TLS without a certificate", GOOD.replace("[domains]", 'tls = "implicit"\n[domains]'), 8, "listener.mx.tls", "certificate"),
    ("submission where nobody could log in", GOOD.replace("[domains]", 'protocol = "submission"\ntls = "none"\n[domains]'), 9, "listener.mx.tls", "required"),
    ("a log that is no place", GOOD + '[log.mail]\nto = "somewhere"\n', 11, "log.mail.to", "stderr"),
    ("a route that goes nowhere", GOOD + '[route.out]\nvia = "teleport:there"\n', 11, "route.out.via", "smtp:"),
    ("a certificate that is not there", GOOD + '[tls]\ncertificate = "/nonexistent/cert.pem"\nkey = "/nonexistent/key.pem"\n', 11, "tls.certificate", "PEM"),
    ("two routes that match equally well", GOOD + '[route.a]\nmatch = { domain = "x.example" }\nvia = "mx"\n[route.b]\nmatch = { domain = "x.example" }\nvia = "discard"\n', None, "route.b", ""),
]


class Config(SystemTest):
    def setUp(self):
        self.folder = temp_folder()
        self.path = os.path.join(self.folder, "ringpost.toml")

    def check(self, text, *arguments):
        with open(self.path, "w") as file:
            file.write(text)
        return run([ringpost.program(), "check", self.path, *arguments])

    def test_a_good_file_is_good(self):
        done = self.check(GOOD)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(b"good", done.stdout)

    def test_each_broken_file_names_line_key_and_mend(self):
        for name, text, line, key, mend in BROKEN:
            with self.subTest(name):
                done = self.check(text)
                said = (done.stdout + done.stderr).decode()
                self.assertEqual(done.returncode, 1, said)
                errors = [l for l in said.splitlines() if ": error: " in l]
                place = f":{line}:" if line else ":"
                fitting = [e for e in errors if e.startswith(self.path + place) and key in e]
                self.assertTrue(fitting, f"nothing says {place} and {key!r} in:\n{said}")
                self.assertIn("; ", fitting[0])
                self.assertIn(mend, fitting[0].split("; ", 1)[1] if mend else fitting[0])

    def test_all_errors_are_named_at_once(self):
        text = GOOD.replace("local =", "locals =").replace("127.0.0.1:2525", "nowhere")
        done = self.check(text)
        self.assertGreaterEqual(done.stdout.decode().count(": error: "), 2)
        found = json.loads(self.check(text, "--json").stdout)
        self.assertEqual({f["key"] for f in found if f["severity"] == "error"} >= {"domains.locals"}, True, found)
        for finding in found:
            self.assertTrue(finding["mend"], finding)

    def test_included_files_are_named_in_their_errors(self):
        os.mkdir(os.path.join(self.folder, "conf.d"))
        included = os.path.join(self.folder, "conf.d", "one.toml")
        with open(included, "w") as file:
            file.write("[policy]\nhops_maximum = 3\n")
        done = self.check('include = ["conf.d/*.toml"]\n' + GOOD)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(), re.escape(included) + r":2: error: policy\.hops_maximum")
        with open(included, "w") as file:
            file.write('[domains]\nlocal = ["other.example"]\n')
        done = self.check('include = ["conf.d/*.toml"]\n' + GOOD)
        self.assertEqual(done.returncode, 1)
        said = done.stdout.decode()
        self.assertIn(included, said)
        self.assertIn(self.path, said)

    def test_a_file_that_is_not_there_is_named(self):
        done = run([ringpost.program(), "check", "/nonexistent/ringpost.toml"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/nonexistent/ringpost.toml", done.stdout + done.stderr)

    def test_show_says_each_value_and_the_line_that_set_it(self):
        self.check(GOOD)
        shown = run([ringpost.program(), "config", "show", "--config", self.path]).stdout.decode()
        self.assertRegex(shown, r"(?m)^.*hostname.*mx\.test\.example.*ringpost\.toml:2")
        self.assertRegex(shown, r"(?m)^.*recipient_limit.*1000.*default")
        json.loads(run([ringpost.program(), "config", "show", "--json", "--config", self.path]).stdout)

    def test_the_reference_has_every_table(self):
        page = run([ringpost.program(), "config", "reference"]).stdout.decode()
        for table in ("server", "cores", "tls", "listener", "spool", "policy", "domains", "accounts", "mailboxes", "route", "deliver", "retry", "shaping",
                      "resolver", "log", "admin"):
            self.assertRegex(page, rf"\[{table}[.\]]|`{table}[.`]", table)

    def test_init_writes_a_configuration_that_works(self):
        folder = os.path.join(self.folder, "new")
        done = run([ringpost.program(), "init", folder])
        self.assertEqual(done.returncode, 0, done.stderr)
        path = os.path.join(folder, "ringpost.toml")
        done = run([ringpost.program(), "check", path])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(path) as file:
            text = file.read()
        self.assertGreater(text.count("#"), 20)
        again = run([ringpost.program(), "init", folder])
        self.assertEqual(again.returncode, 1)
        with open(path) as file:
            self.assertEqual(file.read(), text)

    def test_accounts_may_come_before_the_first_start(self):
        somebody = {"user": ringpost.SERVICE_USER} if os.geteuid() == 0 else {}
        os.chmod(self.folder, 0o777)
        path = os.path.join(self.folder, "early")
        self.assertEqual(run([ringpost.program(), "init", path], **somebody).returncode, 0)
        done = run([ringpost.program(), "user", "add", "anna", "--config", path + "/ringpost.toml"], input=b"secret\n", **somebody)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"the server will know when it starts", done.stdout)

    def test_every_command_has_help_with_an_example(self):
        for words in (["init"], ["check"], ["serve"], ["reload"], ["stop"], ["status"], ["version"], ["config", "show"], ["config", "reference"],
                      ["queue", "summary"], ["queue", "list"], ["queue", "show"], ["queue", "flush"], ["queue", "hold"], ["queue", "release"], ["queue", "bounce"],
                      ["queue", "cancel"], ["queue", "suspend"], ["queue", "resume"], ["queue", "directives"], ["user", "add"], ["user", "list"], ["user", "delete"],
                      ["user", "passwd"], ["alias", "add"], ["alias", "list"], ["alias", "delete"], ["spool", "check"], ["spool", "stats"]):
            with self.subTest(" ".join(words)):
                done = run([ringpost.program(), *words, "--help"])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(b"Example", done.stdout)


class Spool(SystemTest):
    def test_check_and_stats_read_the_spool_of_a_stopped_server(self):
        server = self.server(sink=1)  # nobody listens there: the mail stays
        for number in range(5):
            server.send(f"a@{ringpost.REMOTE}", [f"r{number}@{ringpost.REMOTE}"], ringpost.message(body="x" * 1000 + "\r\n"))
        server.stop()
        before = self.contents(server)
        checked = server.command("spool", "check")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("5", server.command_ok("spool", "stats"))
        self.assertEqual(self.contents(server), before)

    def test_check_finds_a_byte_that_has_rotted(self):
        server = self.server(sink=1)
        marker = b"PRECIOUS-CONTENT-0123456789"
        server.send(f"a@{ringpost.REMOTE}", [f"r@{ringpost.REMOTE}"], b"Subject: x\r\n\r\n" + marker + b"\r\n")
        for number in range(3):  # more frames behind it: what is torn is at the end only
            server.send(f"a@{ringpost.REMOTE}", [f"r{number}@{ringpost.REMOTE}"], ringpost.message())
        server.stop()
        self.assertTrue(self.rot(server, marker))
        done = server.command("spool", "check")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def files(self, server):
        for folder, _, names in os.walk(os.path.join(server.folder, "spool")):
            yield from (os.path.join(folder, name) for name in sorted(names))

    def contents(self, server):
        found = {}
        for path in self.files(server):
            with open(path, "rb") as file:
                found[path] = hash(file.read())
        return found

    def rot(self, server, marker):
        for path in self.files(server):
            with open(path, "r+b") as file:
                at = file.read().find(marker)
                if at >= 0:
                    file.seek(at)
                    file.write(b"ROTTEN")
                    return True
        return False


if __name__ == "__main__":
    ringpost.main()
