#!/usr/bin/env bash
# Find what the checks need beyond Python: Chromium, nginx, PostgreSQL, Redis, RabbitMQ, Java, Node.js, Prometheus, systemd and logrotate. What a Debian machine lacks is
# installed when we are root; otherwise this says what to install, and fails. Nothing is skipped in silence.
set -euo pipefail

has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
has_postgres() { has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
has_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || has uv; }
has_brotli() { [ -e /usr/lib/nginx/modules/ngx_http_brotli_static_module.so ]; }

# RabbitMQ is one server for all tests (each has a queue of its own): the one that runs here, one that is started now, or TEST_RABBITMQ_URL.
start_rabbitmq() {
    if [ -n "${TEST_RABBITMQ_URL:-}" ] || (: </dev/tcp/127.0.0.1/5672) 2>/dev/null; then return; fi
    if [ "$(id -u)" != 0 ]; then
        echo "RabbitMQ does not listen on 127.0.0.1:5672. Start it, for example: sudo service rabbitmq-server start; or set TEST_RABBITMQ_URL" >&2
        exit 1
    fi
    /usr/sbin/rabbitmq-server -detached >/dev/null 2>&1
    for _ in $(seq 60); do
        if (: </dev/tcp/127.0.0.1/5672) 2>/dev/null; then return; fi
        sleep 1
    done
    echo "RabbitMQ was started and does not listen on 127.0.0.1:5672 after a minute; see /var/log/rabbitmq" >&2
    exit 1
}

missing=()
has chromium || missing+=(chromium)
has nginx || missing+=(nginx)
has_brotli || missing+=(libnginx-mod-http-brotli-static)
has_postgres || missing+=(postgresql)
has redis-server || missing+=(redis-server)
has rabbitmq-server || [ -n "${TEST_RABBITMQ_URL:-}" ] || missing+=(rabbitmq-server)
has java || missing+=(default-jre-headless)
has node || missing+=(nodejs)
has npm || missing+=(npm)
has promtool || missing+=(prometheus)
has systemd-analyze || missing+=(systemd)
has logrotate || missing+=(logrotate)
has setpriv || missing+=(util-linux)
has openssl || missing+=(openssl)
has_venv || missing+=(python3-venv)

if [ ${#missing[@]} -eq 0 ]; then
    start_rabbitmq
    exit 0
fi
if ! has apt-get || [ "$(id -u)" != 0 ]; then
    echo "The checks need programs that this machine lacks: ${missing[*]} (names of Debian packages)." >&2
    echo "Install them, for example: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing for the checks: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
start_rabbitmq
