"""Pairs of feedbacks labelled by how they were made: one told again in other ways, and others about the same unit.

Each pair is of one unit and place and of the same days, so that the words alone tell them apart.
"""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from services.complaints.finding.likeness import Matter
from services.complaints.suggesting.text import bare

LABELLED = Path(__file__).parents[3] / "bench" / "data" / "feedback.csv"
AT = datetime.fromisoformat("2026-11-20T09:00:00+07:00")
OTHERWISE = {
    "tôi": "em", "chúng tôi": "bà con", "hồ sơ": "giấy tờ", "cán bộ": "nhân viên", "xã": "địa phương",
    "yêu cầu": "đòi", "đề nghị": "mong", "nộp": "gửi", "trả": "giao", "nhà tôi": "gia đình tôi", "không": "chẳng",
    "chưa": "vẫn chưa", "rất": "quá", "nhiều": "lắm", "làm": "thực hiện", "nói": "bảo", "đi": "tới", "bị": "phải",
    "ngày": "hôm", "sổ đỏ": "giấy chứng nhận", "thửa": "mảnh", "tiền": "khoản tiền", "người dân": "dân",
}  # fmt: skip
GREETING, CLOSING = "Kính gửi quý cơ quan. ", " Rất mong được xem xét, tôi xin cảm ơn."


def rows() -> list[tuple[str, str]]:
    """Return texts of ten words and more, with their fields."""
    with LABELLED.open(encoding="utf-8", newline="") as lines:
        return [(row["text"], row["field"]) for row in csv.DictReader(lines) if len(row["text"].split()) >= 10]


def without_marks(text: str, _: random.Random) -> str:
    return bare(text).lower()


def mistyped(text: str, chance: random.Random) -> str:
    """Every eighth word loses a letter or has two in the wrong order."""
    words = text.split(" ")
    for at in chance.sample(range(len(words)), max(1, len(words) // 8)):
        if len(words[at]) > 2:
            cut = chance.randrange(len(words[at]) - 1)
            swapped = chance.choice((words[at][cut + 1] + words[at][cut], words[at][cut + 1]))
            words[at] = words[at][:cut] + swapped + words[at][cut + 2 :]
    return " ".join(words)


def reworded(text: str, chance: random.Random) -> str:
    """Half of the words that can be said otherwise are; the clauses come in another order, between polite phrases."""
    clauses = [part for part in re.split(r"(?<=[,.;?!])\s", text) if part]
    chance.shuffle(clauses)
    said = " ".join(clauses)
    for word, other in OTHERWISE.items():
        if chance.random() < 0.5:
            said = re.sub(rf"\b{word}\b", other, said, flags=re.IGNORECASE)
    return GREETING + said + CLOSING


def shortened(text: str, _: random.Random) -> str:
    words = text.split()
    return " ".join(words[: -(len(words) // 4)])


MADE = (without_marks, mistyped, reworded, shortened)


def matter(text: str) -> Matter:
    return Matter(text, "xã Mẫu", None, "H56.12", AT)


def copies(*, every: int = 4, seed: int = 7) -> Iterator[tuple[str, Matter, Matter]]:
    """Yield how a copy was made, the text, the copy: four of every fourth text."""
    chance = random.Random(seed)
    for text, _ in rows()[::every]:
        for make in MADE:
            yield make.__name__, matter(text), matter(make(text, chance))


def others(*, seed: int = 7) -> Iterator[tuple[Matter, Matter]]:
    """Yield pairs of different texts, all within their fields, polite phrases around both."""
    chance = random.Random(seed)
    by_field: dict[str, list[str]] = defaultdict(list)
    for text, field in rows():
        by_field[field].append(text)
    for texts in by_field.values():
        for one in texts:
            for other in chance.sample(texts, min(6, len(texts))):
                if one != other:
                    yield matter(GREETING + one + CLOSING), matter(GREETING + other + CLOSING)
