#!/usr/bin/env bash
# Run a command with TEST_DATABASE_URL naming a real PostgreSQL:
#   tests/machine/with_postgres.sh pytest tests
# An address that is set already is used as it is. Otherwise a throw-away server is started on a free port of the loopback
# interface and removed afterwards; it never syncs to disk, since nothing in it is worth keeping.
set -euo pipefail
if [ -n "${TEST_DATABASE_URL:-}" ]; then exec "$@"; fi

initdb="$(command -v initdb || ls -1 /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1 || true)"
if [ -z "$initdb" ]; then
    echo "PostgreSQL is missing. On Debian: apt-get install postgresql; or set TEST_DATABASE_URL=postgresql://user@host/database" >&2
    exit 1
fi
programs="$(dirname "$initdb")"
folder="$(mktemp -d /tmp/bodega-postgres-XXXXXX)"
as_owner=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    chown postgres "$folder"
    as_owner=(runuser -u postgres --)
fi
stop() {
    (cd / && "${as_owner[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop) >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT

port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
(
    cd /
    "${as_owner[@]}" "$initdb" --pgdata "$folder/data" --username shop --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync >"$folder/initdb.log"
    "${as_owner[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --log "$folder/server.log" --silent --wait start \
        --options "-c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
) || { cat "$folder"/*.log >&2; exit 1; }
export TEST_DATABASE_URL="postgresql+psycopg://shop@127.0.0.1:$port/postgres"
"$@"
