"""The certificate authority, certificates, tokens and kubeconfigs of a cluster that lives for days."""

from __future__ import annotations

import json
import pathlib
import secrets
import subprocess

from tests.cluster.layout import API_PORT, API_SERVICE_ADDRESS, NODE, NODE_ADDRESS, Layout

DAYS = "30"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
AUTHORITY_USE = "keyUsage=critical,keyCertSign,cRLSign"
EXTENSIONS = """subjectAltName={names}
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
authorityKeyIdentifier=keyid
"""
"""All that Python 3.13 asks of certificates."""
API_SERVER_NAMES = (
    "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,"
    f"IP:{API_SERVICE_ADDRESS},IP:{NODE_ADDRESS}"
)
USERS = {
    "admin": ("admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "node": (f"system:node:{NODE}", "system:nodes"),
}
"""User and group behind each kubeconfig."""


def make_certificates(layout: Layout) -> None:
    """Writes them all into layout.certificates."""
    folder = layout.certificates
    folder.mkdir(parents=True, mode=0o700)
    authority = ("-x509", *KEY, "-days", DAYS, "-subj", "/CN=test-cluster", "-addext", AUTHORITY_USE)
    _openssl(folder, "req", *authority, "-keyout", "ca.key", "-out", "ca.crt")
    _issue(folder, "apiserver", "/CN=kube-apiserver", API_SERVER_NAMES)
    _issue(folder, "kubelet-client", "/O=system:masters/CN=apiserver-kubelet-client", "DNS:apiserver")
    _openssl(folder, "genrsa", "-out", "service-accounts.key", "2048")
    _make_tokens(folder)


def _issue(folder: pathlib.Path, name: str, subject: str, alternative_names: str) -> None:
    extensions = folder / f"{name}.ext"
    extensions.write_text(EXTENSIONS.format(names=alternative_names))
    request = f"{name}.csr"
    _openssl(folder, "req", *KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", request)
    signer = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", DAYS)
    _openssl(
        folder, "x509", "-req", "-in", request, *signer, "-extfile", extensions.name, "-out", f"{name}.crt"
    )


def _make_tokens(folder: pathlib.Path) -> None:
    lines = []
    for name, (user, group) in USERS.items():
        token = secrets.token_hex(16)
        lines.append(f"{token},{user},{name}" + (f',"{group}"' if group else ""))
        (folder / f"{name}.kubeconfig").write_text(json.dumps(kubeconfig(folder / "ca.crt", token)))
    (folder / "tokens.csv").write_text("\n".join(lines) + "\n")


def kubeconfig(authority: pathlib.Path, token: str) -> dict[str, object]:
    """A kubeconfig for the holder of a token; JSON is YAML."""
    server = {"server": f"https://127.0.0.1:{API_PORT}", "certificate-authority": str(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "cluster",
        "clusters": [{"name": "cluster", "cluster": server}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
    }


def _openssl(folder: pathlib.Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
