#!/usr/bin/env bash
# First start of a database server: the role that owns the one database in it, which may do nothing else.
set -euo pipefail
psql --username postgres --dbname postgres --quiet --no-psqlrc -v ON_ERROR_STOP=1 \
  -v name="$OWNER" -v password="$(cat /run/secrets/owner_password)" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
