#!/usr/bin/env python3
"""The checker must see what it is there to see."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class CheckLayers(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "docs/layers.md").write_text((HERE.parents[1] / "docs/layers.md").read_text())
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            done = subprocess.run([sys.executable, HERE / "check_layers.py", root], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_an_edge_down_the_table_is_seen(self):
        code, out = self.run_on({"src/smtp/a.cpp": '#include "ringpost/net/connection.hpp"\n'})
        self.assertEqual((code, out), (1, "src/smtp/a.cpp:1: smtp may not include net\n"))

    def test_a_library_outside_of_its_room_is_seen(self):
        code, out = self.run_on({"src/deliver/a.cpp": "#include <openssl/ssl.h>\n"})
        self.assertEqual(code, 1)
        self.assertIn("belongs to crypto tls, not deliver", out)

    def test_options_include_base_only(self):
        code, out = self.run_on({"include/ringpost/spool/options.hpp": '#include "ringpost/mail/reply.hpp"\n'})
        self.assertEqual(code, 1)
        self.assertIn("options.hpp includes base only", out)

    def test_an_unknown_module_is_seen(self):
        code, out = self.run_on({"src/util/a.cpp": "\n"})
        self.assertEqual(code, 1)
        self.assertIn("'util' is not in docs/layers.md", out)

    def test_an_allowed_edge_passes(self):
        self.assertEqual(self.run_on({"src/smtp/a.cpp": '#include "ringpost/mail/reply.hpp"\n'})[0], 0)


if __name__ == "__main__":
    unittest.main()
