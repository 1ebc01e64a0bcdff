"""Everything the bot raises on purpose. It imports nothing.

BotError
├── ConfigError          settings or policy: every problem, each with the name of what is wrong
├── Refusal              a person may not do that now; its text is the sentence they read
├── PlanTaken            another change of the same plan is open
├── AlreadyRequested     this very submission is a change already
├── LookUpFailed         Slack did not say who somebody is: whatever hung on it is refused
│   └── NoSuchGroup      Slack answered that there is no such user group: nobody is in it
├── LedgerError
│   ├── LedgerBusy       away, locked, full or read-only: nothing was written
│   └── LedgerAltered    a hash does not follow from the one before: somebody wrote to the database
├── DbsError
│   ├── DbsRefused       answered: not done
│   ├── DbsThrottled     answered: not done, ask again later
│   ├── DbsUnreachable   never sent
│   └── DbsUnanswered    sent, outcome unknown
├── SecretMissing        there is no such secret, or it may not be read
├── SecretUnreachable    the store did not answer: ask again later
└── MessengerError
    ├── MessageGone      Slack refused it for good: what it belongs to is no more, or not for us
    │   ├── ChannelLost  the channel is shared outside by now, or no longer one that the policy allows
    │   └── CardDeleted  the card itself was deleted
    ├── MessageThrottled   not posted: ask again later
    └── MessageUnanswered  sent, outcome unknown: look before posting again
"""


class BotError(Exception):
    """The root: catching it catches nothing that is a bug."""


class ConfigError(BotError):
    """Settings or policy cannot be used; `problems` are complete sentences, each naming its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Refusal(BotError):
    """A person may not do that now. `reason` is a stable word for the ledger, the text is what they read."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class PlanTaken(BotError):
    """The plan has another open change, `change_id`: one at a time."""

    def __init__(self, change_id: str) -> None:
        super().__init__(f"change {change_id} of the same plan is open")
        self.change_id = change_id


class AlreadyRequested(BotError):
    """The same submission was recorded before, as `change_id`."""

    def __init__(self, change_id: str) -> None:
        super().__init__(f"this submission is change {change_id}")
        self.change_id = change_id


class LookUpFailed(BotError):
    """Slack did not answer who somebody is, in time or at all."""


class NoSuchGroup(LookUpFailed):
    """Slack answered that there is no user group `group_id`, or none that is in use."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"Slack has no user group {group_id}, or it is disabled")
        self.group_id = group_id


class LedgerError(BotError):
    """The ledger could not do what was asked."""


class LedgerBusy(LedgerError):
    """The ledger is away, locked, full or read-only: nothing was written, and waiting may help.

    Over a network the answer to a commit can be lost as well; then its text says that it may have been recorded.
    """


class LedgerAltered(LedgerError):
    """The history of `change_id` does not hold together from event `seq` on."""

    def __init__(self, change_id: str, seq: int, what: str) -> None:
        super().__init__(f"change {change_id}, event {seq}: {what}")
        self.change_id = change_id
        self.seq = seq
        self.what = what


class DbsError(BotError):
    """A call to DBS has no good answer. Texts are cleaned of secrets before they get here."""

    def __init__(self, code: str, message: str, request_id: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.request_id = request_id


class DbsRefused(DbsError):
    """DBS answered that it did not do it; `code`, `message` and `request_id` are DBS's own, `advice` is ours."""

    def __init__(self, code: str, message: str, request_id: str = "", advice: str = "") -> None:
        super().__init__(code, message, request_id)
        self.advice = advice


class DbsThrottled(DbsError):
    """DBS did not do it and asks to wait; `retry_after` in seconds, None where it did not say."""

    def __init__(self, code: str, message: str, request_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, message, request_id)
        self.retry_after = retry_after


class DbsUnreachable(DbsError):
    """The request never left: no connection."""


class DbsUnanswered(DbsError):
    """The request left and nobody knows what came of it; `retry_after` in seconds where DBS named it."""

    def __init__(self, code: str, message: str, request_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, message, request_id)
        self.retry_after = retry_after


class SecretMissing(BotError):
    """A secret that a change needs cannot be had: no such variable, file or KMS secret, or no right to it."""


class SecretUnreachable(BotError):
    """The store of a secret did not answer; asking again later may help."""


class MessengerError(BotError):
    """Slack did not take a message."""


class MessageGone(MessengerError):
    """Slack refused it, and will again: the place is gone or closed to the bot, or it takes no such thing."""


class CardDeleted(MessageGone):
    """The card is no more, while its channel may well be."""


class ChannelLost(MessageGone):
    """Nothing may be written any more where a change is decided; the text is a sentence that says why."""


class MessageThrottled(MessengerError):
    """It was not posted, and may be in `retry_after` seconds, as Slack asks."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Slack asks to wait {retry_after:g} s")
        self.retry_after = retry_after


class MessageUnanswered(MessengerError):
    """The message may or may not have been posted: look for it before posting again."""
