"""Server side of SCRAM-SHA-512 (RFC 5802) over a stored salted password (KIP-84, KIP-554)."""
import base64
import hashlib
import hmac
import secrets


class Refused(Exception):
    """The client does not prove to know the password, or does not follow the protocol."""


def keyed(key, text):
    return hmac.new(key, text, hashlib.sha512).digest()


class Exchange:
    """One login: first(), then final(); user is set by first()."""

    def __init__(self, credentials):
        """credentials: user -> {"salt", "salted", "iterations"}"""
        self.credentials, self.user, self.step = credentials, None, self.first

    def answer(self, message):
        """(bytes to the client, whether the login is complete)"""
        return self.step(message.decode())

    def first(self, message):
        flag, authzid, bare = message.split(",", 2)
        if flag != "n" or authzid:
            raise Refused("channel binding and authorization ids are not offered")
        fields = dict(part.split("=", 1) for part in bare.split(","))
        self.user = fields["n"].replace("=2C", ",").replace("=3D", "=")
        if self.user not in self.credentials:
            raise Refused("unknown user")
        self.credential = self.credentials[self.user]
        self.nonce = fields["r"] + secrets.token_urlsafe(18)
        reply = f"r={self.nonce},s={base64.b64encode(self.credential['salt']).decode()},i={self.credential['iterations']}"
        self.signed = f"{bare},{reply}"
        self.step = self.final
        return reply.encode(), False

    def final(self, message):
        without_proof, proof = message.rsplit(",p=", 1)
        fields = dict(part.split("=", 1) for part in without_proof.split(","))
        if fields.get("c") != "biws" or fields.get("r") != self.nonce:
            raise Refused("the nonce or the channel binding is another one")
        text = f"{self.signed},{without_proof}".encode()
        client_key = keyed(self.credential["salted"], b"Client Key")
        signature = keyed(hashlib.sha512(client_key).digest(), text)
        expected = bytes(a ^ b for a, b in zip(client_key, signature))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            raise Refused("wrong password")
        self.step = None
        return b"v=" + base64.b64encode(keyed(keyed(self.credential["salted"], b"Server Key"), text)), True
