"""How the fuzzer writes bodies that are neither JSON nor a form: as the text they are."""

import schemathesis

schemathesis.serializer.alias(
    [
        "application/x-ndjson",
        "text/csv",
        "application/yaml",
        "message/rfc822",
        "application/octet-stream",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ],
    "text/plain",
)
