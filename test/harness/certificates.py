"""Certificates for tests, made by the openssl command: a CA and what it signs."""
import os
import ssl
import subprocess


def openssl(*arguments, text=None):
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Authority:
    """A CA in `folder`; ca.pem is its certificate."""

    def __init__(self, folder, name="ca"):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.certificate, self.key = folder, os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out",
                self.certificate, "-days", "9", "-subj", f"/CN={name}")

    def issue(self, name, days=5, rsa=False, names="DNS:localhost,IP:127.0.0.1"):
        """Paths of NAME.pem and NAME.key, with CN=NAME."""
        certificate, key = (os.path.join(self.folder, f"{name}.{end}") for end in ("pem", "key"))
        algorithm = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        request = openssl("req", "-newkey", *algorithm, "-nodes", "-keyout", key, "-subj", f"/CN={name}")
        extensions = os.path.join(self.folder, f"{name}.ext")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-days", str(days), "-extfile", extensions, "-out", certificate,
                text=request)
        os.chmod(key, 0o600)
        return certificate, key

    def context(self, *identity):
        """A client that trusts this CA; identity: its own certificate and key."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["http/1.1"])
        if identity:
            context.load_cert_chain(*identity)
        return context
