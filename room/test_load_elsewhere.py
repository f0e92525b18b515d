"""Shops that run elsewhere: an address in the place of a stack, over TLS whose authority is ours."""

import datetime
import ipaddress
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.model.errors import DeployError
from loadtests.conftest import free_port, wait_for_port
from loadtests.load.elsewhere import ShopElsewhere
from room import load, locust_page

TOKEN = "header:Authorization: Bearer abc"


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody knows, with its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "shop.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def shop(certificate):
    """A shop over TLS that costs next to nothing."""
    port = free_port()
    command = [sys.executable, "-m", "loadtests.tests.trivial_shop", str(port), "--certificate", str(certificate)]
    process = subprocess.Popen(command)
    wait_for_port(port)
    yield f"https://127.0.0.1:{port}"
    process.kill()
    process.wait()


def send(shop):
    settings = {"rate": 40, "mix": "ordering", "seconds": 2, "seed": 1, "methods": "pm_ok:1"}
    return load.send((), **settings, fail_if=["errors>0%"], elsewhere=[ShopElsewhere.of(shop, TOKEN)])


def test_a_shop_elsewhere_is_loaded_over_tls_and_what_was_not_seen_is_said(
    shop, certificate, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    send(shop)

    output = " ".join(capfd.readouterr().out.split())
    assert "0.00 % errors" in output
    assert " 0 orders confirmed" not in output
    assert "S7 kept" in output
    assert "Not seen: CPU and memory, and the books" in output


def test_a_certificate_that_nobody_vouches_for_is_refused(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("TWINSHOP_HOME", str(tmp_path))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    with pytest.raises(DeployError, match="certificate verify failed"):
        send(shop)


def test_locusts_page_begins_with_the_shop_elsewhere_and_its_tokens(shop, certificate, monkeypatch, capfd):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    commands = []
    monkeypatch.setattr(subprocess, "call", lambda command, **_: commands.append(command) or 0)

    assert locust_page.serve(ShopElsewhere.of(shop, TOKEN)) == 0

    assert commands[0][-4:] == ["--host", shop, "--tokens-from", TOKEN]
    assert shop in capfd.readouterr().out
