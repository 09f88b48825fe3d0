#!/bin/sh
# Start Alertmanager on alertmanager.yml, with e-mail to DONDOC_ALERTS_TO where it is set: its configuration knows no
# environment variables. The relay is that of the notices (DONDOC_NOTIFY_SMTP_*).
#   start.sh [OPTION OF ALERTMANAGER ...]
# DONDOC_ALERTS_FOLDER, DONDOC_ALERTS_CONFIG, DONDOC_ALERTS_PROGRAM and DONDOC_ALERTS_PASSWORD are for tests.
set -eu
folder=${DONDOC_ALERTS_FOLDER:-/etc/dondoc/alertmanager}
config=${DONDOC_ALERTS_CONFIG:-/tmp/alertmanager.yml}
password=${DONDOC_ALERTS_PASSWORD:-/run/secrets/smtp_password}

# A text as a YAML scalar in single quotes.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"; }

mail() {
    sender=${DONDOC_NOTIFY_SENDER:-dondoc@example.vn}
    address=$(printf '%s' "$sender" | sed 's/.*<\(.*\)>.*/\1/') # a name with accents would be encoded with the address
    cat <<END
    email_configs:
      - to: $(quoted "$DONDOC_ALERTS_TO")
        from: $(quoted "$address")
        smarthost: $(quoted "$DONDOC_NOTIFY_SMTP_HOST:${DONDOC_NOTIFY_SMTP_PORT:-25}")
        require_tls: ${DONDOC_NOTIFY_SMTP_STARTTLS:-false}
        send_resolved: true
        headers:
          Subject: '{{ template "dondoc.subject" . }}'
        html: ''
        text: '{{ template "dondoc.text" . }}'
END
    if [ -n "${DONDOC_NOTIFY_SMTP_USERNAME:-}" ]; then
        printf '        auth_username: %s\n' "$(quoted "$DONDOC_NOTIFY_SMTP_USERNAME")"
        printf '        auth_password_file: %s\n' "$(quoted "$password")"
    fi
}

if [ -n "${DONDOC_ALERTS_TO:-}" ] && [ -z "${DONDOC_NOTIFY_SMTP_HOST:-}" ]; then
    echo "start.sh: DONDOC_ALERTS_TO is set, DONDOC_NOTIFY_SMTP_HOST is not: no relay to send alerts by" >&2
    exit 2
fi
sed "s|/etc/dondoc/alertmanager/|$folder/|" "$folder/alertmanager.yml" >"$config"
if [ -n "${DONDOC_ALERTS_TO:-}" ]; then
    mail >>"$config"
fi
exec "${DONDOC_ALERTS_PROGRAM:-/bin/alertmanager}" --config.file="$config" "$@"
