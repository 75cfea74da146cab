"""Creates the emulators' certificates, and a bundle of roots as large as a system's. Nobody runs this file.

TLS is half of a cold start. The chain is that of AWS's endpoints: leaf, intermediate and root with RSA 2048. The function
has its roots compiled in, so it gets only the root that signs here. Python parses a bundle. This bundle has the same
size on every machine, unlike the systems' bundles.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ROOTS = 140  # about what Amazon Linux 2023 has
# Roots that sign nothing may share keys, because nobody verifies with them.
SHARED_KEYS = 8


@dataclass
class Certificates:
    chain: Path  # leaf and intermediate
    key: Path
    root: Path  # for SSL_CERT_FILE
    bundle: Path  # for AWS_CA_BUNDLE


def make(folder: Path) -> Certificates:
    root_key, intermediate_key, leaf_key = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    # a root of AWS's endpoints has this name, so the chain has the same length as theirs
    root_name = name("Amazon", "Amazon Root CA 1")
    intermediate_name = name("Amazon", "Amazon RSA 2048 M02")
    root = authority(root_name, root_key, root_name, root_key)
    intermediate = authority(intermediate_name, intermediate_key, root_name, root_key)
    leaf = server(leaf_key, intermediate_name, intermediate_key)
    certificates = Certificates(folder / "chain.pem", folder / "key.pem", folder / "root.pem", folder / "bundle.pem")
    certificates.chain.write_bytes(pem(leaf, intermediate))
    certificates.key.write_bytes(leaf_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    certificates.root.write_bytes(pem(root))
    certificates.bundle.write_bytes(pem(*other_roots(ROOTS - 1), root))
    return certificates


def other_roots(number: int) -> list[x509.Certificate]:
    keys: list[Key] = [rsa.generate_private_key(65537, 2048) for _ in range(SHARED_KEYS // 2)]
    keys += [ec.generate_private_key(ec.SECP384R1()) for _ in range(SHARED_KEYS // 2)]
    roots = []
    for index in range(number):
        subject = name(f"Certification Authority {index:03}", f"Root Certificate {index:03} G1")
        roots.append(authority(subject, keys[index % SHARED_KEYS], subject, keys[index % SHARED_KEYS]))
    return roots


def name(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def authority(subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key) -> x509.Certificate:
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = certificate(subject, key, issuer, issuer_key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(usage, critical=True).sign(issuer_key, hashes.SHA256())


def server(key: Key, issuer: x509.Name, issuer_key: Key) -> x509.Certificate:
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = certificate(name("Amazon", "localhost"), key, issuer, issuer_key)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def certificate(subject: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" * 16, "big"))  # one length for all, so that every bundle has the same size
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
