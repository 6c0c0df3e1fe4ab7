"""The client's side of SCRAM-SHA-256 (RFC 5802, 7677), for libraries that take any mechanism."""

import base64
import hashlib
import hmac
import secrets


def _hmac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class Scram:
    """first(), then answer() to each challenge; `proven` once the server has shown that it knows the password too."""

    def __init__(self, user, password):
        self.user = user.replace("=", "=3D").replace(",", "=2C")
        self.password = password.encode()
        self.nonce = secrets.token_hex(12)
        self.bare = f"n={self.user},r={self.nonce}"
        self.server_key = self.auth_message = None
        self.proven = False

    def first(self):
        return f"n,,{self.bare}".encode()

    def answer(self, challenge):
        if not challenge:
            return self.first()
        text = challenge.decode()
        fields = dict(part.split("=", 1) for part in text.split(","))
        return self._finish(fields) if "v" in fields else self._prove(text, fields)

    def _prove(self, text, fields):
        assert fields["r"].startswith(self.nonce) and int(fields["i"]) >= 4096, text
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = _hmac(salted, b"Client Key")
        final = f"c=biws,r={fields['r']}"
        self.auth_message = f"{self.bare},{text},{final}".encode()
        self.server_key = _hmac(salted, b"Server Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), self.auth_message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def _finish(self, fields):
        self.proven = base64.b64decode(fields["v"]) == _hmac(self.server_key, self.auth_message)
        return b""
