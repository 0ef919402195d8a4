#!/usr/bin/env python3
"""Writes what a program that is linked statically has inside, as a CycloneDX list with the texts of the licences.

  scripts/sbom.py BUILD-FOLDER VERSION OUT.json      after a build with CAMEO_STATIC on Debian

The list is that of the build itself: the packages of the distribution whose archives the linker was given, and whose
headers the sources include. The C library is not inside.
"""
import json
import pathlib
import re
import subprocess
import sys

NOT_INSIDE = {"libc6-dev", "linux-libc-dev"}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked_files(build):
    """The archives on the linker's command line and the compiler's own, and every header of the system."""
    link = output("ninja", "-C", build, "-t", "commands", "bin/cameo").splitlines()[-1]
    compiler = re.search(r"(\S*/\S*c\+\+\S*) ", link).group(1)
    files = set(re.findall(r" (/\S+\.a)\b", link))
    for name in "libstdc++.a", "libgcc.a", "libgcc_eh.a":
        files.add(output(compiler, f"-print-file-name={name}").strip())
    files.update(re.findall(r"^ +(/usr/\S+)$", output("ninja", "-C", build, "-t", "deps"), re.MULTILINE))
    return {str(pathlib.Path(file).resolve()) for file in files}


def packages(files):
    """Names of the distribution's packages that the files are from."""
    found = subprocess.run(["dpkg", "-S", *sorted(files)], capture_output=True, text=True, check=False)
    if found.stderr:
        raise SystemExit(f"sbom.py: files that are from no package: {found.stderr.strip()}")
    return {line.split(":")[0] for line in found.stdout.splitlines()} - NOT_INSIDE


def component(package):
    fields = output("dpkg-query", "-W", "-f", "${Version}|${source:Package}|${Architecture}|${Homepage}", package)
    version, source, architecture, homepage = fields.split("|")
    upstream = re.sub(r"^\d+:|([.+](ds|dfsg)\d*)?-[^-]*$", "", version)
    text = pathlib.Path("/usr/share/doc", package, "copyright").read_text(encoding="utf-8")
    return {
        "type": "library",
        "bom-ref": package,
        "name": package,
        "version": upstream,
        "purl": f"pkg:deb/debian/{package}@{version}?arch={architecture}&upstream={source}",
        "licenses": [{"license": {"name": f"licences of {source}", "text": {"content": text}}}],
        "externalReferences": [{"type": "website", "url": homepage}] if homepage else [],
    }


def document(names, version):
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "cameo",
                "name": "cameo",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [component(name) for name in sorted(names)],
        "dependencies": [{"ref": "cameo", "dependsOn": sorted(names)}],
    }


def main():
    build, version, out = sys.argv[1:]
    text = json.dumps(document(packages(linked_files(build)), version), indent=1)
    pathlib.Path(out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
