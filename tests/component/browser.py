"""Debian's Chromium for tests, and a server of its own for what it shows."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, async_playwright

from shared.connections import PatientProtocol
from tests.waiting import until

PHONE = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True, "locale": "vi-VN"}


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the browser, without a window."""
    program = shutil.which("chromium")
    assert program, "no Chromium: ./deploy/install-debian.sh installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def phone(browser: Browser, *, scripts: bool, **more: Any) -> AsyncIterator[BrowserContext]:
    """A phone of the narrowest kind. Scripts of pages run, or do not."""
    context = await browser.new_context(**{**PHONE, "java_script_enabled": scripts, **more})
    try:
        yield context
    finally:
        await context.close()


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an app over HTTP as the programs do; its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, http=PatientProtocol, lifespan="off")
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
