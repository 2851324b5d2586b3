"""Arguments that several tools share; their words are what a model reads, so they are short."""

from typing import Annotated

from pydantic import Field

StartDate = Annotated[str | None, Field(description="First day, YYYY-MM-DD. Default: six days before end_date.")]
EndDate = Annotated[str | None, Field(description="Last day, YYYY-MM-DD, inclusive. Default: today.")]
Refresh = Annotated[bool, Field(description="Ask Oura again for the last days instead of using held ones.")]
