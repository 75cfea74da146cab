"""`make sbom`: what the function is made of, as CycloneDX has it: target/sbom/ARCHITECTURE.cdx.json.

Exists because who runs the function must be able to tell whether the next known vulnerability is in it. It goes by
`cargo tree`, not by `cargo metadata` as the ready-made tools do: that one adds what only the tests switch on, some
forty crates. What is linked into the function has the scope `required`; what only runs while it is built, `excluded`.
Of the same commit it is the same, byte for byte, so it has no date.
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
    """What was made isn't a bill of the function's materials."""


@dataclass(frozen=True)
class Crate:
    name: str
    version: str
    licence: str
    repository: str


Graph = dict[Crate, set[Crate]]


def graph(target: str, edges: str) -> Graph:
    """Each crate and what it depends on. The first is the function's own."""
    command = ["cargo", "tree", "--locked", "--target", target, "--edges", edges, "--prefix", "depth"]
    done = subprocess.run([*command, "--format", "|{p}|{l}|{r}"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SbomError(f"cargo tree:\n{done.stderr}")
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
    """As JSON, without what would differ the next time; its serial number is that of its content."""
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"], document["serialNumber"]
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, content).urn
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def allowed() -> set[str]:
    """What cargo-deny lets into the function, which finds out by itself what is in it."""
    names: list[str] = tomllib.loads((ROOT / "deny-function.toml").read_text(encoding="utf-8"))["bans"]["allow"]
    return set(names)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    for architecture, target in TARGETS.items():
        bom = bill(target)
        text = written(bom)
        if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
            raise SbomError(f"it isn't CycloneDX 1.6: {fault}")
        if str(ROOT) in text:
            raise SbomError(f"it names the folder that it was made in, {ROOT}")
        file = FOLDER / f"{architecture}.cdx.json"
        file.write_text(text, encoding="utf-8")
        in_it = [c for c in bom.components if c.scope is ComponentScope.REQUIRED]
        building = len(bom.components) - len(in_it)
        print(f"sbom: {file.relative_to(ROOT)}: {len(in_it)} crates in the function, {building} that build it")
        names |= {c.name for c in [bom.metadata.component, *bom.components] if c}
    if gone := sorted(allowed() - names):
        raise SbomError(f"deny-function.toml allows what the function no longer has, take it out: {', '.join(gone)}")
    if new := sorted(names - allowed()):
        raise SbomError(f"deny-function.toml doesn't allow, and make deny says why: {', '.join(new)}")


if __name__ == "__main__":
    try:
        main()
    except SbomError as error:
        sys.exit(f"error: {error}")
