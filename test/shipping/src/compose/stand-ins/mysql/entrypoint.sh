#!/bin/bash
# What compose.yaml uses of the image: arguments are the server's, MYSQL_ROOT_PASSWORD, and *.sql files that an empty server is given before it listens.
set -eu
[ "${1:0:1}" = - ] && set -- mysqld "$@"

if [ ! -d /var/lib/mysql/mysql ]; then
  "$@" --initialize-insecure
  "$@" --skip-networking &
  until mysqladmin --user=root --silent ping; do kill -0 $!; sleep 0.1; done
  {
    echo "SET sql_log_bin = OFF; CREATE USER root@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    echo "ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD'; SET sql_log_bin = ON;"
    cat /docker-entrypoint-initdb.d/*.sql
  } | mysql --user=root
  mysqladmin --user=root --password="$MYSQL_ROOT_PASSWORD" shutdown
  wait
fi
exec "$@"
