"""The portal's side: log in, call, log in anew where the session is over.

source: domain/national-sync.md section 1: POST {"username","password"} gives {"session","error_code"}; every call is a
POST {"session","madonvi","service", ...} that gives {"error_code","result":[...]}; "00" and 0 mean success.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import orjson

from dondoc.bridge.config import Config, Feed
from dondoc.bridge.errors import NotNowError, RefusedError
from dondoc.bridge.http import parsed, post

WHO = "the portal"
SUCCESS = (0, "0", "00")
DENIED = (401, 403)
LOGIN_AGAIN_S = 900.0  # after a refused login: asking on may lock the account


class Portal:
    """A portal and the session with it, which lasts as long as the portal likes."""

    def __init__(self, config: Config, client: httpx.Client) -> None:
        self._config, self._of, self._names, self._client = config, config.portal, config.portal.names, client
        self._password = config.portal.password()
        self._session: str | None = None

    def log_in(self) -> None:
        """Begin a session. raises: RefusedError - user name or password is refused. NotNowError - no right answer."""
        self._session = None
        names = self._names
        asked = {names.username: self._of.username, names.password: self._password.get_secret_value()}
        status, body, _ = post(self._client, self._of.login_path, orjson.dumps(asked), who=WHO)
        if status in DENIED:
            raise RefusedError(f"the portal refuses the login ({status})", after_s=LOGIN_AGAIN_S)
        if status != 200:
            raise RefusedError(f"the portal answers the login with {status}; see portal.url and login_path")
        answer = parsed(body, who=WHO)
        session = answer.get(names.session)
        if names.error_code in answer and answer[names.error_code] not in SUCCESS:
            refusal = f"the portal refuses the login (error code {_shown(answer[names.error_code])})"
            raise RefusedError(refusal, after_s=LOGIN_AGAIN_S)
        if not isinstance(session, str) or not session:
            raise NotNowError("the portal answers the login without a session")
        self._session = session

    def fetch(self, feed: Feed) -> list[Any]:
        """Return a page of what the portal has not been told to be stored. raises: as `_call`."""
        size = {self._names.size: self._config.page} if self._names.size else {}
        result = self._call(feed.list, {**feed.more, **size}).get(self._names.result)
        if result is None or result == "":
            return []
        if not isinstance(result, list):
            raise NotNowError(f"the portal answers {feed.list} without a list `{self._names.result}`")
        return result

    def acknowledge(self, feed: Feed, named: Sequence[dict[str, Any]]) -> None:
        """Tell the portal what was stored. raises: as `_call`."""
        self._call(feed.ack, {**feed.more, self._names.data: list(named)})

    def _call(self, service: str, members: dict[str, Any]) -> dict[str, Any]:
        """Call a service; after a refusal once more in a new session, as no list of codes says which means expiry.

        raises: NotNowError - no right answer, or refused in a new session too. RefusedError - the login is refused.
        """
        fresh = self._session is None
        if fresh:
            self.log_in()
        answer, refusal = self._ask(service, members)
        if refusal and not fresh:
            self.log_in()
            answer, refusal = self._ask(service, members)
        if refusal:
            self._session = None
            raise NotNowError(f"the portal refuses {service} ({refusal})")
        return answer

    def _ask(self, service: str, members: dict[str, Any]) -> tuple[dict[str, Any], str]:
        names = self._names
        asked = {names.session: self._session, names.agency: self._of.agency, names.service: service, **members}
        status, body, _ = post(self._client, self._of.call_path, orjson.dumps(asked), who=WHO)
        if status != 200:
            return {}, f"status {status}"
        answer = parsed(body, who=WHO)
        if names.error_code not in answer:
            raise NotNowError(f"the portal answers {service} without `{names.error_code}`")
        code = answer[names.error_code]
        return answer, "" if code in SUCCESS and code is not False else f"error code {_shown(code)}"


def _shown(code: object) -> str:
    """A code is short; whatever else a portal puts there stays out of the logs."""
    text = str(code) if isinstance(code, str | int) else type(code).__name__
    return text if len(text) <= 20 and text.isprintable() else "unreadable"
