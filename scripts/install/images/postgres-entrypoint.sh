# First start: makes the cluster, then the database, with the server reachable by its socket alone.
set -e
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ "${POSTGRES_HOST_AUTH_METHOD-}" = trust ] || [ -n "${POSTGRES_PASSWORD-}" ] || { echo "POSTGRES_PASSWORD is not set" >&2; exit 1; }
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  umask 077
  printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >/tmp/password
  initdb --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host="$method" >/dev/null
  rm /tmp/password
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    pg_ctl -w start -o "-c listen_addresses=" >/dev/null
    createdb --username="$user" --maintenance-db=postgres "$database"
    pg_ctl -w stop >/dev/null
  fi
fi
if [ "$1" = postgres ] && [ "$#" = 1 ]; then set -- postgres -c "listen_addresses=*"; fi
exec "$@"
