"""What was read from DBS about a plan, in the same words and text forms in which it would be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Values = Mapping[str, str]
"""API name → text form: "30", "true", "14:22", "Monday,Friday", JSON text. A parameter without a value is absent."""


@dataclass(frozen=True)
class Reading:
    """One plan as DBS reports it. `values` are the request parameters that can be read back.

    They are normalised, but for BackupObjects, which is kept byte for byte: unedited it is sent back just so.
    """

    values: Values
    database_type: str
    """The engine, in the API's word (MSSQL for SQL Server); unknown engines are kept as they are."""
    backup_method: str
    status: str
    """wait, init, check_pass, running, pause, stop or locked."""
    message: str = ""
    """DBS's own message about the plan, cleaned and cut; display only."""
    region: str = ""
    details: Values = field(default_factory=dict)
    """Every other field of the reply by its name there, as text, cleaned and cut; display only."""
    read_at: str = field(default="", compare=False)
    """When it was read, as the ledger writes moments; "" where nobody knows."""
    facts: Values = field(init=False)

    def __post_init__(self) -> None:
        """State the two facts of the plan that steer the rules, by their API names."""
        facts = {"DatabaseType": self.database_type, "BackupMethod": self.backup_method}
        object.__setattr__(self, "facts", {name: value for name, value in facts.items() if value})

    @property
    def plan_id(self) -> str:
        """BackupPlanId."""
        return self.values["BackupPlanId"]

    @property
    def baseline(self) -> dict[str, str]:
        """What an approval is bound to: the readable parameters and the facts; no status, time or message."""
        return {**self.values, **self.facts}


@dataclass(frozen=True)
class PlanSummary:
    """One line of the typeahead."""

    plan_id: str
    name: str
    engine: str
    status: str
