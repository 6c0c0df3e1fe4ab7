"""What the documentation says is so: its commands are run, its configurations pass `ringpost check`, its names exist.

Each page is a story on a host of its own (docs_host.py), told from its first command to its last. A command that is neither run
nor skipped for a reason given here fails: nobody adds one that was never tried.
"""

import os
import re
import tomllib

import docs_host
import pages
import ringpost
from docs_host import Host
from programs import run
from ringpost import SystemTest

# Programs whose commands are run. ringpost's own are run too, whatever they are.
RUN = {"cat", "cp", "curl", "echo", "find", "grep", "install", "ln", "mailq", "newaliases", "openssl", "printf", "ringpost", "sendmail", "sqlite3", "swaks", "tar",
       "build/release/tools/loadgen/loadgen"}

# Commands that are not run: (what they begin with, why).
SKIPPED = [
    ("./dev demo", "minutes long, and what it shows has tests of its own"),
    ("./dev test", "this is a part of it"),
    ("./dev build", "has been done, or this would not run"),
    ("./dev bench", "measures for minutes, and tests never do"),
    ("build/release/tools/loadgen/loadgen tune --config", "measures for minutes; tests/tools/loadgen_test.py tries it"),
    ("./dev packages", "installs packages of the machine"),
    ("adduser", "makes a user of the machine"),
    ("systemctl daemon-reload", "there is no systemd; the unit is read by Host.service"),
    ("ringpost mailbox import anna@example.com imaps://", "needs another IMAP server; mailbox_move_test.py has one"),
    ("journalctl", "there is no journal; standard error is looked at instead"),
]

# Done by Host.service, which reads the unit that the page has installed.
SERVICE = {"systemctl enable --now ringpost": "start", "systemctl start ringpost": "start", "systemctl stop ringpost": "stop"}

# What commands must say beyond their exit status 0: (what they begin with, a pattern).
SAYS = [
    ("ringpost status --json", r'"stalls"'),
    ("ringpost status", r"ringpost \S+ on \S+, up"),
    ("ringpost top --once", r"CORE .*COMMIT99"),
    ("curl -s http://127.0.0.1:9464/metrics", r'ringpost_intake_messages_total\{core="0"\} 0'),
    ("ringpost queue show ID", r"someone@example\.org +deferred"),
    ("ringpost queue list --state deferred", r"someone@example\.org"),
    ("ringpost queue list --json", r'"address"'),
    ("ringpost queue hold --sender news@example.com --dry-run", r"hold would concern 0 recipients"),
    ("ringpost queue directives", r"example\.org"),
    ("ringpost config show | grep -v default", r"hostname"),
    ("ringpost config show | grep -A 10 cores", r"wait"),
    ("ringpost spool check", r": good"),
    ("ringpost user list", r"anna@example\.com"),
    ("ringpost alias list", r"team@example\.com"),
    ("ringpost mailbox list anna --config /tmp/trial/ringpost.toml", r"INBOX +1 +1 "),
    ("curl -s --insecure --user 'anna:correct horse'", r"Subject: test "),
    ("curl -s --insecure --user 'anna@example.com:correct horse'", r"Subject: "),
    ("grep anna@example.com", r"delivered .*to=<anna@example\.com>"),
    ("grep ready", r"ready: \d+ cores? on \w+ \("),
    ("grep -o 'score=", r"score=6\.5 .*action=quarantine"),
    ("grep ID", r": received "),
    ("ringpost filter test", r"RULE"),
    ("ringpost filter show RULE", r"nobody asked for"),
    ("ringpost filter list FUZZY", r"FUZZY_PILLS"),
    ("ringpost mailbox import anna@example.com Maildir", r"2 messages imported, 0 were there, 0 failed"),
    ("ringpost mailbox import anna@example.com spam.mbox", r"1 message would be imported"),
    ("ringpost mailbox export anna@example.com /var/backups/anna", r"2 messages exported"),
    ("ringpost mailbox list anna@example.com", r"INBOX +2 +2 "),
    ("ringpost mailbox check", r"2 messages read, .*: all is well"),
    ("ringpost mailbox rebuild", r"the index was made anew and written"),
    ("ringpost filter learn ham Maildir", r"learned 2 of 2 mails as ham"),
    ("ringpost filter learn spam spam.mbox", r"learned 1 of 1 mail as spam"),
    ("ringpost filter learn spam --forget spam.mbox", r"forgot 1 of 1"),
    ("ringpost filter quarantine list", r"sender@remote\.example"),
    ("ringpost filter quarantine show ID", r"score 6\.5 of 5\.0: FUZZY_PILLS,RULE"),
    ("ringpost filter quarantine release ID", r"release: 1 message"),
    ("ringpost filter quarantine delete --all", r"delete: 1 message"),
    ("openssl s_client", r"CONNECTION ESTABLISHED|TLSv1\.[23]"),
    ("build/release/tools/loadgen/loadgen compare", r"lost 0"),
    ("build/release/tools/loadgen/loadgen imap --to 127.0.0.1:143 --auth 'anna@example.com:correct horse' --do append", r"200 operations of 200 begun"),
    ("build/release/tools/loadgen/loadgen imap --to 127.0.0.1:143 --auth 'anna@example.com:correct horse' --do fetch", r"600 read or written"),
    ("build/release/tools/loadgen/loadgen imap --to 127.0.0.1:143 --auth 'anna@example.com:correct horse' --do idle", r"50 operations of 50 begun"),
    ("build/release/tools/loadgen/loadgen pop3", r" 0 refused, 0 unanswered"),
]

# Pages whose story needs mail that waits.
WITH_WAITING_MAIL = {"docs/queue.md", "docs/troubleshooting.md", "docs/backup-and-recovery.md", "docs/spool.md"}
# Pages whose story needs mail in the quarantine.
WITH_SPAM = {"docs/spam.md"}
# Pages that begin on a host where nothing is installed.
BARE = {"docs/install.md"}
# Lists of files and bytes, not output of a program.
LAYOUTS = {"docs/spool.md"}


def skipped_because(command):
    return next((why for begin, why in SKIPPED if command.startswith(begin)), None)


def programs_of(command):
    """The programs of a command line: the first word of each of its parts."""
    parts = re.split(r"\|\||&&|[|;]", re.sub(r"'[^']*'|\"[^\"]*\"", "QUOTED", command))
    return {part.split()[0] for part in parts if part.strip()}


def expected_of(command):
    return next((pattern for begin, pattern in SAYS if command.startswith(begin)), None)


class Pages(SystemTest):
    def test_every_command_is_known(self):
        for page in pages.names():
            for block in pages.blocks(page):
                self.assertIn(block.language, ("sh", "toml", "text"), f"{block.place}: a fence says whether it is sh, toml or text")
                for line, command in pages.commands(block) if block.language == "sh" else ():
                    if command in SERVICE or skipped_because(command):
                        continue
                    unknown = programs_of(command) - RUN
                    self.assertFalse(unknown, f"{page}:{line}: `{command}`: nobody has said here how to try {unknown}")

    def test_every_mark_of_this_table_is_still_used(self):
        said = [command for page in pages.names() for block in pages.blocks(page) if block.language == "sh" for _, command in pages.commands(block)]
        for begin in [begin for begin, _ in SKIPPED + SAYS]:
            self.assertTrue(any(command.startswith(begin) for command in said), f"no page says {begin!r} any more")
        self.assertTrue(any(command in SERVICE for command in said))

    def test_every_configuration_passes_the_check(self):
        for page in pages.names():
            for block in pages.blocks(page):
                if block.language != "toml":
                    continue
                with self.subTest(block.place):
                    host = Host()
                    host.make_files(host.path("/etc/ringpost"))
                    text = self.completed(block.text)
                    path = host.path("/etc/ringpost/ringpost.toml")
                    with open(path, "w") as file:
                        file.write(text)
                    done = run([ringpost.program(), "check", path])
                    self.assertEqual(done.returncode, 0, f"{block.place}:\n{(done.stdout + done.stderr).decode()}")

    def completed(self, text):
        """A table of a page stands alone; a server needs a listener, and a certificate where TLS must be."""
        if "[listener." not in text:
            text += '\n[listener.mx]\naddress = ["127.0.0.1:25"]\n'
        if "[tls]" not in text:
            text += '\n[tls]\ncertificate = "tls/certificate.pem"\nkey = "tls/key.pem"\n'
        return text

    def test_every_page_is_linked_and_every_link_leads_somewhere(self):
        reached = {"README.md"}
        for page in pages.names():
            for target in pages.links(page):
                path = os.path.normpath(os.path.join(os.path.dirname(page), target))
                self.assertTrue(os.path.exists(os.path.join(pages.SOURCE, path)), f"{page} links to {target}")
                reached.add(path)
        self.assertEqual(set(pages.names()) - reached, set())

    def test_every_module_has_a_readme(self):
        for module in os.listdir(os.path.join(pages.SOURCE, "src")):
            self.assertTrue(os.path.exists(os.path.join(pages.SOURCE, "src", module, "README.md")), f"src/{module} has no README.md")


class Names(SystemTest):
    """Commands and options that the text names between backquotes exist, and all that exist are named."""

    def leaves(self, words=()):
        """Every command below these words, as `ringpost --help` and the help of each family tell them."""
        text = run([ringpost.program(), *words, "--help"]).stdout.decode()
        under = re.search(r"(?m)^(?:Subcommands|SUBCOMMANDS):\n((?:  .*\n|\n)+)", text)
        if not under:
            return {" ".join(words)}
        return set().union(*(self.leaves((*words, name)) for name in re.findall(r"(?m)^  (\w+)", under[1])))

    def test_every_command_is_on_some_page(self):
        leaves = self.leaves()
        self.assertGreater(len(leaves), 25)
        said = "\n".join(command for page in pages.names() for block in pages.blocks(page) if block.language == "sh" for _, command in pages.commands(block))
        for leaf in sorted(leaves):
            self.assertRegex(said, rf"\bringpost {leaf}\b", f"no page shows `ringpost {leaf}`")

    def test_commands_in_the_text_exist(self):
        leaves = self.leaves()
        for page in pages.names():
            for code in pages.codes(page):
                words = re.match(r"ringpost ([a-z]+(?: [a-z]+)?)", code)
                if words:
                    known = any(leaf == words[1] or leaf.startswith(words[1] + " ") or words[1].startswith(leaf + " ") for leaf in leaves)
                    self.assertTrue(known or words[1] in ("sendmail", "mailq", "newaliases"), f"{page}: there is no `{code}`")

    def options(self):
        """Every key of the reference with its default, as it is written there."""
        keys, table = {}, ""
        for line in run([ringpost.program(), "config", "reference"]).stdout.decode().splitlines():
            if found := re.match(r"## \[(.+)\]", line):
                table = found[1]
            elif found := re.match(r"\| `(.+?)` \|[^|]*\| (?:`(.*?)`)?", line.replace("\\|", "/")):
                keys[f"{table}.{found[1]}"] = found[2] or ""
        return keys

    def test_the_host_has_every_default_path(self):
        for key, default in self.options().items():
            if re.search(r'"[a-z:]*/(?!etc/hosts)', default):
                table, name = key.split(".")
                self.assertEqual(docs_host.DEFAULT_PATHS[table][name], default.strip('"'), key)

    def test_options_in_the_text_exist(self):
        keys = self.options()
        tables = "|".join(sorted({key.split(".")[0] for key in keys}))
        for page in pages.names():
            for code in pages.codes(page):
                found = re.match(rf"((?:{tables})\.[\w.]+)(?: = .*)?$", code)
                if found and not code.endswith((".hpp", ".cpp", ".md", ".py", ".db", ".toml")):
                    named = re.sub(r"^(listener|route|log|shaping)\.\w+", r"\1.NAME", found[1])
                    self.assertIn(named, keys, f"{page}: there is no option `{code}`")


class Stories(SystemTest):
    def story(self, page):
        commands = [(block, line, command) for block in pages.blocks(page) if block.language == "sh" for line, command in pages.commands(block)]
        configs = [block for block in pages.blocks(page) if block.language == "toml"]
        if page in BARE:
            host = Host()
        else:
            host = Host(tomllib.loads(configs[0].text) if configs else {})
            host.start()
        self.addCleanup(host.end)
        if page in WITH_WAITING_MAIL:
            host.send_mail_that_waits()
        if page in WITH_SPAM:
            host.send_spam()
        for _, line, command in commands:
            with self.subTest(f"{page}:{line}: {command}"):
                self.tell(host, command)
        self.doCleanups()
        for block in pages.blocks(page):
            for line in block.text.splitlines() if block.language == "text" and page not in LAYOUTS else ():
                pattern = ".*".join(map(re.escape, line.split("...")))
                self.assertRegex(host.said, pattern, f"{block.place}: nothing said: {line}")

    def tell(self, host, command):
        if skipped_because(command):
            return
        if command in SERVICE:
            host.service(SERVICE[command])
            return
        self.assertFalse(programs_of(command) - RUN, "not run: nobody has said what it does")
        host.run(command, expected_of(command))
        if directory := re.match(r"ringpost init (\S+)", command):
            self.adapt(host, directory[1] + "/ringpost.toml")
        host.notice_ends(may_end=command.startswith("ringpost stop"))

    def adapt(self, host, path):
        """What `ringpost init` wrote is good as it is; then it gets this host's paths and ports."""
        checked = run([ringpost.program(), "check", host.path(path)])
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        with open(host.path(path), "rb") as file:
            config = tomllib.load(file)
        if path == docs_host.CONFIG:  # init has given the key to the user ringpost, if there is one
            host.server.own(host.path("/etc/ringpost/tls/key.pem"))
        else:
            config["log"] = {}  # the trial's is its standard error
        host.write(path, host.adapted(config))


for _page in pages.names():
    if any(block.language == "sh" for block in pages.blocks(_page)):
        setattr(Stories, "test_" + re.sub(r"\W", "_", _page.removeprefix("docs/").removesuffix(".md").lower()), lambda self, page=_page: self.story(page))


class Unit(SystemTest):
    def test_the_unit_lets_commit_buffers_be_registered_and_ends_after_the_drain(self):
        with open(os.path.join(pages.SOURCE, "docs/ringpost.service")) as file:
            unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", file.read()))
        self.assertEqual(unit["LimitMEMLOCK"], "infinity")
        self.assertEqual(unit["ExecStart"], "/usr/local/sbin/ringpost serve --config /etc/ringpost/ringpost.toml")
        self.assertFalse({"RuntimeDirectory", "StateDirectory", "LogsDirectory", "User"} & set(unit), "the server makes its folders, for the user that it becomes")
        reference = run([ringpost.program(), "config", "reference"]).stdout.decode()
        drain = re.search(r"\| `drain` \| duration \| `\"(\d+)s\"`", reference)
        self.assertGreater(int(unit["TimeoutStopSec"]), int(drain[1]) + 10)


if __name__ == "__main__":
    ringpost.main()
