#!/usr/bin/env bash
# Open the shop's new code while it sells, losing no request:   deploy/reload.sh [/run/bodega-master/gunicorn.pid] [seconds]
#
# HUP would not do: workers are forked from a master that has loaded the code once (preload_app). So a second master is opened
# beside the first (USR2), on the same socket. Only when it has loaded everything and its workers run, the first is told to let
# its workers finish what they have in hand and to end (TERM). If the new code does not open, the old one goes on, and this fails.
set -euo pipefail
pidfile="${1:-/run/bodega-master/gunicorn.pid}"
patience_s="${2:-60}"

children_of() { cat /proc/"$1"/task/*/children 2>/dev/null || true; }
opening() { # the second master: gunicorn tells it who its first is
    for child in $(children_of "$old"); do
        if grep -qzx "GUNICORN_PID=$old" "/proc/$child/environ" 2>/dev/null; then echo "$child"; fi
    done
}
fail() {
    echo "The shop's new code was not opened; the old one goes on: $1" >&2
    exit 1
}
leads_alone() { [ "$(cat "$pidfile" 2>/dev/null)" = "$new" ]; }

[ -s "$pidfile" ] || fail "there is no $pidfile; is the shop open?"
exec 9<"$(dirname "$pidfile")"
flock --nonblock 9 || fail "another reload goes on"
old="$(cat "$pidfile")"
[ -z "$(opening)" ] || fail "a second master is there already, number $(opening)"

kill -USR2 "$old" || fail "nobody has the number $old that stands in $pidfile"
new=""
until=$((SECONDS + patience_s))
while [ -z "$new" ] || [ ! -s "$pidfile.2" ] || [ -z "$(children_of "$new")" ]; do
    now="$(opening)"
    [ -z "$new" ] || [ -n "$now" ] || fail "it ended while it was opened; the log says why"
    new="$now"
    if [ "$SECONDS" -ge "$until" ]; then
        [ -z "$new" ] || kill -TERM "$new"
        fail "it had no workers after $patience_s s; the log says why"
    fi
    sleep 0.1
done
kill -TERM "$old"
until=$((SECONDS + patience_s))
until leads_alone; do # the new master names itself there when the first has ended
    if [ "$SECONDS" -ge "$until" ]; then
        echo "The new code serves; but the first master, number $old, still finishes something." >&2
        exit 0
    fi
    sleep 0.1
done
