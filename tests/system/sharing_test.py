"""Mailboxes that people share (RFC 4314): over two cores, so that a session moves to where a mailbox is and back."""

import base64
import os
import random
import re
import select
import threading
import time
import zlib

import mail_clients
import ringpost
from imap_lines import Imap
from programs import wait_until
from ringpost import LOCAL, PASSWORD, UNTRUSTED, SystemTest, password_hash
from talk import trusting_context

USERS = ("anna", "bert", "carl", "dora", "emil")
CONFIG = {"mailboxes": {"location": "store", "quota": "4MiB"},
          "listener": {"imap": {"protocol": "imap", "tls": "none", "auth_without_tls": True, "client_connection_limit": 40},
                       "imaps": {"protocol": "imap", "tls": "implicit"},
                       "pop3": {"protocol": "pop3", "tls": "none", "auth_without_tls": True}}}
ALL = "lrswipkxtecda"


def core_of(user, cores=2):
    """As store::user_id_of and the owner's hash have it."""
    value, bits = 0xCBF29CE484222325, (1 << 64) - 1
    for char in f"{user}@{LOCAL}".encode():
        value = (value ^ char) * 0x100000001B3 & bits
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & bits
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & bits
    return ((value ^ value >> 33) >> 32) * cores >> 32


def make_server(over=None):
    server = ringpost.Server(ringpost.merged(CONFIG, over or {}), start=False)
    with open(f"{server.folder}/passwd", "w") as file:
        file.writelines(f"{name}@{LOCAL}:{password_hash()}:::{name}:\n" for name in USERS)
    return server.start()


class Deflated:
    """What is under a connection from COMPRESS on."""

    def __init__(self, plain):
        self.plain, self.out, self.into = plain, zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    def sendall(self, data):
        self.plain.sendall(self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH))

    def recv(self, size):
        inflated = b""
        while not inflated:
            wire = self.plain.recv(size)
            if not wire:
                break
            inflated = self.into.decompress(wire)
        return inflated


class Sharing(SystemTest):
    """Carl and Dora are on one core; Anna, Bert and Emil on the other."""

    @classmethod
    def setUpClass(cls):
        cls.the_server = make_server()
        cls.addClassCleanup(cls.the_server.end)
        cls.numbers = iter(range(1, 1_000_000))
        assert core_of("carl") == core_of("dora") != core_of("anna") == core_of("bert") == core_of("emil")

    def imap(self, user):
        return Imap(self, self.the_server.port("imap"), user)

    def secure(self, user):
        return Imap(self, self.the_server.port("imaps"), user, trusting_context())

    def compressed(self, client):
        client.ok("COMPRESS DEFLATE")
        client.socket = Deflated(client.socket)
        return client

    def shared(self, rights, count=0, owner="carl", reader="anna"):
        """A new mailbox of the owner with so many mails, in which the reader has some rights: two clients, its names of both."""
        name = f"F{next(self.numbers)}"
        client, other = self.imap(owner), self.imap(reader)
        client.ok(f"CREATE {name}")
        for i in range(count):
            client.append(name, f"m{i + 1}")
        self.let(client, name, rights, reader)
        return client, other, name, self.path(name, owner)

    def path(self, name, owner="carl"):
        return f'"Other Users/{owner}@{LOCAL}/{name}"'

    def let(self, owner, name, rights, reader="anna"):
        owner.ok(f'SETACL {name} {reader}@{LOCAL} "{rights}"')

    def no(self, client, command, code="NOPERM"):
        untagged, tagged = client.do(command)
        self.assertTrue(tagged.startswith(f"NO [{code}]"), f"{command!r}: {tagged}")
        return untagged, tagged

    def append(self, client, mailbox, text=b"Subject: x\r\n\r\nHello.\r\n", flags=""):
        return client.do(b"APPEND %s %s{%d+}\r\n%s" % (mailbox.encode(), flags.encode(), len(text), text))

    def subjects(self, client):
        told = client.ok("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [re.search(r"Subject: (\S+)", one)[1] for one in told]

    def flags(self, client, uid=1):
        client.ok("NOOP")
        told = " ".join(client.ok(f"UID FETCH {uid} (FLAGS)"))
        return set(re.search(r"FLAGS \(([^)]*)\)", told)[1].split()) - {"\\Recent"}


class Rights(Sharing):
    def test_capabilities_and_namespace(self):
        client = self.imap("anna")
        offered = client.ok("CAPABILITY")[0].split()
        for name in ("ACL", "RIGHTS=kxte", "LIST-MYRIGHTS"):
            self.assertIn(name, offered)
        self.assertEqual(client.ok("NAMESPACE"), ['* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL'])

    def test_the_owner_says_who_may_do_what(self):
        client, other, name, path = self.shared("lr")
        self.assertEqual(client.ok(f"GETACL {name}"), [f'* ACL "{name}" carl@{LOCAL} {ALL} anna@{LOCAL} lr'])
        self.let(client, name, "+w")
        self.let(client, name, "-l")
        self.let(client, name, "-d", "bert")
        client.ok(f'SETACL {name} -Bert@{LOCAL.upper()} r')
        self.assertEqual(client.ok(f"GETACL {name}"),
                         [f'* ACL "{name}" carl@{LOCAL} {ALL} -bert@{LOCAL} r anna@{LOCAL} rw'])
        self.assertEqual(client.ok(f"MYRIGHTS {name}"), [f'* MYRIGHTS "{name}" {ALL}'])
        self.assertEqual(other.ok(f"MYRIGHTS {path}"), [f"* MYRIGHTS {path} rw"])
        client.ok(f"DELETEACL {name} anna@{LOCAL}")
        self.no(other, f"MYRIGHTS {path}", "NONEXISTENT")
        self.assertEqual(client.ok(f"LISTRIGHTS {name} anna@{LOCAL}"),
                         [f'* LISTRIGHTS "{name}" anna@{LOCAL} "" l r s w i p k x t e c d a'])
        self.assertEqual(client.ok(f"LISTRIGHTS {name} carl@{LOCAL}"), [f'* LISTRIGHTS "{name}" carl@{LOCAL} {ALL}'])

    def test_nobody_takes_a_right_of_the_owner(self):
        client, other, name, path = self.shared("lra")
        for command in (f"SETACL {path} carl@{LOCAL} \"\"", f"SETACL {path} -carl@{LOCAL} lr", f"DELETEACL {path} CARL@{LOCAL}"):
            self.no(other, command, "CANNOT")
        self.no(client, f'SETACL {name} carl@{LOCAL} "l"', "CANNOT")
        client.ok(f"SELECT {name}")

    def test_who_may_administer_no_more_gives_himself_nothing_back(self):
        client, _, name, path = self.shared("lra")
        others = [self.imap("anna") for _ in range(8)]
        started = threading.Semaphore(0)

        def repeat(other):
            for i in range(1_000_000):
                if not other.do(f'SETACL {path} anna@{LOCAL} {"lra" if i % 2 else "lraw"}')[1].startswith("OK"):
                    return
                started.release()

        threads = [threading.Thread(target=repeat, args=(other,)) for other in others]
        for thread in threads:
            thread.start()
        for _ in range(100):
            started.acquire(timeout=60)
        client.ok(f"DELETEACL {name} anna@{LOCAL}")
        acl = client.ok(f"GETACL {name}")
        for thread in threads:
            thread.join()
        self.assertNotIn("anna", acl[0])
        self.assertNotIn("anna", client.ok(f"GETACL {name}")[0])

    def test_access_lists_are_for_who_administers(self):
        client, other, name, path = self.shared("lrswipkxte")
        for command in (f"GETACL {path}", f"SETACL {path} bert@{LOCAL} lr", f"DELETEACL {path} anna@{LOCAL}", f"LISTRIGHTS {path} bert@{LOCAL}"):
            self.no(other, command)
        self.let(client, name, "+a")
        other.ok(f"SETACL {path} bert@{LOCAL} lr")
        self.assertEqual(self.imap("bert").ok(f"MYRIGHTS {path}"), [f"* MYRIGHTS {path} lr"])

    def test_wrong_letters_and_identifiers(self):
        client, _, name, _ = self.shared("lr")
        self.assertTrue(client.do(f"SETACL {name} anna@{LOCAL} lrz")[1].startswith("BAD"))
        self.assertTrue(client.do(f"SETACL {name} - lr")[1].startswith("BAD"))
        self.no(client, "SETACL Nowhere anna lr", "NONEXISTENT")

    def test_everybody_only_where_the_operator_allows(self):
        client, _, name, _ = self.shared("")
        for who in ("anyone", "ANYONE", "-anyone"):
            self.no(client, f"SETACL {name} {who} lr")
        self.assertEqual(client.ok(f"LISTRIGHTS {name} anyone"), [f'* LISTRIGHTS "{name}" anyone ""'])
        server = make_server({"mailboxes": {"anyone": True}})
        self.addCleanup(server.end)
        owner, other = Imap(self, server.port("imap"), "carl"), Imap(self, server.port("imap"), "anna")
        owner.ok("CREATE Board")
        owner.ok("SETACL Board anyone lr")
        path = self.path("Board")
        self.assertIn(f'* LIST (\\HasNoChildren) "/" {path}', other.ok('LIST "" *'))
        other.ok(f"SELECT {path}")
        owner.ok(f"SETACL Board -anna@{LOCAL} lr")
        self.no(other, f"STATUS {path} (MESSAGES)", "NONEXISTENT")
        self.assertFalse(any("Other" in line for line in other.ok('LIST "" *')))
        done = server.command("user", "add", "Anyone", input=b"secret\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("everybody", (done.stdout + done.stderr).decode())

    def test_limits(self):
        client, _, name, _ = self.shared("")
        for i in range(64):
            client.ok(f"SETACL {name} u{i} lr")
        self.no(client, f"SETACL {name} u64 lr", "LIMIT")
        client.ok(f"SETACL {name} u63 lrs")
        client.ok(f"DELETEACL {name} u0")
        client.ok(f"SETACL {name} u64 lr")
        client.ok(f"DELETE {name}")


class Names(Sharing):
    def test_what_may_not_be_seen_is_not_there(self):
        client, other, name, path = self.shared("lr")
        hidden = f"H{next(self.numbers)}"
        client.ok(f"CREATE {hidden}")
        client.ok(f"SETACL {hidden} bert@{LOCAL} lr")
        for one in (self.path(hidden), self.path("Never"), self.path("x", "nobody"), self.path("INBOX", "emil"),
                    f'"Other Users/anna@{LOCAL}/INBOX"', '"Other Users"', f'"Other Users/carl@{LOCAL}"', '"Other Users/x/"'):
            for command in ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "DELETE {}", "RENAME {} x", "GETACL {}", "MYRIGHTS {}",
                            f"SETACL {{}} bert@{LOCAL} lr", "DELETEACL {} x", "LISTRIGHTS {} x", "GETQUOTAROOT {}", "GETMETADATA {} /shared/comment",
                            "SETMETADATA {} (/shared/comment \"x\")", "SETMETADATA {} (/private/comment \"x\")"):
                untagged, tagged = other.do(command.format(one))
                self.assertEqual((untagged, tagged), ([], "NO [NONEXISTENT] There is no such mailbox"), command.format(one))
            self.assertEqual(self.append(other, one)[1], "NO [TRYCREATE] There is no such mailbox")
        for root in ("Other Users/nobody", f"Other Users/emil@{LOCAL}", "Nowhere"):
            self.assertEqual(other.do(f'GETQUOTA "{root}"')[1], "NO [NONEXISTENT] There is no such quota root")
        # Who may see it hears that he may not.
        self.let(client, name, "l")
        for command in (f"SELECT {path}", f"STATUS {path} (MESSAGES)", f"DELETE {path}", f"GETACL {path}", f"GETQUOTAROOT {path}",
                        f"GETMETADATA {path} /shared/comment", f"RENAME {path} {self.path('y')}"):
            self.no(other, command)
        self.assertTrue(self.append(other, path)[1].startswith("NO [NOPERM]"))

    def test_list_shows_what_may_be_seen(self):
        client, other, name, path = self.shared("lr", owner="dora", reader="emil")
        client.ok(f"CREATE {name}/a")
        client.ok(f"SETACL {name}/a emil@{LOCAL} r")
        client.ok(f"CREATE {name}/a/b (USE (\\Archive))")
        client.ok(f"SETACL {name}/a/b emil@{LOCAL} lr")
        top = f"Other Users/dora@{LOCAL}"
        self.assertEqual([line for line in other.ok('LIST "" *') if "Other" in line],
                         [rf'* LIST (\HasChildren) "/" "{top}/{name}"',
                          rf'* LIST (\Noselect \HasChildren) "/" "{top}/{name}/a"',
                          rf'* LIST (\HasNoChildren) "/" "{top}/{name}/a/b"'])
        # The levels above are no mailboxes: "%" tells of them, and who asks for one.
        above = r'* LIST (\Noselect \HasChildren) "/" "Other Users"'
        self.assertEqual(other.ok('LIST "" %'), [r'* LIST (\HasNoChildren) "/" "INBOX"', above])
        self.assertEqual(other.ok('LIST "" "Other Users"'), [above])
        self.assertEqual(other.ok('LIST "" O%'), [above])
        self.assertEqual(other.ok('LIST "" (O* O%)')[0], above.replace("(", "(\\NonExistent "))
        self.assertEqual(other.ok(f'LIST "Other Users/" % RETURN (CHILDREN)'), [rf'* LIST (\NonExistent \Noselect \HasChildren) "/" "{top}"'])
        self.assertEqual(other.ok(f'LIST "" ("{top}/%" "{top}/{name}/a/%") RETURN (MYRIGHTS STATUS (MESSAGES))'),
                         [rf'* LIST (\HasChildren) "/" "{top}/{name}"', f'* MYRIGHTS "{top}/{name}" lr',
                          f'* STATUS "{top}/{name}" (MESSAGES 0)',
                          rf'* LIST (\HasNoChildren) "/" "{top}/{name}/a/b"', f'* MYRIGHTS "{top}/{name}/a/b" lr',
                          f'* STATUS "{top}/{name}/a/b" (MESSAGES 0)'])
        self.assertIn(f"* MYRIGHTS \"INBOX\" {ALL}", other.ok('LIST "" INBOX RETURN (MYRIGHTS)'))
        self.let(client, name, "l", "emil")
        self.assertEqual(other.ok(f'LIST "" "{top}/{name}" RETURN (STATUS (MESSAGES))'), [rf'* LIST (\HasChildren) "/" "{top}/{name}"'])
        # Subscriptions to them are the reader's.
        other.ok(f'SUBSCRIBE "{top}/{name}/a/b"')
        self.assertEqual(other.ok('LIST (SUBSCRIBED) "" *'), [rf'* LIST (\HasNoChildren \Subscribed) "/" "{top}/{name}/a/b"'])
        self.assertEqual(other.ok('LSUB "" *'), [rf'* LSUB (\HasNoChildren) "/" "{top}/{name}/a/b"'])
        self.assertFalse(any("a/b" in line for line in client.ok('LSUB "" *')))
        client.ok(f"DELETEACL {name}/a/b emil@{LOCAL}")
        client.ok(f"DELETEACL {name} emil@{LOCAL}")
        self.assertEqual(other.ok('LIST "" *'), [r'* LIST (\HasNoChildren) "/" "INBOX"'])
        other.ok(f'UNSUBSCRIBE "{top}/{name}/a/b"')

    def listed(self, client, command='LIST "" *'):
        return [re.sub(r"\{\d+\}\r\n", "", line).split('"/" ')[1].strip('"') for line in client.ok(command)]

    def test_levels_above_subscriptions(self):
        client, other, name, path = self.shared("lr", owner="dora", reader="bert")
        top = f"Other Users/dora@{LOCAL}"
        for mailbox in ("A", "A/x", "B", "B/y", "B/y/z", "C/1", "C/2"):
            other.ok(f"CREATE {mailbox}")
        for mailbox in ("A/x", "B/y/z", "B/y-", "C/1", "C/2", "C/2/3", f'"{top}/{name}"'):
            other.ok(f"SUBSCRIBE {mailbox}")
        for mailbox in ("B/y/z", "B/y", "B", "C/1", "C/2", "C"):
            other.ok(f"DELETE {mailbox}")
        client.ok(f"DELETEACL {name} bert@{LOCAL}")
        # RFC 3501 section 6.3.9: "%" brings what is not subscribed itself, and it is \Noselect, whether there is a mailbox or not.
        for command, told in (('LSUB "" %', [r'(\Noselect \HasChildren) "/" "A"', r'(\Noselect) "/" "B"', r'(\Noselect) "/" "C"',
                                             r'(\Noselect) "/" "Other Users"']),
                              ('LSUB "B/" %', [r'(\Noselect) "/" "B/y-"', r'(\Noselect) "/" "B/y"']),
                              ('LSUB "Other Users/" %', [rf'(\Noselect) "/" "{top}"']),
                              ('LSUB "" B*', [r'(\Noselect) "/" "B/y-"', r'(\Noselect) "/" "B/y/z"'])):
            self.assertEqual(other.ok(command), [f"* LSUB {one}" for one in told], command)
        below = ' ("CHILDINFO" ("SUBSCRIBED"))'
        self.assertEqual(other.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" (% C/%)'),
                         [r'* LIST (\HasChildren) "/" "A"' + below, r'* LIST (\NonExistent \Noselect) "/" "B"' + below,
                          r'* LIST (\NonExistent \Noselect) "/" "C"' + below, r'* LIST (\NonExistent \Noselect \Subscribed) "/" "C/1"',
                          r'* LIST (\NonExistent \Noselect \Subscribed) "/" "C/2"' + below,
                          r'* LIST (\NonExistent \Noselect) "/" "Other Users"' + below])
        self.assertEqual(other.ok('LIST (SUBSCRIBED) "" %'), [])

    def test_others_have_their_turn_while_subscriptions_match_nothing(self):
        client, other = self.imap("emil"), self.imap("emil")
        names = [f"S{i:04d}" + "s" * 1300 for i in range(1500)]
        for verb in ("SUBSCRIBE", "UNSUBSCRIBE"):
            first = client.tags + 1
            client.socket.sendall("".join(f"t{first + i} {verb} {name}\r\n" for i, name in enumerate(names)).encode())
            for _ in names:
                client.tags += 1
                self.assertTrue(client.answer()[1].startswith("OK"))
            if verb == "SUBSCRIBE":
                client.send('LIST (SUBSCRIBED) "" (' + " ".join(["*s*s*s*s*t"] * 64) + ")")
                turns = 0
                while not select.select([client.socket], [], [], 0)[0]:
                    other.ok("NOOP")
                    turns += 1
                self.assertEqual(client.answer(), ([], "OK Done"))
                self.assertGreater(turns, 5)

    def test_all_are_listed_however_many_there_are(self):
        server = make_server()
        self.addCleanup(server.end)
        client, other = Imap(self, server.port("imap"), "dora"), Imap(self, server.port("imap"), "emil")
        names = [f"P{i}/" + "long" * 90 for i in range(1000, 2200)]
        client.ok("CREATE P")
        client.ok(f"SETACL P emil@{LOCAL} lr")  # those that are made below have the same
        first = client.tags + 1
        client.socket.sendall("".join(f"t{first + i} CREATE P/{name}\r\n" for i, name in enumerate(names)).encode())
        for _ in names:
            client.tags += 1
            self.assertTrue(client.answer()[1].startswith("OK"))
        top = f"Other Users/dora@{LOCAL}"
        every = [f"{top}/P"] + [f"{top}/P/{one}" for name in names for one in (name.split("/")[0], name)]
        self.assertEqual(self.listed(other), ["INBOX"] + every)
        self.assertEqual(self.listed(other, f'LIST "" "{top}/P/%"'), [one for one in every if one.count("/") == 3])
        self.assertEqual(self.listed(other, f'LIST "{top}/P/P21" "*g"'), [one for one in every if "/P21" in one and one.endswith("g")])

    def test_all_owners_are_listed_however_many_there_are(self):
        server = ringpost.Server(CONFIG, start=False)
        users, hashed = [f"o{i}" for i in range(1000, 2150)], password_hash()
        with open(f"{server.folder}/passwd", "w") as file:
            file.writelines(f"{name}@{LOCAL}:{hashed}:::{name}:\n" for name in (*users, "anna"))
        server.start()
        self.addCleanup(server.end)
        owner, reader = Imap(self, server.port("imap")), Imap(self, server.port("imap"), "anna")
        for user in users:
            owner.ok(f'LOGIN {user}@{LOCAL} "{PASSWORD}"')
            owner.ok(f"SETACL INBOX anna@{LOCAL} lr")
            owner.ok("UNAUTHENTICATE")
        tops = [f"Other Users/{user}@{LOCAL}" for user in users]
        self.assertEqual(self.listed(reader), ["INBOX"] + [f"{top}/INBOX" for top in tops])
        self.assertEqual(self.listed(reader, 'LIST "Other Users/" %'), tops)
        self.assertEqual(self.listed(reader, f'LIST "" "{tops[-1]}/*"'), [f"{tops[-1]}/INBOX"])

    def test_a_name_is_as_long_as_it_may_be_whoever_names_it(self):
        client, other = self.imap("carl"), self.imap("anna")
        for name, wire in (("L" * 1000, "L" * 1000), ("\u00e9" * 500, None)):
            wire = wire or "&" + base64.b64encode(name.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
            path = f'"Other Users/carl@{LOCAL}/{wire}"'
            client.ok(f'CREATE "{wire}"')
            client.ok(f'SETACL "{wire}" anna@{LOCAL} lra')
            shown = path.strip('"')
            for command in (f'LIST "" {path}', f'LIST "" "{shown[:-60]}%"' if name[0] == "L" else f'LIST "" {path}', f'LIST "Other Users/" "carl@{LOCAL}/{wire}"'):
                self.assertEqual(self.listed(other, command), [shown])
            self.assertIn(shown, self.listed(other))
            for command in ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "GETACL {}", "MYRIGHTS {}", "SUBSCRIBE {}"):
                other.ok(command.format(path))
            self.assertEqual(self.listed(other, 'LSUB "" *'), [shown])
            other.ok(f"UNSUBSCRIBE {path}")
            longer = path[:-1] + 'x"'
            for command in ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "GETACL {}", "MYRIGHTS {}"):
                self.no(other, command.format(longer), "NONEXISTENT")
            self.assertEqual(other.ok(f'LIST "" {longer}'), [])
            client.ok(f'DELETE "{wire}"')
        for command in ("SELECT {}", "STATUS {} (MESSAGES)", "GETACL {}", 'LIST "" {}'):
            self.assertTrue(other.do(command.format(f'"Other Users/carl@{LOCAL}/' + "x" * 1400 + '"'))[1].startswith("BAD"))

    def test_no_mailbox_of_ones_own_is_made_among_others(self):
        client = self.imap("anna")
        for name in ('"Other Users"', '"Other Users/"', '"Other Users/x"', f'"Other Users/anna@{LOCAL}/x"', f'"Other Users/carl@{LOCAL}"'):
            self.no(client, f"CREATE {name}", "CANNOT")
        client.ok("CREATE Mine")
        for name in ('"Other Users"', '"Other Users/x"', self.path("Mine"), f'"Other Users/anna@{LOCAL}/x"'):
            self.no(client, f"RENAME Mine {name}", "CANNOT")
        client.ok("DELETE Mine")
        client.ok('CREATE "Other Users2"')
        client.ok('DELETE "Other Users2"')

    def test_below_a_mailbox_of_somebody_else(self):
        client, other, name, path = self.shared("lr")
        below, more = path[:-1] + '/sub"', path[:-1] + '/more/deep"'
        for who, owner in (("x", "nobody"), (name + "/sub", "carl"), ("Top", "carl"), ("x", "emil")):
            untagged, tagged = other.do(f"CREATE {self.path(who, owner)}")
            self.assertEqual(tagged, "NO [NOPERM] You may not make a mailbox there")
        self.let(client, name, "lrk")
        self.assertRegex(other.do(f"CREATE {below}")[1], r"^OK \[MAILBOXID \(\S+\)\]")
        self.no(other, f"CREATE {below}", "ALREADYEXISTS")
        self.no(other, f"CREATE {path[:-1]}/use\" (USE (\\Sent))", "USEATTR")
        other.ok(f"CREATE {more}")
        self.assertEqual(client.ok(f"GETACL {name}/sub"), [f'* ACL "{name}/sub" carl@{LOCAL} {ALL} anna@{LOCAL} lrkc'])
        self.no(other, f"DELETE {below}")
        self.no(other, f"RENAME {below} {path[:-1]}/sub2\"")
        client.ok(f"SETACL {name}/sub anna@{LOCAL} lrkx")
        self.no(other, f"RENAME {below} Mine", "CANNOT")
        self.no(other, f"RENAME {below} {self.path('Top')}")
        self.no(other, f"RENAME {below} {more}", "ALREADYEXISTS")
        other.ok(f"RENAME {below} {path[:-1]}/sub2\"")
        other.ok(f"DELETE {path[:-1]}/sub2\"")
        self.assertFalse(any("sub" in line for line in client.ok(f'LIST "" {name}/*')))
        # A name that is taken by what may not be seen.
        client.ok(f"CREATE {name}/secret")
        client.ok(f"DELETEACL {name}/secret anna@{LOCAL}")
        self.no(other, f"CREATE {path[:-1]}/secret\"")
        client.ok(f"SETACL INBOX anna@{LOCAL} lrkx")
        self.no(other, f"RENAME {self.path('INBOX')} {path[:-1]}/inbox\"", "CANNOT")
        self.no(other, f"DELETE {self.path('INBOX')}", "CANNOT")
        client.ok(f"DELETEACL INBOX anna@{LOCAL}")

    def test_quota_root_and_status(self):
        client, other, name, path = self.shared("r", count=2)
        root = f'"Other Users/carl@{LOCAL}"'
        told = other.ok(f"GETQUOTAROOT {path}")
        self.assertEqual(told[0], f"* QUOTAROOT {path} {root}")
        self.assertRegex(told[1], rf"^\* QUOTA {root} \(STORAGE \d+ 4096\)$")
        self.assertEqual(other.ok(f"GETQUOTA {root}"), told[1:])
        self.assertRegex(other.ok(f"STATUS {path} (MESSAGES UNSEEN)")[0], rf"^\* STATUS {path} \(MESSAGES 2 UNSEEN 2\)$")
        self.assertEqual(client.ok(f"GETQUOTAROOT {name}")[0], f'* QUOTAROOT "{name}" ""')

    def test_notes_on_mailboxes(self):
        client, other, name, path = self.shared("lr")
        client.ok(f'SETMETADATA {name} (/shared/comment "ours" /private/comment "mine")')
        self.assertEqual(other.ok(f"GETMETADATA {path} (/shared/comment /private/comment)"),
                         [f'* METADATA {path} (/private/comment NIL /shared/comment "ours")'])
        self.assertEqual(other.ok(f"GETMETADATA (DEPTH infinity) {path} (/shared /private)"),
                         [f'* METADATA {path} (/private NIL /shared/comment "ours")'])
        self.no(other, f'SETMETADATA {path} (/private/comment "x")', "METADATA NOPRIVATE")
        self.no(other, f'SETMETADATA {path} (/shared/comment "x")')
        self.let(client, name, "+w")
        other.ok(f'SETMETADATA {path} (/shared/comment "theirs")')
        self.no(other, f'SETMETADATA {path} (/shared/comment "x" /private/comment "x")', "METADATA NOPRIVATE")
        self.assertEqual(client.ok(f"GETMETADATA {name} (/shared/comment /private/comment)"),
                         [f'* METADATA "{name}" (/private/comment "mine" /shared/comment "theirs")'])


class Selected(Sharing):
    def test_to_the_mailbox_and_back(self):
        _, other, _, path = self.shared("lr", count=3)
        other.ok("CREATE Own" + path[-4:-1].replace("/", ""))
        for _ in range(20):
            told = other.ok(f"SELECT {path}")
            self.assertIn("* 3 EXISTS", told)
            self.assertEqual(self.subjects(other), ["m1", "m2", "m3"])
            other.ok("SELECT INBOX")
            self.assertIn("INBOX", other.ok("LIST \"\" INBOX")[0])
        other.ok(f"SELECT {path}")
        self.assertIn(r'* LIST (\HasNoChildren) "/" "INBOX"', other.ok('LIST "" INBOX'))  # its own, from there
        self.assertEqual(other.ok("SUBSCRIBE Away"), [])
        self.assertIn(r'* LSUB (\Noselect) "/" "Away"', self.imap("anna").ok('LSUB "" Away'))
        other.ok("UNSUBSCRIBE Away")
        self.append(other, "INBOX")
        other.ok("UNAUTHENTICATE")
        other.ok(f'LOGIN bert@{LOCAL} "{PASSWORD}"')
        self.no(other, f"SELECT {path}", "NONEXISTENT")
        other.ok("SELECT INBOX")

    def test_commands_sent_at_once_are_answered_in_their_order(self):
        _, other, _, path = self.shared("lr", count=2)
        lines = [f"SELECT {path}", "FETCH 2 UID", "SELECT INBOX", "NOOP", f"EXAMINE {path}", "SEARCH ALL", "CLOSE", f"STATUS {path} (MESSAGES)"] * 10
        first = other.tags + 1
        other.socket.sendall("".join(f"t{first + i} {line}\r\n" for i, line in enumerate(lines)).encode())
        for line in lines:
            other.tags += 1
            untagged, tagged = other.answer()
            self.assertTrue(tagged.startswith("OK"), (line, tagged))
            if line.startswith("FETCH"):
                self.assertEqual(untagged, ["* 2 FETCH (UID 2)"])
            if line.startswith("SEARCH"):
                self.assertEqual(untagged, ["* SEARCH 1 2"])

    def test_inside_tls_and_compressed(self):
        path = self.shared("lr", count=2)[3]
        for client in (self.secure("anna"), self.compressed(self.imap("anna")), self.compressed(self.secure("anna"))):
            for _ in range(5):
                client.ok(f"SELECT {path}")
                self.assertEqual(self.subjects(client), ["m1", "m2"])
                client.ok("SELECT INBOX")

    def test_rights_say_what_may_be_changed(self):
        client, other, name, path = self.shared("r", count=1)
        for rights, permanent, writable in (("r", "", False), ("rs", r"\Seen", True), ("rt", r"\Deleted", True), ("re", "", True), ("ri", "", True),
                                            ("lrkxa", "", False), ("rw", r"\Answered \Flagged \Draft \*", True)):
            self.let(client, name, rights)
            untagged, tagged = other.do(f"SELECT {path}")
            self.assertTrue(tagged.startswith("OK [READ-WRITE]" if writable else "OK [READ-ONLY]"), (rights, tagged))
            told = next(line for line in untagged if "PERMANENTFLAGS" in line)
            self.assertEqual(set(re.search(r"PERMANENTFLAGS \(([^)]*)\)", told)[1].split()), set(permanent.split()), rights)
        self.assertIn("OK [READ-ONLY]", other.do(f"EXAMINE {path}")[1])

    def test_flags_by_their_rights(self):
        client, other, name, path = self.shared("rswt", count=1)
        other.ok(f"SELECT {path}")
        self.let(client, name, "rs")
        other.ok(r"STORE 1 +FLAGS (\Seen \Deleted \Flagged $Label)")
        self.assertEqual(self.flags(other), {r"\Seen"})
        self.no(other, r"STORE 1 +FLAGS (\Deleted)")
        self.no(other, "STORE 1 -FLAGS ($Label)")
        client.ok(f"SELECT {name}")
        client.ok(r"STORE 1 FLAGS (\Deleted \Flagged Old)")
        self.let(client, name, "rw")
        other.ok(r"STORE 1 FLAGS (\Answered New \Seen)")
        self.assertEqual(self.flags(other), {r"\Deleted", r"\Answered", "New"})
        self.let(client, name, "rt")
        other.ok(r"STORE 1 FLAGS (\Answered)")
        self.assertEqual(self.flags(other), {r"\Answered", "New"})
        self.let(client, name, "r")
        self.no(other, r"STORE 1 FLAGS ()")
        other.ok("FETCH 1 BODY[]")
        self.assertNotIn(r"\Seen", self.flags(other))
        self.let(client, name, "rs")
        other.ok("FETCH 1 BODY[]")
        self.assertIn(r"\Seen", self.flags(other))

    def until_it_is_taken(self, client, name, left, path, lines, answered=40):
        """Sessions of the reader send what `lines` has for each, until they hear NO, while the owner takes rights from him. What the
        mailbox is when he hears that they are taken, it stays."""
        others = [self.imap("anna") for _ in lines]
        done = threading.Semaphore(0)

        def go(other, mine):
            other.ok(f"SELECT {path}")
            for line in mine:
                if not other.do(line)[1].startswith("OK"):
                    return
                done.release()

        threads = [threading.Thread(target=go, args=pair) for pair in zip(others, lines)]
        for thread in threads:
            thread.start()
        for _ in range(answered):
            self.assertTrue(done.acquire(timeout=60))
        self.let(client, name, left)
        state = client.ok(f"STATUS {name} (MESSAGES HIGHESTMODSEQ)")
        for thread in threads:
            thread.join()
        self.assertEqual(client.ok(f"STATUS {name} (MESSAGES HIGHESTMODSEQ)"), state)

    def test_flags_that_wait_for_their_turn_need_the_right_when_they_have_it(self):
        client, _, name, path = self.shared("lrswt", count=1)
        lines = [[f"STORE 1 {how}FLAGS.SILENT ($K{i})" for how in "+-" * 2000] for i in range(8)]
        self.until_it_is_taken(client, name, "lrst", path, lines)

    def test_an_expunge_that_waits_for_its_turn_needs_the_right_when_it_has_it(self):
        client, _, name, path = self.shared("lrte")
        one = b"Subject: x\r\n\r\nx\r\n"
        for _ in range(8):
            client.ok(b"APPEND %s " % name.encode() + b" ".join([b"(\\Deleted) {%d+}\r\n%s" % (len(one), one)] * 125))
        lines = [[f"UID EXPUNGE {uid}" for uid in range(i + 1, 1001, 8)] for i in range(8)]
        self.until_it_is_taken(client, name, "lrt", path, lines)
        client.ok(f"DELETE {name}")

    def test_close_expunges_nothing_when_the_right_is_taken_before_its_turn(self):
        client, _, name, path = self.shared("lrte")
        others = [self.imap("anna") for _ in range(6)]
        for _ in range(40):
            self.let(client, name, "lrte")
            self.append(client, name, flags=r"(\Deleted) ")
            for other in others:
                other.ok(f"SELECT {path}")
            client.send(f"SETACL {name} anna@{LOCAL} lrt")
            for other in others:
                other.send("CLOSE")
            client.answer()
            state = client.ok(f"STATUS {name} (MESSAGES)")
            for other in others:
                self.assertTrue(other.answer()[1].startswith("OK"))
            self.assertEqual(client.ok(f"STATUS {name} (MESSAGES)"), state)

    def test_a_fetch_that_waits_for_its_turn_sets_seen_only_with_the_right(self):
        client, _, name, path = self.shared("lrs", count=1)
        client.ok(f"SELECT {name}")
        others = [self.imap("anna") for _ in range(6)]
        for _ in range(40):
            self.let(client, name, "lrs")
            for other in others:
                other.ok(f"SELECT {path}")
            client.ok(r"STORE 1 -FLAGS.SILENT (\Seen)")
            client.send(f"SETACL {name} anna@{LOCAL} lr")
            for other in others:
                other.send("FETCH 1 BODY[]")
            client.answer()
            seen = self.flags(client)
            for other in others:
                self.assertTrue(other.answer()[1].startswith("OK"))
            self.assertEqual(self.flags(client), seen)

    def test_a_flag_is_set_when_only_the_right_to_another_one_is_taken(self):
        """RFC 4314 section 4: STORE does not fail as long as one flag may be changed."""
        client, other, name, path = self.shared("lrsw", count=1)
        other.ok(f"SELECT {path}")
        for _ in range(40):
            self.let(client, name, "lrsw")
            client.send(f"SETACL {name} anna@{LOCAL} lrs")
            for how in "+-":
                self.assertTrue(other.do(f"STORE 1 {how}FLAGS.SILENT (\\Seen \\Flagged)")[1].startswith("OK"))
            client.answer()

    def test_expunge_and_close(self):
        client, other, name, path = self.shared("rt", count=3)
        other.ok(f"SELECT {path}")
        other.ok(r"STORE 1:2 +FLAGS (\Deleted)")
        self.no(other, "EXPUNGE")
        self.no(other, "UID EXPUNGE 1")
        other.ok("CLOSE")
        self.assertIn("(MESSAGES 3)", other.ok(f"STATUS {path} (MESSAGES)")[0])
        self.let(client, name, "rte")
        other.ok(f"SELECT {path}")
        self.assertEqual(other.ok("UID EXPUNGE 1"), ["* 1 EXPUNGE"])
        other.ok("CLOSE")
        self.assertIn("(MESSAGES 1)", other.ok(f"STATUS {path} (MESSAGES)")[0])

    def test_a_right_to_read_that_is_taken_closes_the_mailbox(self):
        client, other, name, path = self.shared("lrswte", count=2)
        other.ok("ENABLE QRESYNC")
        other.ok(f"SELECT {path}")
        client.ok(f"DELETEACL {name} anna@{LOCAL}")
        for command in ("FETCH 1 BODY[]",):
            self.no(other, command, "NONEXISTENT")
        self.assertTrue(any("[CLOSED]" in line for line in other.ok("NOOP")) or other.do("FETCH 1 FLAGS")[1].startswith("BAD"))
        self.assertTrue(other.do("FETCH 1 FLAGS")[1].startswith("BAD"))
        # Who waits hears nothing more of it.
        self.let(client, name, "lr")
        other.ok(f"SELECT {path}")
        other.send("IDLE")
        self.assertEqual(other.response(), "+ idling")
        client.ok(f"SETACL {name} anna@{LOCAL} lrs")  # of this he hears nothing
        client.ok(f"DELETEACL {name} anna@{LOCAL}")
        self.assertIn("[CLOSED]", other.response())
        client.append(name, "secret")
        other.socket.sendall(b"DONE\r\n")
        untagged, tagged = other.answer()
        self.assertEqual(untagged, [])
        self.assertTrue(other.do("FETCH 3 FLAGS")[1].startswith(("BAD", "NO")))

    def test_idle_hears_what_others_do(self):
        client, other, name, path = self.shared("lr", count=1)
        other.ok(f"SELECT {path}")
        other.send("IDLE")
        self.assertEqual(other.response(), "+ idling")
        client.append(name, "new")
        self.assertEqual(other.response(), "* 2 EXISTS")
        other.socket.sendall(b"DONE\r\n")
        other.answer()

    def test_a_mailbox_that_is_deleted_under_a_reader(self):
        client, other, name, path = self.shared("lr", count=1)
        other.ok(f"SELECT {path}")
        client.ok(f"DELETE {name}")
        self.no(other, "FETCH 1 FLAGS", "NONEXISTENT")
        other.ok("SELECT INBOX")
        for reader, mailbox in ((other, path), (self.imap("carl"), name)):
            client.do(f"CREATE {name}")
            self.let(client, name, "lr")
            reader.ok(f"SELECT {mailbox}")
            reader.send("IDLE")
            self.assertEqual(reader.response(), "+ idling")
            client.ok(f"DELETE {name}")
            self.assertIn("[CLOSED]", reader.response())
            reader.socket.sendall(b"DONE\r\n")
            self.assertEqual(reader.answer(), ([], "OK IDLE is over"))

    def test_notify_ends_and_comes_again(self):
        client, other, name, path = self.shared("lr", count=1)
        mine = self.imap("anna")
        mine.ok(f"CREATE N{name}")
        other.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))")
        untagged = other.ok(f"SELECT {path}")
        self.assertTrue(any("[NOTIFICATIONOVERFLOW]" in line for line in untagged), untagged)
        self.no(other, "NOTIFY SET (personal (MessageNew MessageExpunge))", "CANNOT")
        other.ok("NOTIFY NONE")
        mine.append(f"N{name}", "x")
        self.assertEqual(other.ok("NOOP"), [])
        client.append(name, "x")
        self.assertEqual(other.ok("NOOP"), ["* 2 EXISTS", "* 2 RECENT"])
        other.ok("CLOSE")
        other.ok("NOTIFY NONE")
        self.assertFalse(any("OVERFLOW" in line for line in other.ok(f"SELECT {path}")))
        other.ok("CLOSE")
        other.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")  # goes home for it
        mine.append(f"N{name}", "y")
        self.assertIn(f'* STATUS "N{name}" (MESSAGES 2 UIDNEXT 3)', [other.response()])
        mine.ok(f"DELETE N{name}")

    def test_a_reader_on_the_core_of_the_owner(self):
        client, other, name, path = self.shared("lrswite", count=2, owner="bert")
        other.ok("NOTIFY SET (personal (MessageNew MessageExpunge))")
        self.assertTrue(any("[NOTIFICATIONOVERFLOW]" in line for line in other.ok(f"SELECT {path}")))
        self.no(other, "NOTIFY SET (personal (MessageNew MessageExpunge))", "CANNOT")
        other.ok("NOTIFY NONE")
        self.assertEqual(self.subjects(other), ["m1", "m2"])
        other.ok(f"CREATE S{name}")
        self.assertTrue(other.do(f"MOVE 1 S{name}")[1].startswith("OK"))
        self.let(client, name, "lrs")
        self.no(other, f"MOVE 1 S{name}")
        client.ok(f"DELETEACL {name} anna@{LOCAL}")
        self.no(other, "FETCH 1 FLAGS", "NONEXISTENT")
        other.ok(f"SELECT S{name}")
        self.assertEqual(self.subjects(other), ["m1"])
        other.ok(f"DELETE S{name}")

    def test_figures_are_right_after_many_moves(self):
        _, other, _, path = self.shared("lr", count=1)
        wait_until(lambda: self.the_server.figure("access_connections_open") >= 1, "an open connection")
        before = self.the_server.figure("access_connections_open")
        clients = [self.imap("anna") for _ in range(8)]
        for _ in range(12):
            for client in clients:
                client.ok(f"SELECT {path}")
            for client in clients:
                client.ok("SELECT INBOX")
        self.assertEqual(self.the_server.figure("access_connections_open"), before + 8)
        for client in clients:
            client.ok(f"SELECT {path}")
            client.ok("LOGOUT")
        wait_until(lambda: self.the_server.figure("access_connections_open") <= before, "all of them to be gone")

    def test_an_address_is_counted_as_often_as_it_is_connected(self):
        _, _, _, path = self.shared("lr", count=1)

        def stranger(user=None):
            return Imap(self, self.the_server.port("imap"), user, source=UNTRUSTED)

        for end in ("LOGOUT", None) * 25:  # more than may be connected at once
            client = stranger("anna")
            client.ok(f"SELECT {path}")
            client.ok("SELECT INBOX")
            client.ok(f"SELECT {path}")
            client.ok(end) if end else client.socket.close()
        wait_until(lambda: "BYE" not in stranger().greeting, "the last of them to be gone")
        held = []
        wait_until(lambda: (held.append(stranger()), "BYE" in held[-1].greeting)[1], "one too many")
        self.assertLessEqual(len(held), 41)
        self.assertGreater(len(held), 35)
        for client in held:
            client.socket.close()


class Messages(Sharing):
    def test_append_into_a_mailbox_of_somebody_else(self):
        client, other, name, path = self.shared("li")
        self.assertEqual(self.append(other, path, flags=r"(\Seen \Deleted \Flagged $Label) ")[1], "OK Stored")
        large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000
        self.assertEqual(self.append(other, path, large)[1], "OK Stored")
        client.ok(f"SELECT {name}")
        self.assertEqual(self.subjects(client), ["x", "large"])
        self.assertEqual(self.flags(client), set())
        self.assertEqual(client.ok("FETCH 2 RFC822.SIZE"), [f"* 2 FETCH (RFC822.SIZE {len(large)})"])
        self.let(client, name, "lris")
        self.assertRegex(self.append(other, path, flags=r"(\Seen \Deleted) ")[1], r"^OK \[APPENDUID \d+ 3\]")
        self.assertEqual(self.flags(client, 3), {r"\Seen"})
        self.let(client, name, "lr")
        self.assertTrue(self.append(other, path)[1].startswith("NO [NOPERM]"))

    def test_a_right_that_is_taken_while_a_message_comes(self):
        client, other, name, path = self.shared("li")
        text = b"Subject: x\r\n\r\n" + b"y" * 500_000 + b"\r\n"
        other.tags += 1
        other.socket.sendall(b"t%d APPEND %s {%d+}\r\n" % (other.tags, path.encode(), len(text)) + text[:400_000])
        client.ok(f"NOOP")
        self.let(client, name, "l")
        other.socket.sendall(text[400_000:] + b"\r\n")
        self.assertTrue(other.answer()[1].startswith("NO [NOPERM]"))
        client.ok(f"SETACL {name} anna@{LOCAL} li")
        # Broken off in the midst of it, on another core.
        other.socket.sendall(b"x APPEND %s {%d+}\r\n" % (path.encode(), len(text)) + text[:400_000])
        other.socket.close()
        self.assertIn("(MESSAGES 0)", client.ok(f"STATUS {name} (MESSAGES)")[0])

    def test_append_to_ones_own_from_the_mailbox_of_another(self):
        _, other, name, path = self.shared("lr")
        other.ok(f"CREATE A{name}")
        other.ok(f"SELECT {path}")
        large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 60_000
        self.assertRegex(self.append(other, f"A{name}", large)[1], r"^OK \[APPENDUID \d+ 1\]")
        self.assertEqual(other.ok(f"STATUS A{name} (MESSAGES)"), [f'* STATUS "A{name}" (MESSAGES 1)'])
        other.ok(f"DELETE A{name}")

    def test_quota_is_that_of_the_owner_and_is_asked_before_a_byte_is_copied(self):
        server = make_server()
        self.addCleanup(server.end)
        owner, other, path = Imap(self, server.port("imap"), "dora"), Imap(self, server.port("imap"), "anna"), self.path("Full", "dora")
        owner.ok("CREATE Full")
        self.let(owner, "Full", "lri")
        piece = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 55_000
        for _ in range(4):
            self.assertTrue(self.append(other, path, piece)[1].startswith("OK"))
        self.assertTrue(self.append(other, path, piece)[1].startswith("NO [OVERQUOTA]"))
        for _ in range(2):
            self.append(other, "INBOX", piece)
        other.ok("SELECT INBOX")
        before = server.figure("journal_payload_bytes")
        for command in ("COPY 1", "COPY 1:2", "MOVE 1:2"):
            self.no(other, f"{command} {path}", "OVERQUOTA")
        self.assertLess(server.figure("journal_payload_bytes") - before, 100_000)
        self.assertIn("(MESSAGES 2)", other.ok("STATUS INBOX (MESSAGES)")[0])
        self.assertIn("(MESSAGES 4)", owner.ok("STATUS Full (MESSAGES)")[0])

    def begin(self, server, client, mailbox, size=2_600_000, sent=2_500_000):
        """Most of a message, and no more of it."""
        before = server.figure("journal_payload_bytes")
        client.send(f"APPEND {mailbox} {{{size}}}")
        self.assertTrue(client.response().startswith("+"))
        client.socket.sendall(b"y" * sent)
        wait_until(lambda: server.figure("journal_payload_bytes") - before > sent - 300_000, "it to be in the log")

    def test_a_message_that_does_not_come_keeps_no_room(self):
        server = make_server()
        self.addCleanup(server.end)
        owner, other = (Imap(self, server.port("imap"), user) for user in ("dora", "anna"))
        path = self.path("Full", "dora")
        owner.ok("CREATE Full")
        self.let(owner, "Full", "lri")
        for _ in range(10):
            slow = Imap(self, server.port("imap"), "anna")
            slow.send(f"APPEND {path} {{4000000}}")
            self.assertTrue(slow.response().startswith("+"))
        text = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 100_000
        self.assertTrue(self.append(other, path, text)[1].startswith("OK"))
        self.assertTrue(self.append(owner, "Full", text)[1].startswith("OK"))
        self.no(other, f"APPEND {path} {{4000000}}", "OVERQUOTA")

    def test_what_others_send_keeps_no_room_from_the_owner(self):
        server = make_server()
        self.addCleanup(server.end)
        owner, slow = (Imap(self, server.port("imap"), user) for user in ("dora", "anna"))
        path = self.path("Full", "dora")
        owner.ok("CREATE Full")
        self.let(owner, "Full", "lri")
        self.begin(server, slow, path)
        text = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 130_000
        self.assertTrue(self.append(owner, "Full", text)[1].startswith("OK"))
        slow.socket.sendall(b"y" * 100_000 + b"\r\n")
        self.assertTrue(slow.answer()[1].startswith("NO [OVERQUOTA]"))
        self.assertIn("(MESSAGES 1)", owner.ok("STATUS Full (MESSAGES)")[0])

    def test_room_is_kept_for_what_is_on_its_way(self):
        server = make_server()
        self.addCleanup(server.end)
        owner, other, slow = (Imap(self, server.port("imap"), user) for user in ("dora", "anna", "anna"))
        path = self.path("Full", "dora")
        owner.ok("CREATE Full")
        self.let(owner, "Full", "lri")
        text = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 130_000
        self.append(other, "INBOX", text)
        other.ok("SELECT INBOX")
        self.begin(server, slow, path)
        before = server.figure("journal_payload_bytes")
        self.no(other, f"COPY 1 {path}", "OVERQUOTA")
        self.assertLess(server.figure("journal_payload_bytes") - before, 100_000)
        slow.socket.close()
        wait_until(lambda: other.do(f"COPY 1 {path}")[1].startswith("OK"), "the room is free again")
        for _ in range(5):  # what has been said NO to, or was stored, keeps none
            self.no(other, f"COPY 1 {path}", "OVERQUOTA")
            self.append(other, path)
        self.assertTrue(self.append(other, path, text[:1_800_000])[1].startswith("OK"))
        self.assertIn("(MESSAGES 7)", owner.ok("STATUS Full (MESSAGES)")[0])

    def test_as_many_bytes_as_may_go_at_once(self):
        server = make_server({"mailboxes": {"quota": "4GiB"}})
        self.addCleanup(server.end)
        owner, other = (Imap(self, server.port("imap"), user) for user in ("dora", "anna"))
        path = self.path("Wide", "dora")
        owner.ok("CREATE Wide")
        self.let(owner, "Wide", "lri")
        self.assertTrue(self.append(other, "INBOX", b"Subject: x\r\n\r\n" + b"0123456789abcde\r\n" * 600_000)[1].startswith("OK"))
        other.ok("SELECT INBOX")
        for count in (1, 2, 4, 8, 16, 32, 42):  # within one's own mailboxes that costs no bytes
            other.ok(f"COPY 1:{count} INBOX")
        before = server.figure("journal_payload_bytes")
        self.no(other, f"COPY 1:106 {path}", "LIMIT")
        self.no(other, f"MOVE 1:106 {path}", "LIMIT")
        self.assertLess(server.figure("journal_payload_bytes") - before, 100_000)
        self.assertTrue(other.do(f"COPY 1:2 {path}")[1].startswith("OK"))
        self.assertIn("(MESSAGES 2)", owner.ok("STATUS Wide (MESSAGES)")[0])

    def test_copy_and_move_between_people(self):
        client, other, name, path = self.shared("lrswite")
        other.ok(f"CREATE C{name}")
        for i in range(4):
            self.append(other, f"C{name}", b"Subject: s%d\r\n\r\n" % i + b"z" * (300_000 if i == 2 else 10) + b"\r\n", r"(\Seen $Mine) ")
        other.ok(f"SELECT C{name}")
        self.assertRegex(other.do(f"COPY 1:2 {path}")[1], r"^OK \[COPYUID \d+ 1:2 1:2\]")
        untagged, tagged = other.do(f"MOVE 3:4 {path}")
        self.assertTrue(tagged.startswith("OK"), tagged)
        self.assertRegex(untagged[0], r"^\* OK \[COPYUID \d+ 3:4 3:4\]")
        self.assertEqual(untagged[1:], ["* 3 EXPUNGE", "* 3 EXPUNGE"])
        client.ok(f"SELECT {name}")
        self.assertEqual(self.subjects(client), ["s0", "s1", "s2", "s3"])
        self.assertEqual(self.flags(client, 3), {r"\Seen", "$Mine"})
        self.assertIn("{300017}", client.ok("UID FETCH 3 BODY.PEEK[]")[0][:100])
        # And back, from there.
        other.ok(f"SELECT {path}")
        self.assertRegex(other.do(f"UID MOVE 3 C{name}")[0][0], r"^\* OK \[COPYUID \d+ 3 5\]")
        self.assertIn("* 3 EXPUNGE", client.ok("NOOP"))
        other.ok(f"SELECT C{name}")
        self.assertEqual(self.subjects(other), ["s0", "s1", "s2"])
        # Nothing is there of it: an empty set is no error, and copies nothing.
        self.assertTrue(other.do(f"UID COPY 77 {path}")[1].startswith("OK"))
        other.ok(f"DELETE C{name}")

    def test_what_move_and_copy_need(self):
        client, other, name, path = self.shared("lr", count=2)
        other.ok(f"CREATE D{name}")
        self.append(other, f"D{name}")
        other.ok(f"SELECT D{name}")
        self.no(other, f"COPY 1 {path}")
        self.no(other, f"MOVE 1 {path}")
        self.no(other, f"COPY 1 {self.path('Nowhere')}", "TRYCREATE")
        self.let(client, name, "li")
        self.assertEqual(other.do(f"COPY 1 {path}")[1], "OK Copied")  # without r no UID is told
        untagged, tagged = other.do(f"MOVE 1 {path}")
        self.assertEqual((untagged, tagged), (["* 1 EXPUNGE"], "OK Moved"))
        self.assertIn("(MESSAGES 4)", client.ok(f"STATUS {name} (MESSAGES)")[0])
        for rights in ("lr", "lrt", "lre"):
            self.let(client, name, "lrst")
            other.ok(f"SELECT {path}")
            self.let(client, name, rights)
            self.no(other, f"MOVE 1 D{name}")
        self.let(client, name, "lrs")
        other.ok(f"SELECT {path}")
        self.assertTrue(other.do(f"COPY 1 D{name}")[1].startswith("OK [COPYUID"))
        # Within the mailboxes of the owner.
        client.ok(f"CREATE {name}/in")
        client.ok(f"SETACL {name}/in anna@{LOCAL} li")
        client.ok(f"SELECT {name}")
        client.ok(r"STORE 1 +FLAGS (\Seen \Deleted $L)")
        inner = path[:-1] + '/in"'
        self.assertEqual(other.do(f"COPY 1 {inner}")[1], "OK Copied")
        client.ok(f"SELECT {name}/in")
        self.assertEqual(self.flags(client), set())
        self.let(client, name, "lrte")
        self.assertEqual(other.do(f"MOVE 1 {inner}"), (["* 1 EXPUNGE"], "OK Moved"))
        other.ok(f"DELETE D{name}")

    def test_a_move_that_loses_its_right_midway_says_so(self):
        client, other, name, path = self.shared("lrte", count=3)
        text = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40_000
        self.append(client, name, text)
        other.ok(f"CREATE E{name}")
        stop = threading.Event()

        def toggle():
            mine = self.imap("carl")
            while not stop.is_set():
                mine.do(f"SETACL {name} anna@{LOCAL} lr")
                mine.do(f"SETACL {name} anna@{LOCAL} lrte")

        thread = threading.Thread(target=toggle)
        thread.start()
        try:
            lost = 0
            for _ in range(40):
                other.ok(f"SELECT {path}")
                before = int(re.search(r"MESSAGES (\d+)", other.ok(f"STATUS {path} (MESSAGES)")[0])[1])
                untagged, tagged = other.do(f"MOVE 1:* E{name}")
                after = int(re.search(r"MESSAGES (\d+)", other.ok(f"STATUS {path} (MESSAGES)")[0])[1])
                if tagged.startswith("OK"):
                    self.assertEqual(after, 0, tagged)
                    for i in range(3):
                        client.append(name, f"again{i}")
                    self.append(client, name, text)
                else:
                    self.assertTrue(tagged.startswith("NO [NOPERM]"), tagged)
                    self.assertEqual(after, before, tagged)
                    copied = any("COPYUID" in line for line in untagged)
                    self.assertEqual(copied, "copied" in tagged, (untagged, tagged))
                    lost += copied
                if lost:
                    break
                other.ok(f"SELECT E{name}")
                other.do(r"STORE 1:* +FLAGS.SILENT (\Deleted)")
                other.ok("CLOSE")
        finally:
            stop.set()
            thread.join()
        self.let(client, name, "lrte")
        other.ok("SELECT INBOX")
        other.ok(f"DELETE E{name}")
        client.ok(f"DELETE {name}")

    def test_as_many_as_may_go_at_once(self):
        client, other, name, path = self.shared("li")
        other.ok(f"CREATE G{name}")
        one = b"Subject: x\r\n\r\nx\r\n"
        for _ in range(8):
            other.ok(b"APPEND G%s " % name.encode() + b" ".join([b"{%d+}\r\n%s" % (len(one), one)] * 125))
        self.append(other, f"G{name}")
        other.ok(f"SELECT G{name}")
        self.no(other, f"COPY 1:1001 {path}", "LIMIT")
        self.assertIn("(MESSAGES 0)", client.ok(f"STATUS {name} (MESSAGES)")[0])
        self.assertEqual(other.do(f"MOVE 1:1000 {path}")[1], "OK Moved")
        self.assertIn("(MESSAGES 1000)", client.ok(f"STATUS {name} (MESSAGES)")[0])
        self.assertIn("(MESSAGES 1)", other.ok(f"STATUS G{name} (MESSAGES)")[0])
        client.ok(f"DELETE {name}")
        other.ok(f"DELETE G{name}")

    def test_replace_stays_with_one_owner(self):
        client, other, name, path = self.shared("lrite", count=1)
        other.ok(f"SELECT {path}")
        data = b"Subject: new\r\n\r\nx\r\n"
        untagged, tagged = other.do(b"REPLACE 1 %s {%d+}\r\n%s" % (path.encode(), len(data), data))
        self.assertEqual(tagged, "OK Replaced")
        self.assertEqual(self.subjects(other), ["new"])
        self.no(other, b"REPLACE 1 INBOX {%d+}\r\n%s" % (len(data), data), "CANNOT")
        self.let(client, name, "lrit")
        self.no(other, b"REPLACE 1 %s {%d+}\r\n%s" % (path.encode(), len(data), data))
        self.assertEqual(self.subjects(other), ["new"])


class Others(Sharing):
    """Whoever is asked for no rights."""

    def test_imaplib_knows_the_commands(self):
        client = mail_clients.imap(self, self.the_server.port("imap"))
        client.login(f"carl@{LOCAL}", PASSWORD)
        name = f"F{next(self.numbers)}"
        client.create(name)
        self.assertEqual(client.setacl(name, f"anna@{LOCAL}", "lrs")[0], "OK")
        self.assertIn(f"anna@{LOCAL} lrs".encode(), client.getacl(name)[1][0])
        self.assertIn(ALL.encode(), client.myrights(name)[1][0])
        self.assertEqual(client.deleteacl(name, f"anna@{LOCAL}")[0], "OK")
        self.assertEqual(client.namespace()[1], [b'(("" "/")) (("Other Users/" "/")) NIL'])

    def test_the_operator_and_pop3_are_in_the_mailboxes_of_their_user(self):
        client, _, name, _ = self.shared("lrswipkxtea", count=2)
        out = f"{self.the_server.folder}/out{name}"
        self.the_server.command_ok("mailbox", "export", f"anna@{LOCAL}", out)
        folders = [folder for folder, _, _ in os.walk(out)]
        self.assertTrue(folders)
        self.assertFalse(any("Other" in folder for folder in folders), folders)
        pop3 = mail_clients.pop3(self, self.the_server.port("pop3"))
        pop3.user(f"carl@{LOCAL}")
        pop3.pass_(PASSWORD)
        self.assertGreaterEqual(pop3.stat()[0], 0)
        client.ok(f"SELECT {name}")

    def test_the_server_ends_while_sessions_move(self):
        server = make_server()
        self.addCleanup(server.end)
        owner = Imap(self, server.port("imap"), "carl")
        owner.ok("CREATE Busy")
        text = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 20_000
        self.append(owner, "Busy", text)
        owner.ok(f"SETACL Busy anna@{LOCAL} lrswite")
        path = self.path("Busy")

        def go(client):
            try:
                while True:
                    client.do(f"SELECT {path}")
                    client.do("COPY 1 INBOX")
                    client.do("SELECT INBOX")
                    client.do(f"COPY 1 {path}")
                    self.append(client, path, text)
            except (EOFError, OSError):
                pass

        threads = [threading.Thread(target=go, args=(Imap(self, server.port("imap"), "anna"),)) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: server.figure("access_moved") > 60, "sessions to move")
        server.stop()
        for thread in threads:
            thread.join()

    def test_a_move_to_somebody_else_loses_nothing_in_a_crash(self):
        """Of a MOVE that was cut short the messages are in both mailboxes, or in one of them. All others are where they were, once."""
        server = make_server({"mailboxes": {"quota": "1GiB"}})
        self.addCleanup(server.end)
        seed = int(os.environ.get("RINGPOST_SEED", random.randrange(1 << 30)))
        print(f"\nRINGPOST_SEED={seed}", flush=True)
        dice = random.Random(seed)
        count, where = 12, {}  # message -> the mailboxes in which it may be, as Anna names them
        pairs = [(f"Out{i}", self.path(f"In{i}").strip('"')) for i in range(6)]
        owner, reader = Imap(self, server.port("imap"), "carl"), Imap(self, server.port("imap"), "anna")
        for i, (out, _) in enumerate(pairs):
            owner.ok(f"CREATE In{i}")
            self.let(owner, f"In{i}", "lrswite")
            reader.ok(f"CREATE {out}")
            for k in range(count):
                text = b"Subject: m%d.%d\r\n\r\n" % (i, k) + b"0123456789abcdef\r\n" * (30_000 if k == 5 else 10)
                self.assertTrue(self.append(reader, out, text)[1].startswith("OK"))
                where[f"m{i}.{k}"] = {out}

        def go(client, pair, dice):
            try:
                while True:
                    for here, there in (pair, pair[::-1]):
                        client.ok(f'SELECT "{here}"')
                        names = self.subjects(client)
                        while names:
                            going = names[:dice.randint(1, 6)]
                            for name in going:
                                where[name] = {here, there}
                            if not client.do(f'MOVE 1:{len(going)} "{there}"')[1].startswith("OK"):
                                return
                            for name in going:
                                where[name] = {there}
                            del names[:len(going)]
            except (EOFError, OSError):
                pass  # it was killed

        moved = twice = 0
        for _ in range(int(os.environ.get("RINGPOST_CRASHES", "4"))):
            before = server.figure("access_moved")
            clients = [Imap(self, server.port("imap"), "anna") for _ in pairs]
            threads = [threading.Thread(target=go, args=(*each, random.Random(dice.random()))) for each in zip(clients, pairs)]
            for thread in threads:
                thread.start()
            wait_until(lambda: server.figure("access_moved") - before > 20, "sessions to move")
            time.sleep(dice.uniform(0, 0.5))
            moved += server.figure("access_moved") - before
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            reader = Imap(self, server.port("imap"), "anna")
            found = {name: set() for name in where}
            for mailbox in (one for pair in pairs for one in pair):
                reader.ok(f'SELECT "{mailbox}"')
                names = self.subjects(reader)
                self.assertEqual(len(names), len(set(names)), f"twice in {mailbox}")
                for name in names:
                    found[name].add(mailbox)
            for name, places in found.items():
                self.assertTrue(places, f"{name} is lost")
                self.assertLessEqual(places, where[name], name)
            for name, places in found.items():
                if len(places) == 2:  # a crash between the two writes: it goes from one of them
                    twice += 1
                    gone = max(places)
                    reader.ok(f'SELECT "{gone}"')
                    uid = reader.ok(f"UID SEARCH SUBJECT {name}")[0].split()[2:]
                    numbers = [one for one in uid if self.subject(reader, one) == name]
                    reader.ok(f"UID STORE {numbers[0]} +FLAGS.SILENT (\\Deleted)")
                    reader.ok(f"UID EXPUNGE {numbers[0]}")
                    places = places - {gone}
                where[name] = places
        print(f"{moved} changes of core, {twice} messages were in both mailboxes", flush=True)

    def subject(self, client, uid):
        return re.search(r"Subject: (\S+)", client.ok(f"UID FETCH {uid} BODY.PEEK[HEADER.FIELDS (SUBJECT)]")[0])[1]

    def test_what_was_given_outlives_a_crash(self):
        server = make_server()
        self.addCleanup(server.end)
        owner = Imap(self, server.port("imap"), "carl")
        owner.ok("CREATE Kept")
        owner.append("Kept", "m1")
        for who, rights in (("anna", "lr"), ("dora", "lrs"), ("bert", "lr")):
            owner.ok(f'SETACL Kept {who}@{LOCAL} {rights}')
        owner.ok(f"DELETEACL Kept bert@{LOCAL}")
        server.restart(crash=True)
        for who in ("anna", "dora"):
            other = Imap(self, server.port("imap"), who)
            self.assertIn(f'* LIST (\\HasNoChildren) "/" {self.path("Kept")}', other.ok('LIST "" *'))
            other.ok(f"SELECT {self.path('Kept')}")
            self.assertEqual(self.subjects(other), ["m1"])
        bert = Imap(self, server.port("imap"), "bert")
        self.no(bert, f"SELECT {self.path('Kept')}", "NONEXISTENT")
        self.assertFalse(any("Other" in line for line in bert.ok('LIST "" *')))


if __name__ == "__main__":
    ringpost.main()
