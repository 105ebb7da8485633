"""Images without a registry: made of files here, or taken from a container engine."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import subprocess
import tarfile
from collections.abc import Mapping, Sequence

from tests.cluster.layout import ClusterError, Layout

PAUSE = "registry.k8s.io/pause:3.10"
"""The name that containerd asks for; the image is ours."""


def make_archive(name: str, files: Mapping[str, bytes], command: Sequence[str], target: pathlib.Path) -> None:
    """Writes an image of one layer as `ctr images import` and `podman load` read it.

    Args:
      name: of the image, with its tag.
      files: what it holds, by path; all of them can be executed.
      command: its entry point.
      target: the archive to write.
    """
    layer = _pack(files, 0o755)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(command)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    config_bytes = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(config_bytes).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    contents = {config_name: config_bytes, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    target.write_bytes(_pack(contents, 0o644))


def import_archive(layout: Layout, archive: pathlib.Path) -> None:
    """Takes the images of an archive into the cluster.

    Raises:
      ClusterError: containerd refuses it.
    """
    with archive.open("rb") as stream:
        ended = subprocess.run(
            import_command(layout), stdin=stream, capture_output=True, text=True, check=False
        )
    if ended.returncode:
        raise ClusterError(f"{archive} must be an archive of images, got: {ended.stderr.strip()}")


def import_built(layout: Layout, tag_file: pathlib.Path, name: str) -> None:
    """Takes the image that was built last into the cluster, under a name of the manifests.

    An image that is there already is not imported again; those of other commits go.

    Raises:
      ClusterError: none was built, or it cannot be imported.
    """
    if not tag_file.exists():
        raise ClusterError("an image must have been built, got none; run `make image`")
    tag = f"localhost/{tag_file.read_text().strip()}"
    ctr = ["ctr", "--address", str(layout.containerd_socket), "--namespace", "k8s.io", "images"]
    listed = subprocess.run([*ctr, "list", "--quiet"], capture_output=True, text=True, check=True)
    tags = listed.stdout.split()
    if tag not in tags:
        with subprocess.Popen(["podman", "save", tag], stdout=subprocess.PIPE) as saving:
            imported = subprocess.run(import_command(layout), stdin=saving.stdout, check=False)
        if saving.returncode or imported.returncode:
            raise ClusterError(f"{tag} must come from podman's store; see above")
    subprocess.run([*ctr, "tag", "--force", tag, name], check=True, capture_output=True)
    stale = [other for other in tags if other.startswith(tag.rpartition(":")[0] + ":") and other != tag]
    if stale:
        subprocess.run([*ctr, "remove", *stale], check=True, capture_output=True)


def import_command(layout: Layout) -> list[str]:
    """Reads an archive from standard input."""
    return [
        "ctr",
        "--address",
        str(layout.containerd_socket),
        "--namespace",
        "k8s.io",
        "images",
        "import",
        "-",
    ]


def _pack(files: Mapping[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
