"""`make sbom`: writes the function's bill of materials, target/sbom/ARCHITECTURE.cdx.json (CycloneDX 1.6).

Run it to know whether a vulnerability concerns the function. It reads `cargo tree`. The published tools read `cargo
metadata`, which adds some forty crates that only the tests need. A crate in the function has the scope `required`, one
that only builds the function `excluded`. The file has no date, because one commit must give the same bytes.
"""

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target" / "sbom"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}


class SbomError(Exception):
    """The bill of materials is wrong."""


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    licence: str
    repository: str


Graph = dict[Crate, set[Crate]]


def graph(target: str, edges: str) -> Graph:
    """Each crate with its dependencies. The first crate is the function."""
    command = ["cargo", "tree", "--locked", "--target", target, "--edges", edges, "--prefix", "depth"]
    done = subprocess.run([*command, "--format", "|{p}|{l}|{r}"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SbomError(f"cargo tree failed:\n{done.stderr}")
    found: Graph = {}
    above: list[Crate] = []
    for line in done.stdout.splitlines():
        depth, package, licence, repository = line.removesuffix(" (*)").split("|")
        name, version = package.split()[:2]
        crate = Crate(name, version.removeprefix("v"), licence.replace("/", " OR "), repository)
        found.setdefault(crate, set())
        above[int(depth) :] = [crate]
        if len(above) > 1:
            found[above[-2]].add(crate)
    return found


def checksums() -> dict[tuple[str, str], str]:
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    return {(p["name"], p["version"]): p["checksum"] for p in packages if "checksum" in p}


def component(crate: Crate, scope: ComponentScope, checksum: str | None) -> Component:
    purl = PackageURL("cargo", name=crate.name, version=crate.version)
    link = ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(crate.repository)) if crate.repository else None
    return Component(
        type=ComponentType.LIBRARY,
        name=crate.name,
        version=crate.version,
        scope=scope,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[LicenseExpression(crate.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=[link] if link else [],
    )


def bill(target: str) -> Bom:
    everything = graph(target, "normal,build")
    linked = graph(target, "normal,no-proc-macro")
    known = checksums()
    own, *others = everything
    components = {own: component(own, ComponentScope.REQUIRED, None)}
    components[own].type = ComponentType.APPLICATION
    for crate in others:
        scope = ComponentScope.REQUIRED if crate in linked else ComponentScope.EXCLUDED
        components[crate] = component(crate, scope, known[crate.name, crate.version])
    bom = Bom(components=[components[crate] for crate in others])
    bom.metadata.component = components[own]
    for crate, needs in everything.items():
        bom.register_dependency(components[crate], [components[need] for need in needs])
    return bom


def written(bom: Bom) -> str:
    """The JSON without its date. The serial number is derived from the content."""
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"], document["serialNumber"]
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, content).urn
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def allowed() -> set[str]:
    """The crates that cargo-deny allows in the function. cargo-deny finds the function's crates in its own way."""
    names: list[str] = tomllib.loads((ROOT / "deny-function.toml").read_text(encoding="utf-8"))["bans"]["allow"]
    return set(names)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    for architecture, target in TARGETS.items():
        bom = bill(target)
        text = written(bom)
        if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            raise SbomError(f"the bill for {architecture} is not valid CycloneDX 1.6: {fault}")
        if str(ROOT) in text:
            raise SbomError(f"the bill for {architecture} names this machine's folder {ROOT}. Remove the path in local/sbom.py")
        file = FOLDER / f"{architecture}.cdx.json"
        file.write_text(text, encoding="utf-8")
        in_it = [c for c in bom.components if c.scope is ComponentScope.REQUIRED]
        building = len(bom.components) - len(in_it)
        print(f"sbom: {file.relative_to(ROOT)}: {len(in_it)} crates in the function, {building} that build it")
        names |= {c.name for c in [bom.metadata.component, *bom.components] if c}
    if gone := sorted(allowed() - names):
        raise SbomError(f"the function no longer has {', '.join(gone)}. Remove that from deny-function.toml")
    if new := sorted(names - allowed()):
        raise SbomError(f"deny-function.toml does not allow {', '.join(new)}. Run `make deny` to see why")


if __name__ == "__main__":
    try:
        main()
    except SbomError as error:
        sys.exit(f"error: {error}")
