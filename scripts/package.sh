#!/usr/bin/env bash
# Builds what people install, into dist/: the wheel cameoc, which serves every Python 3, a .deb, and the source archive.
#
#   scripts/package.sh
#
# After scripts/setup.sh. The program in wheel and .deb has its libraries inside and asks for the C library of the
# machine that it was built on or newer; a list of what is inside (SBOM) goes with it. The tools come from PyPI, into
# build-package/, where the program is built as well.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build-package

step() { printf '== %s (%d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

step "tools"
tools=$build/tools
[ -x "$tools/bin/python" ] || "${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" install -q --disable-pip-version-check -r scripts/package-requirements.txt

rm -rf dist
mkdir -p dist

step "source archive"
version=$(cat VERSION)
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git archive --prefix="cameo-$version/" -o "dist/cameo-$version.tar.gz" HEAD
else
  echo "no repository here, hence no source archive"
fi

step "program"
TARGET=cameo_manual scripts/build.sh "$build" -DCAMEO_STATIC=ON

step "wheel"
rm -rf "$build/wheel"
# In the folder that the program was just built in.
"$tools/bin/python" -m build --wheel --no-isolation --skip-dependency-check -o "$build/wheel" >"$build/wheel.log" ||
  { cat "$build/wheel.log" >&2 && exit 1; }
PATH=$tools/bin:$PATH "$tools/bin/auditwheel" repair -w dist "$build/wheel/"cameoc-*.whl

step "Debian package"
(cd "$build" && cpack -B "$build/deb" >"$build/deb.log") || { cat "$build/deb.log" >&2 && exit 1; }
cp "$build/deb/"*.deb dist/

step "npm package"
if command -v npm >/dev/null; then
  (cd dist && npm pack --silent ../runtime/js >/dev/null)
else
  echo "no npm here, hence no npm package"
fi

step "done"
ls -l dist
