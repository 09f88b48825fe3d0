#!/bin/sh
# Write the secrets that docker-compose.yml hands to the containers.
#   deploy/make-secrets.sh            into deploy/secrets, and name that folder in .env
#   deploy/make-secrets.sh FOLDER     into FOLDER; set DONDOC_SECRETS to it yourself
# Before the folder, what they made is kept by later calls without them:
#   --source NAME   a login on NATS for a source, which may publish on feed.NAME.> alone; its address is written to
#                   source_NAME_nats_url. `docker-compose restart nats` lets it in
#   --close NAME    that login is refused from the next `docker-compose restart nats` on; --source NAME opens it again
#   --tls           NATS speaks TLS alone: an authority and a certificate of our own. To give that up, remove nats_*.pem
#   --host NAME     with --tls: the certificate is for this name or address of the machine too, for sources elsewhere
# A password that is there is kept. To change one, remove its file, run this again, and
# `docker-compose up --detach --force-recreate` (all but postgres_password, which only a new volume takes).
set -eu
umask 077

fail() {
    echo "make-secrets.sh: $1" >&2
    exit 2
}

root=$(cd "$(dirname "$0")/.." && pwd)
folder='' sources='' closed='' hosts='' tls=''
while [ $# -gt 0 ]; do
    case $1 in
    --tls) tls=yes ;;
    --source | --close | --host)
        [ $# -ge 2 ] || fail "$1 needs a name"
        case $2 in *[!A-Za-z0-9._:-]* | '') fail "no name: $2" ;; esac
        case $1 in
        --source) sources="$sources $2" ;;
        --close) closed="$closed $2" ;;
        *) hosts="$hosts $2" ;;
        esac
        shift
        ;;
    -*) fail "unknown option $1; the options stand at the head of this file" ;;
    *) folder=$1 ;;
    esac
    shift
done
for source in $sources $closed; do
    case $source in
    intake | deadline | complaints | notify | console | operator | tick) fail "no name for a source, it is ours: $source" ;;
    [!a-z0-9]* | *[!a-z0-9_-]*) fail "a source's name has letters a-z, digits, - and _: $source" ;;
    esac
    [ ${#source} -le 63 ] || fail "a source's name has 63 characters at most: $source"
done
[ -z "$hosts" ] || [ -n "$tls" ] || fail "--host goes with --tls"
named=$folder
folder=${folder:-$root/deploy/secrets}
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

# Make a key of 32 bytes in URL-safe base64 under a name, on the first call.
sealing_key() { [ -s "$folder/$1" ] || head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' | put "$1"; }

# Make what NATS proves itself with: an authority that signs one certificate, for ten years and for two.
certify() {
    cd "$folder"
    if [ ! -s nats_ca_key.pem ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=dondoc NATS' \
            -addext 'keyUsage=critical,keyCertSign' -keyout nats_ca_key.pem -out nats_ca.pem 2>/dev/null
        rm -f nats_cert.pem
    fi
    if [ ! -s nats_cert.pem ] || [ -n "$hosts" ]; then
        for host in nats localhost 127.0.0.1 $hosts; do
            case $host in
            *:*) printf 'IP:%s,' "$host" ;;
            *[!0-9.]*) printf 'DNS:%s,' "$host" ;;
            *) printf 'IP:%s,' "$host" ;;
            esac
        done | sed 's/^/subjectAltName=/; s/,$//' >.names
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=nats' -keyout nats_key.pem \
            -out .request 2>/dev/null
        openssl x509 -req -in .request -CA nats_ca.pem -CAkey nats_ca_key.pem -set_serial "0x$(openssl rand -hex 16)" \
            -days 730 -extfile .names -out nats_cert.pem 2>/dev/null
        rm .names .request
    fi
    chmod 644 nats_ca.pem nats_cert.pem nats_key.pem
    cd - >/dev/null
}

# Print one user of NATS. The variables stand in permissions.conf.
login() { printf '    {user: "%s", password: "%s", permissions: %s}\n' "$1" "$(password "$2_nats_password")" "$3"; }

# Under this key services seal what is quarantined. To change it, write the new one before the old one with a comma
# between them; without the old one what was sealed under it cannot be read any more.
sealing_key seal_keys
# Under this key complaints seals who wrote a feedback, and what only some may read. Lost, all of that is lost: keep a copy
# apart from the backups. To change it, see docs/secrecy.md; a key that anything is still sealed under is never removed.
sealing_key complaints_identity_keys
password api_key >/dev/null
password grafana_password >/dev/null
password intake_signing_key >/dev/null
# Under this key notify signs the links in its mails. To change it, write the new one before the old one with a comma
# between them, and take the old one out once its links are too old (DONDOC_NOTIFY_LINK_DAYS).
password notify_link_keys >/dev/null
# By this key notify knows what providers say of its notices. A new one makes new addresses for gateways, and reports on
# what left before prove nothing any more.
password notify_receipts_key >/dev/null
if [ -n "$tls" ] || [ -s "$folder/nats_ca_key.pem" ]; then
    command -v openssl >/dev/null || fail 'openssl is missing: apt-get install openssl'
    certify
    scheme=tls
else
    for file in nats_ca.pem nats_cert.pem nats_key.pem; do printf '' | put "$file"; done # Compose mounts them always
    scheme=nats
fi
for source in $sources; do
    password "source_${source}_nats_password" >/dev/null
    rm -f "$folder/source_${source}_closed"
done
for source in $closed; do printf '' | put "source_${source}_closed"; done
{
    printf 'include "../../etc/dondoc/permissions.conf"\nauthorization {\n  timeout: 5\n  users: [\n'
    for user in intake deadline complaints notify console operator; do
        login "$user" "$user" "\$${user}_may"
        printf '%s://%s:%s@nats:4222' "$scheme" "$user" "$(password "${user}_nats_password")" | put "${user}_nats_url"
    done
    for file in "$folder"/source_*_nats_password; do
        [ -e "$file" ] || continue
        source=${file##*/source_} && source=${source%_nats_password}
        [ ! -e "$folder/source_${source}_closed" ] || continue
        login "$source" "source_$source" "{publish: \"feed.$source.>\", subscribe: \"_INBOX_$source.>\"}"
        printf '%s://%s:%s@nats:4222' "$scheme" "$source" "$(password "source_${source}_nats_password")" |
            put "source_${source}_nats_url"
    done
    printf '  ]\n}\n'
    [ "$scheme" = nats ] ||
        printf 'tls {\n  cert_file: "%s"\n  key_file: "%s"\n}\n' /run/secrets/nats_cert.pem /run/secrets/nats_key.pem
} | put nats_login.conf
rm -f "$folder/nats_password" "$folder/nats_url" # of an earlier version, when all had one login
printf 'postgresql://postgres:%s@postgres:5432/postgres' "$(password postgres_password)" | put admin_database_url
for service in intake deadline complaints notify console; do
    printf 'postgresql://dondoc_%s:%s@postgres:5432/dondoc' "$service" "$(password "${service}_password")" |
        put "${service}_database_url"
done
# The passwords of the mail relay, of the SMS gateway and of the bridge at its portal are the operator's to write; empty
# means none.
for outside in smtp_password sms_password portal_password; do
    if [ ! -e "$folder/$outside" ]; then
        printf '' | put "$outside"
    fi
done

if [ -z "$named" ] && ! grep -qs '^DONDOC_SECRETS=' "$root/.env"; then
    printf '# Where docker-compose.yml finds the secrets.\nDONDOC_SECRETS=./deploy/secrets\n' >>"$root/.env"
fi
