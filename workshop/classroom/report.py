"""What a participant reports, and no more: a name of their choice, and how far they are in each lab."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MOST_BYTES = 8192
PATH = "/report"


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("a name is printable, and has no blanks around it")
    return text


Name = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_printable)]


class LabReport(BaseModel):
    """One lab: steps done of all there are; `trouble` is the command of its text that did not do what it says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    steps_done: Annotated[int, Field(ge=0, le=1000)]
    steps: Annotated[int, Field(ge=1, le=1000)]
    done: bool = False
    solved: bool = False
    trouble: Annotated[str, Field(max_length=200)] = ""


class Report(BaseModel):
    """One participant. `id` is drawn by their own machine, so that nobody else reports for them by mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    name: Name
    labs: Annotated[dict[Annotated[str, Field(pattern=r"^\d{1,2}$")], LabReport], Field(max_length=30)]
