#!/bin/sh
# test.sh: installs what package.json names into the build folder, then runs test_eep.js.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
modules=${BUILD:-build}/hosts/node
if ! cmp -s "$here/package.json" "$modules/package.json"; then
    mkdir -p "$modules"
    npm install --prefix "$modules" --no-save --no-package-lock --no-audit --no-fund --silent \
        "koffi@$(node -p "require('$here/package.json').dependencies.koffi")"
    cp "$here/package.json" "$modules/package.json"
fi
NODE_PATH=$(cd "$modules" && pwd)/node_modules exec node "$here/test_eep.js"
