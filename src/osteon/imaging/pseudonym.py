"""What a key makes of names, dates and UIDs: the same as in tables de-identified with that key."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta

from osteon.core.errors import ConfigError

__all__ = ["Keyed"]

_KEY_BYTES = 16
_DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """
    Pseudonyms, day shifts and UIDs by a secret key (HMAC-SHA256).

    Attributes
    ----------
    key : bytes, 16 or more
    patient : str
        Name of the column that holds the patient's id in tables: so ``osteon deidentify`` gives both the same pseudonym.
    max_shift_days : int
        Each patient's dates move by the same 1 to ``max_shift_days`` days, back or forth.

    Examples
    --------
    >>> keyed = Keyed(key=b"0123456789abcdef")
    >>> keyed.date("20200131", "A7"), keyed.date("20200202", "A7")  # two days apart, as before
    ('20200917', '20200919')
    >>> keyed.uid("1.2.3") == keyed.uid("1.2.3") != keyed.uid("1.2.4")
    True
    """

    key: bytes = field(repr=False)
    patient: str = "participant_id"
    max_shift_days: int = 365

    def __post_init__(self) -> None:
        if len(self.key) < _KEY_BYTES:
            raise ConfigError(f"the key has {len(self.key)} bytes, expected {_KEY_BYTES} or more.",
                              hint="Make one: openssl rand -hex 32; keep it secret.")  # fmt: skip
        if self.max_shift_days < 1:
            raise ConfigError("max_shift_days must be 1 or more.")

    def _digest(self, purpose: str, value: str) -> bytes:
        return hmac.new(self.key, f"{purpose}\x1f{value}".encode(), hashlib.sha256).digest()

    def name(self, person: str) -> str:
        """The pseudonym of a patient."""
        return "P" + self._digest(f"id:{self.patient}", person).hex()[:16]

    def uid(self, uid: str) -> str:
        """Another UID for a UID, by the UUID root 2.25 (PS3.5 B.2)."""
        return f"2.25.{uuid.UUID(bytes=self._digest('uid', uid)[:16], version=4).int}"

    def shift(self, person: str) -> timedelta:
        """By how much the dates of a patient move."""
        span = self.max_shift_days
        number = int.from_bytes(self._digest("date", person)[:8], "big") % (2 * span)
        return timedelta(days=number - span if number < span else number - span + 1)  # -span..-1, 1..span

    def date(self, text: str, person: str) -> str:
        """A DA or DT value with its day moved and its time kept; empty where it is no whole date."""
        found = _DAY.match(text.strip())
        if found is None:
            return ""
        try:
            day = date(*map(int, found.groups())) + self.shift(person)
        except (ValueError, OverflowError):
            return ""
        return f"{day:%Y%m%d}".zfill(8) + text.strip()[found.end() :]
