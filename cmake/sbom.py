#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what a released file is made of, as SPDX 2.3 JSON: python3 sbom.py NAME VERSION FILE DATE [LINK-COMMAND] > out.spdx.json

The parts are the shared libraries that FILE names (objdump), or the archives in the file with the command that linked it; each
with the Debian package that it comes from, and its version there. DATE is seconds since 1970. Python's standard library only.
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def shared_libraries(file):
    """Paths of the libraries that a program needs itself."""
    needed = re.findall(r"NEEDED +(\S+)", output("objdump", "-p", file))
    places = dict(re.findall(r"^\s+(\S+) \(libc6,[^)]*\) => (\S+)$", output("/sbin/ldconfig", "-p"), re.M))
    return [places[name] for name in needed if name in places]


def static_libraries(link_command):
    with open(link_command) as file:
        return sorted(set(re.findall(r"(/\S+\.a)\b", file.read())))


def package_of(path):
    for candidate in (path, os.path.realpath(path)):
        found = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
        if found.returncode != 0 and candidate.startswith("/lib/"):
            found = subprocess.run(["dpkg", "-S", "/usr" + candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    return None


def main():
    name, version, file, date = sys.argv[1:5]
    paths = static_libraries(sys.argv[5]) if len(sys.argv) > 5 else shared_libraries(file)
    packages = sorted({package for package in map(package_of, paths) if package})
    with open(file, "rb") as opened:
        digest = hashlib.sha256(opened.read()).hexdigest()
    own = {"SPDXID": "SPDXRef-libvit", "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
           "filesAnalyzed": False, "licenseConcluded": "BSD-2-Clause", "licenseDeclared": "BSD-2-Clause",
           "copyrightText": "Copyright (c) 2026, the libvit authors",
           "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}
    parts = []
    for package in packages:
        fields = output("dpkg-query", "-W", "-f", "${Version}\t${Architecture}", package).split("\t")
        parts.append({"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", package), "name": package,
                      "versionInfo": fields[0], "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                      "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
                      "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                        "referenceLocator": f"pkg:deb/debian/{package}@{fields[0]}?arch={fields[1]}"}]})
    link = "STATIC_LINK" if len(sys.argv) > 5 else "DYNAMIC_LINK"
    created = datetime.datetime.fromtimestamp(int(date), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    json.dump({"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
               "name": f"{name}-{version}",
               "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{version}-{digest}",
               "creationInfo": {"created": created, "creators": ["Tool: libvit-sbom"]},
               "packages": [own, *parts],
               "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                                  "relatedSpdxElement": "SPDXRef-libvit"}] +
                                [{"spdxElementId": "SPDXRef-libvit", "relationshipType": link,
                                  "relatedSpdxElement": part["SPDXID"]} for part in parts]}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
