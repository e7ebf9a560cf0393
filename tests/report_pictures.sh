#!/usr/bin/env bash
# Pictures of a page in headless Chromium: light, dark, at a phone's width, and as it is printed.
#   tests/report_pictures.sh PAGE.html FOLDER
set -euo pipefail

if [[ $# -ne 2 || ! -f $1 ]]; then
    echo "usage: $0 PAGE.html FOLDER" >&2
    exit 1
fi
for name in chromium chromium-browser google-chrome chrome; do
    chromium="$(command -v "$name")" && break
done
if [[ -z ${chromium:-} ]]; then
    echo "skipped: Chromium is not installed"
    exit 0
fi
mkdir -p "$2"
page="file://$(realpath "$1")"
folder="$(realpath "$2")"
profile="$(mktemp -d)"
trap 'rm -rf "$profile"' EXIT

# A browser without a screen falls over now and then: it is given three tries.
shoot() {
    for _ in 1 2 3; do
        try "$@" && return
    done
    cat "$profile/said" >&2
    exit 1
}

try() {
    "$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking \
        --user-data-dir="$profile" "$@" "$page" 2>"$profile/said"
}

shoot --window-size=1200,9000 --screenshot="$folder/light.png"
shoot --window-size=1200,9000 --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png"
shoot --window-size=500,14000 --screenshot="$folder/phone.png"
shoot --no-pdf-header-footer --print-to-pdf="$folder/print.pdf"
echo "light.png, dark.png, phone.png and print.pdf are in $folder"
