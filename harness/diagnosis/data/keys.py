"""When two texts count as the same: folded, masked, and hashed to 64 bits."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
"""Whole words only: `decrease` is no date."""

DOUBTFUL = "may|march"
"""Months only beside a number."""

DAY = r"\d{1,2}(?:st|nd|rd|th)?"
VARYING = re.compile(
    r"https?://\S+|www\.\S+"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r'|"[^"\n]{1,30}"|“[^”\n]{1,30}”'
    rf"|\b{DAY}\s+(?:of\s+)?(?:{MONTH}|{DOUBTFUL})\b(?:,?\s+\d{{4}}\b)?"
    rf"|\b(?:{MONTH}|{DOUBTFUL})\.?\s+{DAY}\b(?:,?\s+\d{{4}}\b)?"
    rf"|\b(?:{MONTH})\b"
    r"|[+-]?\d+(?:[.,:/-]\d+)*(?:st|nd|rd|th|am|pm)?\b|\d+",
)
"""What changes from one filling of a template to the next, in a folded text. Longer
quotations are content, as where a prompt asks about a sentence."""
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
"""An e-mail address; sought where there is an `@`, since that takes longest."""

MASK = "0"


def folded(text: str) -> str:
    """The text in NFC, in small letters, each run of white space one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.lower().split())


def masked(text: str) -> str:
    """A folded text with numbers, dates, addresses, ids and quotations masked."""
    if "@" in text:
        text = ADDRESS.sub(MASK, text)
    return VARYING.sub(MASK, text)


def hashed(text: str) -> int:
    """64 bits that stand for the text; a million texts collide with p = 3e-8."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
