"""Mail programs that are not ours: Debian packages unpacked into build/foreign, never installed.

So no service starts, no alternative or user is made, and the machine's mail set-up stays as it was. Everything runs from
temporary folders with configurations of its own.
"""

import contextlib
import fcntl
import glob
import os
import pwd
import re

import programs
from programs import Program, free_port, run, run_ok, temp_folder, wait_until

CACHE = os.environ.get("RINGPOST_FOREIGN", os.path.join(programs.SOURCE, "build", "foreign"))
PACKAGES = ("postfix", "dovecot-core", "dovecot-lmtpd", "dovecot-imapd", "bsd-mailx")
TREE = os.path.join(CACHE, "tree")
_DONE = os.path.join(CACHE, "done-2")


class Unavailable(Exception):
    """A foreign program cannot be had here; the text says why."""


def _installed(name):
    done = run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name])
    return done.returncode == 0 and done.stdout == b"installed"


def _libraries_needed(package_file):
    """Names of the library packages that this one needs and the machine has not."""
    depends = run_ok(["dpkg-deb", "-f", package_file, "Depends", "Pre-Depends"]).stdout.decode()
    first_choices = re.findall(r"(?:^|[,:])\s*(lib[a-z0-9.+-]+)", depends)
    return [name for name in first_choices if not _installed(name)]


def _download(names, folder):
    got = run(["apt-get", "download", *names], cwd=folder, patience=300)
    if got.returncode != 0:
        raise Unavailable("apt-get download failed: " + got.stderr.decode(errors="replace").strip())
    return [glob.glob(os.path.join(folder, name + "_*.deb"))[0] for name in names]


def _download_all(folder):
    os.makedirs(folder, exist_ok=True)
    known, wanted = set(), list(PACKAGES)
    while wanted:
        known.update(wanted)
        files = _download(wanted, folder)
        wanted = sorted({name for file in files for name in _libraries_needed(file)} - known)


def unpack():
    """Makes the tree unless an earlier test has. Tests that run beside each other wait for one another here."""
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(_DONE):
            return
        folder = os.path.join(CACHE, "packages")
        try:
            _download_all(folder)
        except Unavailable:
            if os.geteuid() != 0:
                raise
            run(["apt-get", "update", "-qq"], patience=300)  # lists that are old name versions that are gone
            _download_all(folder)
        for package in glob.glob(os.path.join(folder, "*.deb")):
            run_ok(["dpkg-deb", "-x", package, TREE])
        _make_movable()
        with open(_DONE, "w"):
            pass


def _make_movable():
    """Dovecot's library looks for its TLS module in one fixed place; here it looks in "modules" of its working folder."""
    path = os.path.realpath(os.path.join(TREE, "usr/lib/dovecot/libdovecot.so.0"))
    with open(path, "rb") as file:
        text = file.read()
    fixed = b"/usr/lib/dovecot/modules\0"
    if text.count(fixed) != 1:
        raise Unavailable("this Dovecot looks for its modules in another way")
    with open(path, "wb") as file:
        file.write(text.replace(fixed, b"modules".ljust(len(fixed), b"\0")))


def libraries():
    folders = [os.path.join(TREE, part) for part in ("usr/lib/postfix", "usr/lib/dovecot", "usr/lib/dovecot/modules/old-stats", "usr/lib/x86_64-linux-gnu",
                                                     "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu")]
    return ":".join(f for f in folders if os.path.isdir(f))


def environment():
    return {"LD_LIBRARY_PATH": libraries()}


def program(path):
    """A program of the tree, as "usr/sbin/smtp-source"."""
    unpack()
    whole = os.path.join(TREE, path)
    if not os.path.exists(whole):
        raise Unavailable(f"no {path} in the unpacked packages")
    return whole


def run_foreign(path, *arguments, **options):
    return run([program(path), *arguments], env={**os.environ, **environment()}, **options)


def _users():
    """Existing users that may stand in for those of the packages: nobody is asked to make any."""
    if os.geteuid() != 0:
        raise Unavailable("a foreign mail server must be started as root")
    return pwd.getpwnam("daemon"), pwd.getpwnam("nobody")


class Postfix:
    """A real Postfix that takes mail for `domain` into Maildirs below `mail`, and can relay everything else to `relay`."""

    def __init__(self, domain="postfix.example", relay=None, settings=None):
        daemon, nobody = _users()
        self.folder = temp_folder("ringpost-postfix-")
        self.port = free_port()
        self.mail = os.path.join(self.folder, "mail")
        self.log = os.path.join(self.folder, "postfix.log")
        self.config = os.path.join(self.folder, "etc")
        self._folders(daemon, nobody)
        self._configure(domain, relay, settings or {}, nobody)
        self.master = Program([program("usr/lib/postfix/sbin/master"), "-c", self.config, "-d"], self.folder, "master",
                              {**environment(), "MAIL_CONFIG": self.config})
        wait_until(self._greets, "Postfix's greeting; its log:\n" + self.read_log())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _folders(self, daemon, nobody):
        os.mkdir(self.config)
        os.mkdir(self.mail)
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        queue = os.path.join(self.folder, "queue")
        for name in ("", "pid"):
            os.mkdir(os.path.join(queue, name))
        for name in ("incoming", "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "saved", "trace",
                     "private", "public", "maildrop"):
            path = os.path.join(queue, name)
            os.mkdir(path, 0o700)
            os.chown(path, daemon.pw_uid, -1)
        os.chmod(os.path.join(queue, "public"), 0o710)
        data = os.path.join(self.folder, "data")
        os.mkdir(data, 0o700)
        os.chown(data, daemon.pw_uid, daemon.pw_gid)

    def _configure(self, domain, relay, settings, nobody):
        binaries = os.path.join(TREE, "usr/lib/postfix/sbin")
        values = {
            "compatibility_level": "3.6",
            "queue_directory": os.path.join(self.folder, "queue"),
            "data_directory": os.path.join(self.folder, "data"),
            "daemon_directory": binaries,
            "command_directory": os.path.join(TREE, "usr/sbin"),
            "shlib_directory": os.path.join(TREE, "usr/lib/postfix"),
            "meta_directory": self.config,
            "maillog_file": self.log,
            "maillog_file_prefixes": self.folder,
            "import_environment": f"MAIL_CONFIG=$config_directory TZ LANG=C LD_LIBRARY_PATH={libraries()}",
            "export_environment": f"TZ LANG=C LD_LIBRARY_PATH={libraries()}",
            "mail_owner": "daemon",
            "setgid_group": "mail",
            "default_privs": "nobody",
            "myhostname": "postfix.test.example",
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtputf8_enable": "yes",
            "message_size_limit": "67108864",
            "mailbox_size_limit": "0",
            "virtual_mailbox_limit": "0",
            "virtual_mailbox_domains": domain,
            "virtual_mailbox_base": self.mail,
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{nobody.pw_uid}",
            "virtual_gid_maps": f"static:{nobody.pw_gid}",
            "virtual_minimum_uid": "1",
            "smtpd_client_connection_count_limit": "0",
            "in_flow_delay": "0",
            "relayhost": f"[127.0.0.1]:{relay}" if relay else "",
            "smtp_tls_security_level": "may",
            "disable_dns_lookups": "yes",
        }
        values.update(settings)
        with open(os.path.join(self.config, "main.cf"), "w") as file:
            for name, value in values.items():
                file.write(f"{name} = {value}\n")
        with open(os.path.join(self.config, "master.cf"), "w") as file:
            file.write(_MASTER.format(port=self.port))
        for name in ("dynamicmaps.cf", "postfix-files", "main.cf.proto", "master.cf.proto"):
            with open(os.path.join(self.config, name), "w"):
                pass

    def read_log(self):
        with contextlib.suppress(OSError), open(self.log, errors="replace") as file:
            return file.read()
        return ""

    def _greets(self):
        import socket

        if not self.master.is_running():
            raise AssertionError("Postfix ended: " + self.master.output() + self.read_log())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as s:
            return s.recv(100).startswith(b"220 ")

    def mails(self):
        """The bytes of each message in the Maildir, as Postfix wrote them (LF line ends)."""
        return maildir(os.path.join(self.mail, "all"))

    def wait_for_mail(self, count=1):
        return wait_until(lambda: (m := self.mails()) and len(m) >= count and m, f"{count} mails in Postfix; its log:\n{self.read_log()[-3000:]}")

    def stop(self):
        self.master.kill()


_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Dovecot:
    """A real Dovecot whose LMTP server takes mail for anybody into Maildirs below `mail`, one a user; and its IMAP server, where
    any password is good. `public`: what is below Public belongs to all users."""

    def __init__(self, public=False):
        daemon, nobody = _users()
        self.folder = temp_folder("ringpost-dovecot-")
        self.port = free_port()
        self.imap_port = free_port()
        self.mail = os.path.join(self.folder, "mail")
        self.log = os.path.join(self.folder, "dovecot.log")
        os.mkdir(self.mail)
        os.chown(self.mail, daemon.pw_uid, daemon.pw_gid)
        binary = program("usr/sbin/dovecot")
        os.mkdir(os.path.join(self.folder, "run"))
        os.symlink(os.path.join(TREE, "usr/lib/dovecot/modules"), os.path.join(self.folder, "run", "modules"))
        config = os.path.join(self.folder, "dovecot.conf")
        with open(config, "w") as file:
            file.write(_DOVECOT.format(folder=self.folder, tree=TREE, port=self.port, imap_port=self.imap_port, uid=daemon.pw_uid, gid=daemon.pw_gid,
                                       libraries=libraries(), nobody=nobody.pw_name))
            if public:
                file.write(_DOVECOT_PUBLIC.format(folder=self.folder))
        # The program would look for /usr/bin/doveconf; so it is called as that would call it.
        self.master = Program([program("usr/bin/doveconf"), "-f", "service=master", "-c", config, "-m", "master", "-e", binary, "-F", "-c", config],
                              self.folder, "dovecot", environment())
        wait_until(self._greets, "Dovecot's greeting")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def read_log(self):
        with contextlib.suppress(OSError), open(self.log, errors="replace") as file:
            return file.read()
        return ""

    def _greets(self):
        import socket

        if not self.master.is_running():
            raise AssertionError("Dovecot ended: " + self.master.output() + self.read_log())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as s:
            return s.recv(100).startswith(b"220 ")

    def mails(self, user):
        return maildir(os.path.join(self.mail, user))

    def wait_for_mail(self, user, count=1):
        return wait_until(lambda: (m := self.mails(user)) and len(m) >= count and m, f"{count} mails in Dovecot for {user}; its log:\n{self.read_log()[-3000:]}")

    def stop(self):
        self.master.kill()


_DOVECOT = """\
protocols = lmtp imap
base_dir = {folder}/run
state_dir = {folder}/state
libexec_dir = {tree}/usr/lib/dovecot
mail_plugin_dir = {tree}/usr/lib/dovecot/modules
login_plugin_dir = {tree}/usr/lib/dovecot/modules/login
auth_debug = no
import_environment = TZ LD_LIBRARY_PATH={libraries}
log_path = {folder}/dovecot.log
ssl = no
listen = 127.0.0.1
default_login_user = {nobody}
default_internal_user = daemon
default_internal_group = daemon
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%u
mail_uid = {uid}
mail_gid = {gid}
auth_username_format = %Lu
lmtp_save_to_detail_mailbox = no
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
disable_plaintext_auth = no
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""

_DOVECOT_PUBLIC = """\
namespace {{
  inbox = yes
  separator = .
}}
namespace {{
  type = public
  prefix = Public.
  separator = .
  location = maildir:{folder}/mail/public
}}
"""


class SmtpSink:
    """Postfix's smtp-sink: counts and throws away, or keeps each message in a file of `folder`."""

    def __init__(self):
        self.folder = temp_folder("ringpost-smtp-sink-")
        self.port = free_port()
        os.mkdir(os.path.join(self.folder, "dump"))
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        if user:
            os.chown(os.path.join(self.folder, "dump"), pwd.getpwnam("nobody").pw_uid, -1)
        self.process = Program([program("usr/sbin/smtp-sink"), *user, "-d", "dump/%M.", f"127.0.0.1:{self.port}", "256"],
                               self.folder, "smtp-sink", environment())
        wait_until(self._listens, "smtp-sink to listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _listens(self):
        import socket

        if not self.process.is_running():
            raise AssertionError("smtp-sink ended: " + self.process.output())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as s:
            return s.recv(100).startswith(b"220 ")

    def mails(self):
        folder = os.path.join(self.folder, "dump")
        mails = []
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                mails.append(file.read())
        return mails

    def stop(self):
        self.process.kill()


def maildir(path):
    """What stands in new/ and cur/ of a Maildir, oldest first."""
    found = []
    for part in ("new", "cur"):
        with contextlib.suppress(OSError):
            for entry in os.scandir(os.path.join(path, part)):
                with open(entry.path, "rb") as file:
                    found.append((entry.stat().st_mtime_ns, entry.name, file.read()))
    return [data for _, _, data in sorted(found)]


if __name__ == "__main__":
    unpack()
