"""Starting, stopping, reloading: drain on SIGTERM, good and bad configurations by SIGHUP, certificates, privileges."""

import os
import re
import signal
import socket
import ssl

import ringpost
from programs import run_ok, temp_folder, wait_until
from ringpost import LOCAL, REMOTE, SystemTest, message
from sink import Sink
from talk import Closed, trusting_context


class Drain(SystemTest):
    def begin(self, client):
        client.hello()
        client.ask(f"MAIL FROM:<sender@{REMOTE}>", "250")
        client.ask(f"RCPT TO:<anna@{LOCAL}>", "250")
        client.ask("DATA", "354")
        client.raw(b"Subject: drained\r\n\r\n")

    def test_an_open_transaction_may_finish(self):
        server = self.server()
        with server.talk() as busy, server.talk() as idle:
            self.begin(busy)
            idle.hello()
            server.terminate()
            idle.expect("421 4\\.3\\.2")  # who has no transaction is told at once
            idle.expect_closed()
            busy.raw(b"the rest\r\n.\r\n")
            busy.expect("250 2\\.0\\.0")
            busy.expect("421 4\\.3\\.2")
            busy.expect_closed()
        server.stop()
        server.start()
        self.assertIn(b"the rest", server.wait_for_mailbox(f"anna@{LOCAL}")[0])

    def test_new_connections_are_not_taken_while_it_drains(self):
        server = self.server()
        with server.talk() as busy:
            self.begin(busy)
            server.terminate()
            wait_until(lambda: not self.welcome(server), "the door to close")
            busy.raw(b".\r\n")
            busy.expect("250")
        server.stop()

    def welcome(self, server):
        try:
            with server.talk() as client:
                client.socket.settimeout(5)
                return client.reply().code == 220
        except (OSError, Closed, AssertionError):
            return False

    def test_a_transaction_that_does_not_finish_is_cut_off_in_the_end(self):
        server = self.server({"server": {"drain": "1s"}})
        with server.talk() as busy:
            self.begin(busy)
            server.stop()
        server.start()
        self.assertEqual(server.queue_count(), 0)
        self.assertEqual(server.mailbox(f"anna@{LOCAL}"), [])

    def test_mail_on_its_way_out_survives_the_stop(self):
        sink = self.closing(Sink(answers={"body": "stall"}))
        server = self.server({"server": {"drain": "1s"}}, sink=sink)
        server.send(f"sender@{REMOTE}", [f"x@{REMOTE}"], message())
        sink.wait_for(lambda s: "body" in s.states_reached, "the body")
        server.stop()
        sink.answers.clear()
        sink.release.set()
        server.start()
        sink.wait_for_mail()
        server.wait_until_empty()

    def test_a_destination_that_does_not_answer_keeps_nobody(self):
        with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
            waiting = self.fill(deaf)
            server = self.server({"server": {"drain": "1h"}, "deliver": {"connect_timeout": "10m"}}, sink=deaf.getsockname()[1])
            server.send(f"sender@{REMOTE}", [f"x@{REMOTE}"], message())
            wait_until(lambda: server.figure("deliver_flows") == 1, "the connect")
            server.stop()
            for client in waiting:
                client.close()
        self.assertEqual(server.events("deferred"), [])
        server.start()
        self.assertEqual(server.queue_count(), 1)

    def fill(self, deaf):
        """Clients of a server that accepts none, until it answers no further one."""
        waiting = []
        while True:
            client = socket.socket()
            waiting.append(client)
            client.settimeout(1)
            try:
                client.connect(deaf.getsockname())
            except TimeoutError:
                return waiting

    def test_a_second_sigterm_ends_it_at_once_and_nothing_acknowledged_is_lost(self):
        server = self.server({"server": {"drain": "1h"}})
        server.send(f"sender@{REMOTE}", [f"anna@{LOCAL}"], message())
        with server.talk() as busy:
            self.begin(busy)
            server.program.send(signal.SIGTERM)
            wait_until(lambda: not self.welcome(server), "the door to close")
            server.program.send(signal.SIGTERM)
            self.assertEqual(server.program.wait(), -signal.SIGTERM)
        server.program = None
        server.start()
        server.wait_for_mailbox(f"anna@{LOCAL}")


class Reload(SystemTest):
    def test_a_new_configuration_is_in_force_for_new_sessions(self):
        server = self.server({"listener": {"mx": {"banner": "ESMTP first", "recipient_limit": 100}}})
        with server.talk() as old:
            old.expect("220 mx\\.test\\.example ESMTP first")
            server.reconfigure({"listener": {"mx": {"banner": "ESMTP second"}}, "domains": {"local": [LOCAL, "new.example"]}})
            server.reload()
            wait_until(lambda: self.banner(server).endswith("ESMTP second"), "the new banner")
            old.ask("EHLO x", "250")  # a session keeps what it began with, and goes on
            old.ask("QUIT", "221")
        with server.talk(source=ringpost.UNTRUSTED) as client:
            client.hello()
            client.ask(f"MAIL FROM:<a@{REMOTE}>", "250")
            client.ask("RCPT TO:<postmaster@new.example>", "250")

    def banner(self, server):
        with server.talk() as client:
            return client.reply().text

    def test_what_a_reload_does_not_change_is_said(self):
        server = self.server(as_root=True)
        self.assertNotIn("but", server.command_ok("reload"))
        server.reconfigure({"spool": {"compact_after": "61s"}, "mailboxes": {"location": "pipe:cat >/dev/null"}})
        said = server.command_ok("reload")
        self.assertIn("but spool.compact_after has changed, which is not in force before a restart", said)
        server.wait_for_event("notice", text=re.search("but spool.*", said).group())
        if os.geteuid() == 0:
            self.assertIn("but mailboxes.location names another command than at the start", said)
        self.assertEqual(len(server.json_lines("reload")[-1]["waiting"]), said.count("but "))
        server.restart()
        self.assertNotIn("but", server.command_ok("reload"))

    def test_a_bad_file_leaves_the_old_one_running(self):
        server = self.server({"listener": {"mx": {"banner": "ESMTP first"}}})
        good = ringpost.to_toml(server.config)
        server.write_config(good.replace("ESMTP first", "ESMTP second") + "\n[nonsense]\nkey = 1\n")
        server.reload()
        wait_until(lambda: any("refused" in str(e) for e in server.events("notice")), "the refusal in the log")
        self.assertTrue(self.banner(server).endswith("ESMTP first"))
        refused = server.command("reload")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"nonsense", refused.stdout + refused.stderr)
        server.write_config(good.replace("ESMTP first", "ESMTP third"))
        server.command_ok("reload")
        self.assertTrue(self.banner(server).endswith("ESMTP third"))

    def test_aliases_and_certificates_are_read_again(self):
        server = self.server()
        first = self.certificate_shown(server)
        folder = temp_folder()
        paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        run_ok(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=second.example",
                "-keyout", paths[1], "-out", paths[0]])
        os.chmod(paths[1], 0o644)
        server.reconfigure({"tls": {"certificate": paths[0], "key": paths[1]}})
        with open(os.path.join(server.folder, "aliases"), "w") as file:
            file.write("fresh: anna\n")
        server.command_ok("reload")
        self.assertNotEqual(self.certificate_shown(server), first)
        server.send(f"a@{REMOTE}", [f"fresh@{LOCAL}"], message())
        server.wait_for_mailbox(f"anna@{LOCAL}")
        for text in ("no certificate\n", ""):  # the second as a renewal leaves it that is half done
            with open(paths[0], "w") as file:
                file.write(text)
            self.assertNotEqual(server.command("reload").returncode, 0)
            self.certificate_shown(server)

    def certificate_shown(self, server):
        with server.talk() as client:
            client.hello()
            client.ask("STARTTLS", "220")
            client.start_tls()
            return client.socket.getpeercert(binary_form=True)

    def test_mail_flows_on_through_many_reloads(self):
        sink = self.closing(Sink())
        server = self.server(sink=sink)
        with server.talk() as client:
            client.hello()
            for number in range(20):
                server.reload()
                self.assertEqual(client.send(f"a@{REMOTE}", [f"r{number}@{REMOTE}"], message()).code, 250)
        sink.wait_for_mail(20)

    def test_sni_chooses_the_certificate(self):
        folder = temp_folder()
        paths = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        run_ok(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=other.example",
                "-keyout", paths[1], "-out", paths[0]])
        os.chmod(paths[1], 0o644)
        server = self.server({"tls": {"sni": {"other.example": {"certificate": paths[0], "key": paths[1]}}}})
        shown = {}
        for name in ("other.example", ringpost.HOSTNAME):
            with server.talk() as client:
                client.hello()
                client.ask("STARTTLS", "220")
                client.socket = trusting_context().wrap_socket(client.socket, server_hostname=name)
                shown[name] = client.socket.getpeercert(binary_form=True)
        self.assertEqual(shown["other.example"], ssl.PEM_cert_to_DER_cert(open(paths[0]).read()))
        self.assertNotEqual(shown["other.example"], shown[ringpost.HOSTNAME])


class Start(SystemTest):
    def refuses(self, config, pattern, **options):
        server = ringpost.Server(config, start=False, **options)
        server.start(ready=False)
        self.assertEqual(server.program.wait(), 1, server.output())
        self.assertRegex(server.output(), pattern)
        server.check_output()
        server.program = None

    def test_a_port_that_is_taken_is_named(self):
        other = self.closing(Sink())
        self.refuses({"listener": {"mx": {"address": [f"127.0.0.1:{other.port}"]}}}, rf"127\.0\.0\.1:{other.port}.*(?s:.)*another program")

    def test_root_is_refused_as_the_servers_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root could be it")
        self.refuses({"server": {"user": "root"}}, "root", as_root=True)

    def test_a_user_that_does_not_exist_is_named(self):
        if os.geteuid() != 0:
            self.skipTest("only root changes its user")
        self.refuses({"server": {"user": "no-such-user"}}, "no-such-user", as_root=True)

    def test_a_second_server_on_the_same_spool_is_refused(self):
        server = self.server()
        self.refuses({"spool": {"directory": os.path.join(server.folder, "spool")}}, "spool")
        server.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message())
        server.wait_for_mailbox(f"anna@{LOCAL}")

    def test_the_first_line_says_backend_features_and_kernel(self):
        for backend in ("uring", "epoll"):
            with self.subTest(backend=backend):
                server = self.server(backend=backend)
                ready = [str(e) for e in server.events("notice") if "ready" in str(e)]
                self.assertRegex(ready[0], rf"{backend}.*kernel {re.escape(os.uname().release.split('-')[0])}")

    def test_the_log_can_be_read_by_people_too(self):
        folder = temp_folder()
        server = ringpost.Server({"log": {"people": {"to": f"file:{folder}/mail.log", "format": "maillog"}}}, start=False)
        server.own(folder)
        self.addCleanup(server.end)
        server.start()
        identity = server.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message())
        server.wait_for_event("delivered")
        wait_until(lambda: "delivered" in open(f"{folder}/mail.log").read(), "the line")
        text = open(f"{folder}/mail.log").read()
        self.assertRegex(text, rf"{identity}: received .*from=<a@{REMOTE}>")
        self.assertRegex(text, rf"{identity}: delivered .*to=<anna@{LOCAL}>")

    def test_a_rotated_log_is_opened_anew(self):
        server = self.server()
        os.rename(server.log_path, server.log_path + ".1")
        identity = server.send(f"a@{REMOTE}", [f"anna@{LOCAL}"], message())
        server.wait_for_event("received", queue_id=identity)


if __name__ == "__main__":
    ringpost.main()
