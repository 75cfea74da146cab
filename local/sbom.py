"""`make sbom`: writes the function's bill of materials, target/sbom/ARCHITECTURE.cdx.json (CycloneDX 1.6).

Run it to know whether a vulnerability concerns the function. A crate in the function has the scope `required`; a
crate that only its build needs has `excluded`. Published tools would add some forty crates that only the tests need.
"""

import json
import subprocess

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from processes import ROOT, LocalError, exit_with, tomllib

FOLDER = ROOT / "target" / "sbom"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}


def tree(target: str, edges: str) -> list[tuple[int, str, str, str]]:
    """The lines of `cargo tree`: depth, name and version, licence, repository. The first line is the function."""
    command = ["cargo", "tree", "--locked", "--target", target, "--edges", edges, "--prefix", "depth"]
    done = subprocess.run([*command, "--format", "|{p}|{l}|{r}"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalError(f"cargo tree failed:\n{done.stderr}")
    lines = [line.removesuffix(" (*)").split("|") for line in done.stdout.splitlines()]
    # in the function's own line, cargo also prints this folder's path
    return [(int(depth), " ".join(package.split()[:2]), licence, link) for depth, package, licence, link in lines]


def bill(target: str) -> Bom:
    linked = {crate for _, crate, _, _ in tree(target, "normal,no-proc-macro")}
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    checksums = {f"{package['name']} v{package['version']}": package.get("checksum") for package in locked}
    components: dict[str, Component] = {}
    needs: dict[str, set[str]] = {}
    above: list[str] = []
    for depth, crate, licence, repository in tree(target, "normal,build"):
        if crate not in components:
            scope = ComponentScope.REQUIRED if crate in linked else ComponentScope.EXCLUDED
            components[crate] = component(crate, scope, licence, repository, checksums[crate])
            needs[crate] = set()
        above[depth:] = [crate]
        if depth > 0:
            needs[above[depth - 1]].add(crate)
    own, *others = components.values()
    own.type = ComponentType.APPLICATION
    bom = Bom(components=others)
    bom.metadata.component = own
    for crate, its in needs.items():
        bom.register_dependency(components[crate], [components[need] for need in its])
    return bom


def component(crate: str, scope: ComponentScope, licence: str, repository: str, checksum: str | None) -> Component:
    name, version = crate.split(" v")
    purl = PackageURL("cargo", name=name, version=version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        scope=scope,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[LicenseExpression(licence.replace("/", " OR "))],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(repository))] if repository else [],
    )


def written(bom: Bom) -> str:
    """The JSON without date and serial number, because one commit must give the same bytes."""
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"], document["serialNumber"]
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if str(ROOT) in text:
        raise LocalError(f"the bill of materials has a path of this machine, {ROOT}. Correct local/sbom.py")
    return text


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    unused = set(tomllib.loads((ROOT / "deny-function.toml").read_text(encoding="utf-8"))["bans"]["allow"])
    for architecture, target in TARGETS.items():
        bom = bill(target)
        file = FOLDER / f"{architecture}.cdx.json"
        file.write_text(written(bom), encoding="utf-8")
        linked = [c for c in bom.components if c.scope is ComponentScope.REQUIRED]
        building = len(bom.components) - len(linked)
        print(f"sbom: {file.relative_to(ROOT)}: {len(linked)} crates in the function, {building} that build it")
        unused -= {c.name for c in [bom.metadata.component, *bom.components] if c}
    if unused:  # cargo-deny reports only crates that are not allowed
        raise LocalError(f"the function does not have {', '.join(sorted(unused))}. Correct deny-function.toml")
    return 0


if __name__ == "__main__":
    exit_with(main)
