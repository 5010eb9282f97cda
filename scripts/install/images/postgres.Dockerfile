# Debian's PostgreSQL; the entrypoint makes the database that POSTGRES_USER and POSTGRES_DB name, as the usual image does.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql postgresql-client && rm -rf /var/lib/apt/lists/* \
    && rm -rf /var/lib/postgresql/15 && mkdir -p /var/lib/postgresql/data && chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
COPY postgres-entrypoint.sh /docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
LABEL org.slipyard.contains="PostgreSQL 15 of Debian 12, whatever the tag says"
USER postgres
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "/docker-entrypoint.sh"]
CMD ["postgres"]
