"""Dovecot and Ringpost as servers of mailboxes, with the same users and passwords, each speaking IMAP, POP3 and LMTP."""

import crypt
import shutil
import subprocess

import ringpost_config
from running import private_memory

from .places import Group
from .servers import Foreign, Server, free_port, wait_for_greeting

DOMAIN = "bench.test"
PASSWORD = "secret"
# One for each folder that a task fills, and u0, u1, ... for those that need many.
USERS = [f"{kind}{number}" for kind in ("append", "deliver") for number in range(40)] + ["fetch", "drop", "large"] + [f"u{number}" for number in range(100)]


def address(user):
    return f"{user}@{DOMAIN}"


class Ports:
    def give_ports(self):
        self.imap, self.pop3, self.lmtp = free_port(), free_port(), free_port()
        self.port = self.imap


class Dovecot(Ports, Foreign):
    name, level, greeting = "dovecot", "disk", b"* OK"
    packages = ("dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
    users, queue = ("dovecot", "dovenull", "vmail"), "/var/vmail"

    def configure(self):
        self.give_ports()
        self.place.write("/etc/dovecot/users", "".join(f"{address(user)}:{{PLAIN}}{PASSWORD}\n" for user in USERS))
        self.set_fsync("always")
        return (f"mkdir -p /run/dovecot /var/lib/dovecot && chown vmail:vmail {self.queue} && exec /usr/sbin/dovecot -F -c /etc/dovecot/dovecot.conf")

    def set_fsync(self, when):
        """From its next start on."""
        location = {"maildir": "maildir:~/Maildir", "sdbox": "sdbox:~/sdbox", "mdbox": "mdbox:~/mdbox"}[self.options.format]
        self.place.write("/etc/dovecot/dovecot.conf", self.text("dovecot.conf", imap=self.imap, pop3=self.pop3, lmtp=self.lmtp, queue=self.queue, location=location, fsync=when,
                                                                hibernate=self.options.hibernate))

    def filling(self):
        self.set_fsync("never")

    def filled(self):
        """Everything that was filled goes to the disk, and from now on each mail before its OK."""
        self.kill()
        subprocess.run(["sync"], check=True)
        self.set_fsync("always")
        self.start()

    def restart(self):
        self.kill()
        self.start()


TEMPLATE = ringpost_config.TEMPLATE.replace("[listener.mx]", """[listener.imap]
protocol = "imap"
address = ["127.0.0.1:{imap}"]
tls = "none"
auth_without_tls = true
connection_limit = 1_000_000
client_connection_limit = 1_000_000
[listener.pop3]
protocol = "pop3"
address = ["127.0.0.1:{pop3}"]
tls = "none"
auth_without_tls = true
connection_limit = 1_000_000
client_connection_limit = 1_000_000
[listener.mx]
protocol = "lmtp\"""").replace("[domains]", """[accounts]
userdb = ["passwd_file"]
passdb = ["passwd_file"]
passwd_file = "{folder}/users"
[mailboxes]
location = "store"
[domains]
local = ["bench.test"]""")


class Ringpost(Ports, Server):
    name, level, greeting = "ringpost", "disk", b"* OK"

    def __init__(self, options, task, sink_port):
        super().__init__(options, task, sink_port)
        self.give_ports()
        self.folder = ringpost_config.make_folder(options.dir)
        # A hash that costs next to nothing, as Dovecot's plain text does.
        hashed = crypt.crypt(PASSWORD, "rp")
        (self.folder / "users").write_text("".join(f"{address(user)}:{hashed}:::{user}:\n" for user in USERS))
        (self.folder / "users").chmod(0o644)
        template = TEMPLATE.replace("{imap}", str(self.imap)).replace("{pop3}", str(self.pop3))
        self.config = ringpost_config.write(self.folder, port=self.lmtp, via="discard", cpus=options.server_cpus, template=template)
        self.group = Group(self.name)
        self.child = None

    def start(self):
        with (self.folder / "output").open("ab") as output:
            self.child = subprocess.Popen([self.options.ringpost, "serve", "--config", self.config], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                          preexec_fn=self.group.enter, start_new_session=True)
        wait_for_greeting(self)

    def is_running(self):
        return self.child.poll() is None

    def said(self):
        return (self.folder / "output").read_text(errors="replace")

    def cpu(self):
        return self.group.cpu()

    def memory(self):
        return private_memory(self.group.pids())

    def filling(self):
        pass

    def filled(self):
        pass

    def kill(self):
        self.group.kill()
        self.child.wait()

    def restart(self):
        self.child.terminate()
        self.child.wait(60)
        self.start()

    def close(self):
        if self.child:
            self.kill()
        self.group.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


KNOWN = {kind.name: kind for kind in (Ringpost, Dovecot)}
