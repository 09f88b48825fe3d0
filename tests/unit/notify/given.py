"""What the tests of notify's rules are given: obligations, units, instants."""

from datetime import datetime
from typing import Any

from services.notify.policies.file import carried
from services.notify.pressing.rules import Rules
from shared.events import ObligationChanged, UnitDescribed
from shared.worktime import vietnam

RULES = Rules(carried(), vietnam())


def at(text: str) -> datetime:
    """Return an instant of the province's wall clock, such as `2026-11-20 16:00`."""
    return datetime.fromisoformat(f"{text}+07:00")


def obligation(**changes: Any) -> ObligationChanged:
    """Return a dossier of H56.12 due on Friday 2026-11-20 16:00, open, heard of in good time."""
    given = {
        "obligation_id": "dossier/000.00.12.H56-261110-0007",
        "kind": "dossier",
        "subject_id": "000.00.12.H56-261110-0007",
        "source": "motcua-1",
        "unit": "H56.12",
        "unit_name": None,
        "procedure": "1.012753",
        "field": "Đất đai",
        "accepted_at": at("2026-11-10 09:00"),
        "due_at": at("2026-11-20 16:00"),
        "due_from": "source",
        "first_due_at": at("2026-11-20 16:00"),
        "computed_due_at": None,
        "near_at": at("2026-11-19 16:00"),
        "paused_seconds": 0,
        "state": "open",
        "timing": "on_time",
        "ended_at": None,
        "end": None,
        "late_working_seconds": 0,
        "late_days": 0,
        "heard_at": at("2026-11-10 09:01"),
        "backlog": False,
        "flags": (),
        "revision": 1,
    }
    return ObligationChanged.model_validate({**given, **changes})


def unit(code: str, **changes: Any) -> UnitDescribed:
    given = {
        "code": code,
        "revision": 1,
        "name": f"Đơn vị {code}",
        "kind": "so",
        "parent_code": "H56",
        "head_title": "Giám đốc",
        "head_name": None,
        "email": f"{code.lower()}@example.vn",
        "phone": None,
        "aliases": (),
        "active": True,
    }
    return UnitDescribed.model_validate({**given, **changes})
