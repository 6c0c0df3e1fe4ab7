"""The configuration that the benches give to Ringpost, and the folder that it lives in: one place, so that all of them measure the same server."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

TEMPLATE = """
[server]
hostname = "mx.bench.test"
user = "{user}"
state_directory = "{folder}/state"
pickup_directory = "{folder}/pickup"
[cores]
use = [{cpus}]
backend = "{backend}"
{tls}
[listener.mx]
address = ["127.0.0.1:{port}"]
tls = "{offered}"
durability = "{level}"
connection_limit = 1_000_000
client_connection_limit = 1_000_000
[spool]
directory = "{folder}/spool"
[policy]
relay_networks = ["127.0.0.0/8"]
[domains]
aliases = ""
[route.bench]
match = {{ domain = "*" }}
via = "{via}"
[shaping.default]
connection_limit = 64
[log.mail]
to = "file:{folder}/log/mail.log"
format = "maillog"
[admin]
socket = "{folder}/admin"
"""

TLS = """[tls]
certificate = "{folder}/tls/cert.pem"
key = "{folder}/tls/key.pem"
"""


def make_certificate(folder):
    """The paths of a certificate for two days and its key."""
    paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=peer.bench.test",
                    "-keyout", paths[1], "-out", paths[0]], check=True, capture_output=True)
    return paths


def _user():
    """Whom the server runs as: it refuses root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def make_folder(directory, certificate=None):
    """A folder in `directory` with what the configuration names; `certificate`: the files of a certificate and its key, for TLS."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ringpost-bench-", dir=directory))
    os.chmod(folder, 0o755)
    for name in ("log", "state", "pickup", "spool", "tls"):
        (folder / name).mkdir()
    for name, source in zip(("cert.pem", "key.pem"), certificate or ()):
        shutil.copy(source, folder / "tls" / name)
    user = _user()
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid)
    return folder


def write(folder, *, port, via, cpus, tls=False, level="disk", backend="auto", template=TEMPLATE):
    """Writes ringpost.toml into a folder of make_folder(), and returns its path. `tls`: offered, and taken where the next hop offers it."""
    path = folder / "ringpost.toml"
    path.write_text(template.format(user=_user().pw_name, folder=folder, port=port, via=via, cpus=", ".join(map(str, cpus)), backend=backend, level=level,
                                    tls=TLS.format(folder=folder) if tls else "", offered="offered" if tls else "none"))
    return path
