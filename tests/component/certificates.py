"""Certificates for tests: an authority of its own, and what it signs for 127.0.0.1."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BEGAN = datetime.now(UTC) - timedelta(days=400)
ADDRESS = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@dataclass(frozen=True)
class Authority:
    """Who signs. file: its certificate, for those who trust it."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    file: Path


@dataclass(frozen=True)
class Signed:
    """A server's certificate and key, and the certificate of the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path


def authority(folder: Path) -> Authority:
    folder.mkdir(exist_ok=True)
    key, name = ec.generate_private_key(ec.SECP256R1()), named("test authority")
    made = begun(name, name, key.public_key(), ends=datetime.now(UTC) + timedelta(days=400))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Authority(key, name, written(folder / "authority.pem", made.sign(key, hashes.SHA256())))


def signed(folder: Path, *, ends: datetime) -> Signed:
    """Make a certificate for a server on 127.0.0.1."""
    by, key = authority(folder), ec.generate_private_key(ec.SECP256R1())
    made = begun(by.name, named("127.0.0.1"), key.public_key(), ends=ends)
    made = made.add_extension(x509.SubjectAlternativeName([ADDRESS]), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    certificate = written(folder / "server.pem", made.sign(by.key, hashes.SHA256()))
    return Signed(certificate, folder / "server.key", by.file)


def begun(by: x509.Name, of: x509.Name, key: ec.EllipticCurvePublicKey, *, ends: datetime) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().issuer_name(by).subject_name(of).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(BEGAN).not_valid_after(ends)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def written(file: Path, certificate: x509.Certificate) -> Path:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file
