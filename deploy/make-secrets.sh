#!/bin/sh
# Write the secrets that docker-compose.yml hands to the containers.
#   deploy/make-secrets.sh            into deploy/secrets, and name that folder in .env
#   deploy/make-secrets.sh FOLDER     into FOLDER; set DONDOC_SECRETS to it yourself
# A password that is there is kept. To change one, remove its file, run this again, and
# `docker-compose up --detach --force-recreate` (all but postgres_password, which only a new volume takes).
set -eu
umask 077

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/deploy/secrets}
mkdir -p "$folder"
# The folder is for its owner alone. The files in it are readable, since the containers that each of them is mounted
# into run as users of their own, and Compose mounts a file as it is.
chmod 700 "$folder"

# Write the standard input to a file, whole or not at all.
put() {
    cat >"$folder/.$1.new"
    chmod 644 "$folder/.$1.new"
    mv -f "$folder/.$1.new" "$folder/$1"
}

# Print the password kept under a name, made on the first call.
password() {
    if [ ! -s "$folder/$1" ]; then
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | put "$1"
    fi
    cat "$folder/$1"
}

password api_key >/dev/null
password grafana_password >/dev/null
printf 'authorization {\n  user: dondoc\n  password: "%s"\n  timeout: 5\n}\n' "$(password nats_password)" |
    put nats_login.conf
printf 'nats://dondoc:%s@nats:4222' "$(password nats_password)" | put nats_url
printf 'postgresql://postgres:%s@postgres:5432/postgres' "$(password postgres_password)" | put admin_database_url
for service in intake deadline complaints notify console; do
    printf 'postgresql://dondoc_%s:%s@postgres:5432/dondoc' "$service" "$(password "${service}_password")" |
        put "${service}_database_url"
done
# The mail relay's password is the operator's to write; empty means no login.
if [ ! -e "$folder/smtp_password" ]; then
    printf '' | put smtp_password
fi

if [ $# -eq 0 ] && ! grep -qs '^DONDOC_SECRETS=' "$root/.env"; then
    printf '# Where docker-compose.yml finds the secrets.\nDONDOC_SECRETS=./deploy/secrets\n' >>"$root/.env"
fi
