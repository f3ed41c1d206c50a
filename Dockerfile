# The shop in an image: code and libraries that nobody can change, run by nobody in particular. Build: docker build --tag bodega .
# All that is yours lies in the volume /srv/bodega/instance; the rest of the file system may be read-only (compose.yaml makes it so).
# tests/deploy runs these very commands outside of an image.

FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/bodega
RUN python -m venv --without-pip .venv
COPY requirements.txt requirements-server.txt ./
RUN python -m pip --python .venv/bin/python install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements.txt -r requirements-server.txt
COPY config.py config_amazon.py config_observe.py config_outside.py environment.py wsgi.py ./
COPY migrations migrations
COPY deploy deploy
COPY shop shop
RUN .venv/bin/pybabel --quiet compile --directory shop/translations \
 && .venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .venv/lib ./*.py shop migrations deploy \
 && mkdir instance

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 bodega && useradd --system --uid 10001 --gid bodega --no-create-home --shell /usr/sbin/nologin bodega
COPY --from=build /srv/bodega /srv/bodega
RUN chown 10001:10001 /srv/bodega/instance
WORKDIR /srv/bodega
ENV PATH=/srv/bodega/.venv/bin:$PATH \
    FLASK_APP=wsgi \
    MALLOC_ARENA_MAX=2 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SHOP_ENV=production \
    SHOP_INSTANCE=/srv/bodega/instance
USER 10001:10001
VOLUME ["/srv/bodega/instance"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 CMD ["python", "deploy/healthy.py", "127.0.0.1:8000"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "wsgi:app"]
