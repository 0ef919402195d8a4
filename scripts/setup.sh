#!/usr/bin/env bash
# Installs what building and testing Cameo needs: Debian packages, and a Python environment in .venv.
#
#   scripts/setup.sh [--zoo]      --zoo adds PyTorch, for exporting the model zoo, and a browser for pages
#
# Only what is missing is installed; packages need root or sudo. A second run takes a moment.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ cmake ninja-build llvm-19 llvm-19-dev liblld-19-dev lld-19 clang-19 libzstd-dev zlib1g-dev
  libprotobuf-dev protobuf-compiler libcli11-dev libfmt-dev nlohmann-json3-dev
  libgtest-dev clang-format-19 clang-tidy-19
  # To run code made for other architectures.
  qemu-user libc6-dev-arm64-cross libc6-dev-armhf-cross libc6-dev-riscv64-cross
  python3-venv
)

zoo=false
for argument in "$@"; do
  case $argument in
  --zoo) zoo=true ;;
  *)
    echo "usage: scripts/setup.sh [--zoo]" >&2
    exit 2
    ;;
  esac
done

# For WebAssembly; whoever has Node.js from elsewhere keeps it.
command -v node >/dev/null || packages+=(nodejs)
if $zoo; then
  packages+=(chromium)
  command -v npm >/dev/null || packages+=(npm)
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "these packages are missing, and there is neither root nor sudo: ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# install_python NAME FILE PIP-ARGUMENTS...: runs pip unless it has run with this very file.
install_python() {
  local name=$1 file=$2
  shift 2
  local stamp=.venv/$name.stamp
  if ! cmp -s "$file" "$stamp"; then
    echo "installing Python packages: $name"
    .venv/bin/pip install -q --disable-pip-version-check -r "$file"
    [ $# -eq 0 ] || .venv/bin/pip install -q --disable-pip-version-check "$@"
    cp "$file" "$stamp"
  fi
}

[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
install_python tests tests/onnx/requirements.txt
if $zoo; then
  # torchvision is installed without dependencies: it would ask for a PyTorch built for GPUs.
  install_python zoo bench/zoo/requirements.txt --no-deps torchvision==0.28.0
  stamp=build/npm/installed.json
  if ! cmp -s tests/web/package.json $stamp; then
    echo "installing npm packages"
    mkdir -p build/npm
    cp tests/web/package.json build/npm
    npm install --prefix build/npm --silent --no-audit --no-fund --ignore-scripts
    cp tests/web/package.json $stamp
  fi
fi
