#!/bin/sh
# Prints a Python that can make the virtual environment, or says what is missing and how to get it. Called by make.
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    python=
done
[ -n "$python" ] || fail "Python 3.11 or newer is needed (${PYTHON:-python3} is not one; set PYTHON to choose)." \
    "  Debian, Ubuntu: sudo apt install python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python cannot make virtual environments." \
    "  Debian, Ubuntu: sudo apt install python3-venv"
command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 18 or newer with npm is needed." \
    "  Debian, Ubuntu: sudo apt install nodejs npm"
node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || fail "Node.js 18 or newer is needed, found $(node --version)."
echo "$python"
