#!/usr/bin/env bash
# Installs code-server (the workbench of VS Code 1.100, served to a browser) for the end-to-end tests.
# Everything comes from npm; its few native parts are built here, so a C++ compiler is needed. About a minute, 800 MB.
# usage: scripts/code-server.sh [DIR]      default: $DISTILL_LAB_CODE_SERVER, else ~/.cache/distill-lab/code-server
set -euo pipefail
version=4.100.3
dir=${1:-${DISTILL_LAB_CODE_SERVER:-$HOME/.cache/distill-lab/code-server}}
entry=$dir/node_modules/code-server/out/node/entry.js
done_mark=$dir/.ready-$version

if [ -f "$done_mark" ] && [ -f "$entry" ]; then
  echo "code-server $version is already in $dir"
  exit 0
fi
node_major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$node_major" != 20 ]; then
  echo "code-server $version needs Node 20 (this is $(node --version))" >&2
  exit 1
fi
mkdir -p "$dir"
cd "$dir"
[ -f package.json ] || echo '{ "private": true }' > package.json
quiet=(--ignore-scripts --no-audit --no-fund --loglevel=error)
npm install "${quiet[@]}" "code-server@$version"

# The workbench keeps its own package folders, and looks for them under the name they have in the desktop product.
cd node_modules/code-server/lib/vscode
npm install --omit=dev "${quiet[@]}"
npm rebuild @vscode/spdlog native-watchdog @parcel/watcher
ln -sfn node_modules node_modules.asar
cd extensions
npm install --omit=dev "${quiet[@]}"
ln -sfn node_modules node_modules.asar

cd "$dir"
npm rebuild argon2
touch "$done_mark"
echo "code-server $version is ready in $dir"
