"""What a program of a sender sends: JSON, or a form with it in the first field and then files, kept as they come."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter

from services.complaints.asking import BODY_LIMIT
from services.complaints.secrecy.refusing import RefusedFile
from services.complaints.secrecy.vault import Kept, Vault
from services.complaints.web import keeping
from services.complaints.web.keeping import KEEPS, NotKeptError, body_bytes
from services.complaints.web.multipart import TYPE, Form, FormError
from shared.bodies import arriving, described, fit, read_json
from shared.http import ProblemError

T = TypeVar("T")


class Sent(NamedTuple, Generic[T]):
    """value: the JSON in its shape. form: where files are still to be read from; None where none can come."""

    value: T
    form: Form | None


async def read(request: Request, shape: TypeAdapter[T], *, field: str, vault: Vault) -> Sent[T]:
    """Return the JSON of a body, or of the field of a form before its files.

    raises: HTTPException - 400 no form of ours, 415 a packed one, as `arriving`; RequestValidationError.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != TYPE:
        return Sent(await read_json(request, shape, limit=BODY_LIMIT), None)
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise HTTPException(415, "send forms with files as they are, not packed", {"Accept-Encoding": "identity"})
    body = arriving(request, limit=body_bytes(vault.limits), keeps=KEEPS)
    try:
        form = Form(request.headers["Content-Type"], body)
    except FormError as error:
        raise HTTPException(400, str(error)) from None
    try:
        fields = await form.fields()
        if list(fields) != [field]:
            raise FormError(f"the form has one field, `{field}` with JSON and without a file's name, and then files")
        return Sent(fit(fields[field], shape), form)
    except FormError as error:
        await form.pass_over()
        raise HTTPException(400, str(error)) from None
    except RequestValidationError:
        await form.pass_over()
        raise


async def keep(sent: Sent[Any], *, code: str, vault: Vault) -> list[Kept]:
    """Keep the files, all or none. code: of the feedback they belong to.

    raises: HTTPException - 422 one is refused, 400 the form is cut off, as `arriving`.
    """
    if sent.form is None:
        return []
    try:
        return await keeping.keep(vault, sent.form, code=code)
    except NotKeptError as error:
        await sent.form.pass_over()
        raise refused(error.refused, number=error.number) from None
    except FormError as error:
        await sent.form.pass_over()
        raise HTTPException(400, str(error)) from None


def refused(error: RefusedFile, *, number: int | None = None) -> ProblemError:
    """Return the answer to a file that is not taken. number: of the file, from 1."""
    return ProblemError(422, error.en, vi=error.vi, reason=error.reason, file=number)


def described_with_files(shape: TypeAdapter[Any], *, field: str) -> dict[str, Any]:
    """Return what OpenAPI is told of a body that `read` takes."""
    told = described(shape)
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    told["requestBody"]["content"][TYPE] = {
        "schema": {
            "type": "object",
            "required": [field],
            "properties": {field: shape.json_schema(), "files": {"type": "array", "items": file}},
        },
        "encoding": {field: {"contentType": "application/json"}},
    }
    return told
