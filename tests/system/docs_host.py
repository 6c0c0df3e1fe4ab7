"""A host as the documentation describes it, in a folder: /etc/ringpost, /var/spool/ringpost, port 25 and the like are its own.

    host = Host(tomllib.loads(block))     # what a page wants configured
    host.start()
    host.run("ringpost user list")        # paths and ports of the command are the host's
    host.end()
"""

import os
import pwd
import re
import shlex
import shutil
import tomllib

import programs
import ringpost
from pages import SOURCE
from programs import Program, free_port, run, wait_until

# Folders of the real system that commands may name. Everything else in a command stays as it is.
FOLDERS = ["/etc/aliases", "/etc/ringpost", "/etc/spamassassin", "/etc/systemd/system", "/run/ringpost", "/tmp/trial", "/usr/bin", "/usr/local/sbin",
           "/usr/sbin", "/usr/share/spamassassin",
           "/var/backups", "/var/lib/ringpost", "/var/log/ringpost", "/var/mail", "/var/spool/ringpost-pickup", "/var/spool/ringpost"]
CONFIG = "/etc/ringpost/ringpost.toml"
# Every default that is a path, so that no test ever touches the real one.
DEFAULT_PATHS = {"server": {"state_directory": "/var/lib/ringpost", "pickup_directory": "/var/spool/ringpost-pickup"},
                 "spool": {"directory": "/var/spool/ringpost"}, "domains": {"aliases": "/etc/aliases"},
                 "accounts": {"database": "/var/lib/ringpost/accounts.db"},
                 "admin": {"socket": "/run/ringpost/admin"}}
# What stands for the rules of a distribution, and for those of a site.
RULES = """body RULE /cheap (?:pills|watches)/i
describe RULE Sells what nobody asked for
score RULE 6
test RULE ok buy cheap pills
body FUZZY_PILLS /p.lls/
score FUZZY_PILLS 0.5
"""
PASSWORD = "correct horse\n"


class Host:
    def __init__(self, config=None):
        self.server = ringpost.Server({"server": {"user": ringpost.SERVICE_USER}}, as_root=True, start=False)
        self.root = self.server.folder
        self.ports = {}
        self.background = []
        self.said = ""
        self.queue_id = None
        for folder in FOLDERS:
            os.makedirs(self.path(os.path.dirname(folder)), exist_ok=True)
        for folder in ("/etc/ringpost", "/etc/spamassassin", "/usr/share/spamassassin", "/etc/systemd/system", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/var/backups", "/var/mail", "/home", "/tmp"):
            os.makedirs(self.path(folder), exist_ok=True)
        self.server.own(self.path("/tmp"))
        self.server.config_path = self.path(CONFIG)
        if config is not None:
            self.install(config)

    # ---- what stands for what ----

    def path(self, real):
        return self.root + real

    def port(self, number):
        return self.ports.setdefault(int(number), free_port())

    def here(self, text):
        """A text of the documentation with the paths, the ports and the user of this host."""
        text = re.sub(r"(?<![\w/.-])(" + "|".join(map(re.escape, FOLDERS)) + r")(?![\w-])", lambda found: self.path(found[1]), text)
        text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{self.port(found[1])}", text)
        group = "nogroup" if os.geteuid() == 0 else ""
        text = text.replace("-o ringpost -g ringpost", f"-o {ringpost.SERVICE_USER} -g {group}" if group else "")
        text = text.replace("build/release/src/server/ringpost", ringpost.program()).replace("build/release/tools/loadgen/loadgen", ringpost.loadgen())
        text = re.sub(r"(?<![\w/.])(docs|bench)/", lambda found: f"{SOURCE}/{found[1]}/", text)
        return re.sub(r"\bID\b", lambda _: self.queue_id or "ID", text)

    def adapted(self, config):
        """A configuration with this host's paths and ports, and small enough for a test. All else stays as the page has it."""
        config = ringpost.merged(DEFAULT_PATHS, config)
        for listener in config.get("listener", {}).values():
            ports = dict.fromkeys(address.rpartition(":")[2] for address in listener["address"])
            listener["address"] = [f"127.0.0.1:{port}" for port in ports]
        config = tomllib.loads(self.here(ringpost.to_toml(config)))
        cores = config.setdefault("cores", {})
        if isinstance(cores.get("use", "all"), str) or max(cores["use"]) >= (os.cpu_count() or 1):
            cores["use"] = [0]
        small = {"server": {"user": ringpost.SERVICE_USER}, "cores": {"receive_buffers": "1MiB", "memory_limit": "256MiB", "pin": False},
                 "spool": {"segment_size": "1MiB", "free_space_min": "1%", "buffer_memory": "8MiB"},
                 "resolver": {"servers": ["127.0.0.1:9"], "timeout": "1s", "attempts": 1, "hosts_file": ""},
                 "log": {"test": {"to": "file:" + self.server.log_path, "format": "json"}}}
        return ringpost.merged(config, small)

    def install(self, config):
        """What docs/install.md has done when another page begins, with `config` over it."""
        for real in ("/usr/local/sbin/ringpost", "/usr/sbin/sendmail", "/usr/bin/mailq", "/usr/bin/newaliases"):
            os.symlink(ringpost.program(), self.path(real))
        with open(self.path("/etc/aliases"), "w") as file:
            file.write("abuse: postmaster\n")
        self.make_files(self.path("/etc/ringpost"))
        defaults = {"server": {"hostname": ringpost.HOSTNAME}, "tls": {"certificate": "tls/certificate.pem", "key": "tls/key.pem"},
                    "domains": {"local": ["example.com"]}, "log": {"mail": {"to": "file:/var/log/ringpost/mail.log"}}}
        if "listener" not in config:
            defaults["listener"] = {"mx": {"address": ["0.0.0.0:25"]}}
        if "route" not in config:  # nobody listens there: mail for others waits
            defaults["route"] = {"nowhere": {"match": {"domain": "*"}, "via": "smtp:127.0.0.1:9"}}
        self.write(CONFIG, self.adapted(ringpost.merged(defaults, config)))

    def make_files(self, folder):
        """The files that configurations of the pages name."""
        tls = os.path.join(folder, "tls")
        os.makedirs(tls, exist_ok=True)
        certificate, key = ringpost.certificate()
        for name, source in (("certificate.pem", certificate), ("key.pem", key), ("fullchain.pem", certificate), ("net.pem", certificate), ("net.key", key)):
            shutil.copy(source, os.path.join(tls, name))
        for source, name in ((certificate, "fullchain.pem"), (key, "privkey.pem")):
            shutil.copy(source, self.path("/home/" + name))
        for name in ("users", "relay.password", "token.pem"):
            with open(os.path.join(folder, name), "w") as file:
                file.write("")
        with open(os.path.join(folder, "local.cf"), "w") as file:
            file.write(RULES)
        for name in ("/usr/share/spamassassin/10_default.cf", "/etc/spamassassin/local.cf"):
            with open(self.path(name), "w") as file:
                file.write("required_score 5\n")
        with open(self.path("/home/spam.eml"), "wb") as file:
            file.write(ringpost.message(body="Buy cheap pills today.\r\n"))
        for name in ("cur", "new"):
            os.makedirs(self.path("/home/Maildir/" + name), exist_ok=True)
            with open(self.path(f"/home/Maildir/{name}/1"), "wb") as file:
                file.write(ringpost.message(name, body=f"What we said in {name}.\r\n"))
        with open(self.path("/home/spam.mbox"), "wb") as file:
            file.write(b"From a@b.example Sat Jan  3 01:05:34 2026\n" + ringpost.message(body="Casino.\n").replace(b"\r\n", b"\n"))

    def write(self, real, config):
        with open(self.path(real), "w") as file:
            file.write(ringpost.to_toml(config))

    # ---- the server, as the system's service ----

    def start(self):
        self.server.start()

    def is_running(self):
        return self.server.program is not None and self.server.program.is_running()

    def service(self, order):
        """What systemd does with the unit that the page has installed."""
        with open(self.path("/etc/systemd/system/ringpost.service")) as file:
            unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", file.read()))
        if order == "start":
            words = self.here(unit["ExecStart"]).split()
            assert os.access(words[0], os.X_OK) and words[1:] == ["serve", "--config", self.server.config_path], words
            self.start()
        elif order == "stop":
            self.server.stop()

    def send_mail_that_waits(self):
        self.server.ports["mx"] = self.port(25)
        self.queue_id = self.server.send("me@example.com", ["someone@example.org"], ringpost.message())
        self.server.wait_for_event("deferred", queue_id=self.queue_id)

    def send_spam(self):
        """Two mails for the quarantine; the first is ID."""
        self.server.ports["mx"] = self.port(25)
        ids = [self.server.send("sender@remote.example", ["postmaster@example.com"], ringpost.message(body="Buy cheap pills.\r\n"), source=ringpost.UNTRUSTED)
               for _ in range(2)]
        self.queue_id = ids[0]

    # ---- running what a page says ----

    def environment(self):
        path = ":".join([self.path("/usr/local/sbin"), self.path("/usr/sbin"), self.path("/usr/bin"), os.environ["PATH"]])
        return {**os.environ, **self.server.environment(), "PATH": path, "RINGPOST_CONFIG": self.server.config_path}

    def run(self, command, expected=None):
        """Runs it to a good end; when `expected` is given, again until its output has that."""
        if command.endswith("&"):
            return self.begin(command[:-1])
        output = ""

        def done():
            nonlocal output
            finished = run(["bash", "-e", "-o", "pipefail", "-c", self.here(command)], input=PASSWORD.encode(), env=self.environment(), cwd=self.path("/home"),
                           **self.identity(command))
            output = (finished.stdout + finished.stderr).decode(errors="replace")
            if expected is None and finished.returncode != 0:
                raise AssertionError(f"ended with {finished.returncode}: {self.here(command)}\n{output}")
            return finished.returncode == 0 and (expected is None or re.search(expected, output))

        try:
            wait_until(done, f"`{command}` to say {expected!r}")
        except programs.Impatient as error:
            raise AssertionError(f"{error}\nit said:\n{output}") from None
        self.said += output
        return output

    def begin(self, command):
        """In the background, until the page stops it or ends."""
        words = shlex.split(self.here(command))
        words[0] = ringpost.program() if words[0] == "ringpost" else words[0]
        user = ringpost.SERVICE_USER if self.identity(command) else None
        program = Program(words, self.path("/home"), f"background-{len(self.background)}", self.server.environment(), user=user)
        self.background.append(program)
        if words[1] == "serve":
            wait_until(lambda: run([words[0], "status", *words[2:]], env=self.environment()).returncode == 0, f"`{command}` to answer")

    def identity(self, command):
        """As whom: what is done in /tmp/trial needs no root, so it has none."""
        if os.geteuid() != 0 or "/tmp/trial" not in command:
            return {}
        entry = pwd.getpwnam(ringpost.SERVICE_USER)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def notice_ends(self, may_end):
        """After a command: a server has ended if it was told to, and then well."""
        if self.server.program is not None and not self.is_running():
            assert may_end, f"the server ended by itself:\n{self.server.output()[-8000:]}"
            self.server.terminated = True
            self.server.stop()

    def end(self):
        for program in self.background:
            output = program.output()
            status = program.stop() if program.is_running() else program.wait()
            assert status == 0, f"{program.name} ended with {status}:\n{output}"
            self.said += output
        self.server.end()
        for path in (self.server.log_path, self.path("/var/log/ringpost/mail.log")):
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    self.said += file.read()
