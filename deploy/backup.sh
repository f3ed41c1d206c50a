#!/usr/bin/env bash
# Back the shop up into a folder and remove backups that are older than so many days:   deploy/backup.sh /var/backups/bodega 28
# An old one goes only after the new one was looked through: `flask shop verify` reads every byte of it.
set -euo pipefail
folder="$1"
days="$2"
cd "$(dirname "$0")/.."

file="$folder/shop-$(date -u +%Y%m%dT%H%M%SZ).backup"
.venv/bin/flask shop backup "$file"
.venv/bin/flask shop verify "$file"
find "$folder" -maxdepth 1 -name 'shop-*.backup' -mtime "+$days" -delete
