"""Feedback by the hundred thousand, always the same: clauses of the labelled texts put together anew, with other
figures, places and codes. A seventh is written without marks, as many citizens do.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from services.complaints.finding.store import Indexed
from services.complaints.suggesting.text import bare

LABELLED = Path(__file__).parent / "data" / "feedback.csv"
FIRST = datetime.fromisoformat("2024-01-02T08:00:00+07:00")
UNITS = tuple(f"H56.{number}" for number in range(1, 191))
BEFORE = ("Đông", "Tây", "Nam", "Bắc", "Thượng", "Hạ", "Yên", "Bình", "Quảng", "Hoằng", "Thiệu", "Vĩnh", "Cẩm", "Xuân")
AFTER = ("Sơn", "Thủy", "Lâm", "Phú", "Lộc", "Thịnh", "Hòa", "Tiến", "Giang", "Khê", "Trung", "Minh", "Long")
PLACES = tuple(f"{level} {one} {other}" for level in ("xã", "phường") for one in BEFORE for other in AFTER)
KINDS = ("reflection", "reflection", "reflection", "recommendation", "complaint")
STATES = ("received", "accepted", "answered", "published", "published", "published")


def clauses() -> list[str]:
    with LABELLED.open(encoding="utf-8", newline="") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    parts = (part.strip(' "') for text in texts for part in re.split(r"[.!?;,]\s", text))
    return sorted({part for part in parts if 15 <= len(part) <= 160})


def dossier(chance: random.Random) -> str:
    unit = f"{chance.randint(0, 2):02}.{chance.randint(1, 99):02}"
    on = f"{chance.randint(24, 26)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    return f"000.{unit}.H56-{on}-{chance.randint(1, 900):04}"


def texts(count: int, *, seed: int = 1) -> Iterator[Indexed]:
    """Yield feedback in the order of filing, some three hundred a day at 200,000."""
    chance = random.Random(seed)
    parts = clauses()
    step = timedelta(days=900) / count
    for number in range(1, count + 1):
        place = chance.choice(PLACES) if chance.random() < 0.7 else None
        code = dossier(chance) if chance.random() < 0.4 else None
        said = [_renumbered(one, chance) for one in chance.sample(parts, chance.choice((2, 3, 3, 4, 4, 5, 6, 8)))]
        if place and chance.random() < 0.5:
            said.insert(chance.randrange(len(said)), f"ở {place}")
        if code and chance.random() < 0.5:
            said.append(f"mã hồ sơ {code}")
        text = ", ".join(said) + "."
        yield Indexed(
            complaint_id=number,
            code=f"PA-{number:06}",
            text=bare(text) if chance.random() < 1 / 7 else text,
            place=place,
            handler=chance.choice(UNITS),
            dossier=code,
            kind=chance.choice(KINDS),
            state=chance.choice(STATES),
            filed_at=FIRST + number * step,
        )


def _renumbered(clause: str, chance: random.Random) -> str:
    return re.sub(r"\d+", lambda found: str(chance.randrange(10 ** len(found.group()))), clause)
