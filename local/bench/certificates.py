"""Creates the emulators' certificates. Other modules import this file.

TLS takes half of a cold start, so the certificates are like those of AWS: leaf, intermediate and root with RSA 2048 and
AWS's names. The function trusts only this root. Python also parses botocore's bundle, as it does on Lambda.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import botocore
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (x509.KeyUsage(True, False, False, False, False, True, True, False, False), True),
)
SERVER = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
)


@dataclass
class Certificates:
    chain: Path  # leaf and intermediate
    key: Path
    root: Path  # for SSL_CERT_FILE
    bundle: Path  # for AWS_CA_BUNDLE


def make(folder: Path) -> Certificates:
    root, intermediate, leaf = "Amazon Root CA 1", "Amazon RSA 2048 M02", "localhost"
    keys = {name: generate_private_key(65537, 2048) for name in (root, intermediate, leaf)}

    def signed(subject: str, issuer: str, extensions: tuple[tuple[x509.ExtensionType, bool], ...]) -> bytes:
        return certificate(subject, keys[subject], issuer, keys[issuer], extensions).public_bytes(Encoding.PEM)

    made = Certificates(folder / "chain.pem", folder / "key.pem", folder / "root.pem", folder / "bundle.pem")
    made.chain.write_bytes(signed(leaf, intermediate, SERVER) + signed(intermediate, root, AUTHORITY))
    made.key.write_bytes(keys[leaf].private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    made.root.write_bytes(signed(root, root, AUTHORITY))
    made.bundle.write_bytes(Path(botocore.__file__).with_name("cacert.pem").read_bytes() + made.root.read_bytes())
    return made


def certificate(
    subject: str,
    key: RSAPrivateKey,
    issuer: str,
    issuer_key: RSAPrivateKey,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...],
) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" * 16, "big"))  # fixed, because the length changes the counts
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def named(common_name: str) -> x509.Name:
    parts = {NameOID.COUNTRY_NAME: "US", NameOID.ORGANIZATION_NAME: "Amazon", NameOID.COMMON_NAME: common_name}
    return x509.Name([x509.NameAttribute(part, value) for part, value in parts.items()])
