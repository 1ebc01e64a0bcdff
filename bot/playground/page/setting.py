"""The workspace that a newcomer finds: who is in it, where they meet, and what the policy says."""

from collections.abc import Mapping
from pathlib import Path

from bot.playground.slack.person import Person
from bot.playground.stage import CHANNEL, PASSWORD, Stage

POLICY = """\
[defaults]
approvals = 2
approvers = ["S0DBA"]
expires_after = "4h"
execute_within = "30m"

[secrets.orders-db]
ref = "env:ORDERS_DB_PASSWORD"
plans = ["dbsmysql*", "dbswait*", "dbslocked*"]
sources = ["instance:rm-uf6orders01", "host:rm-uf6orders01.mysql.rds", "instance:i-bp1mysql01", "host:10.0.3.7"]

[secrets.warehouse-db]
ref = "env:WAREHOUSE_DB_PASSWORD"
plans = ["dbspg*"]
sources = ["instance:vpc-bp1dc01", "host:192.168.40.12", "gateway:23313123312"]

[secrets.events-db]
ref = "env:EVENTS_DB_PASSWORD"
plans = ["dbsmongo*"]
sources = ["instance:dds-bp1events", "host:dds-bp1events.mongodb.rds"]

[secrets.payroll-db]
ref = "env:PAYROLL_DB_PASSWORD"
plans = ["dbsoracle*"]
sources = ["instance:i-bp1oracle01", "host:10.0.3.20", "account:2694410000000001"]
"""
PASSWORDS = {
    "ORDERS_DB_PASSWORD": PASSWORD,
    "WAREHOUSE_DB_PASSWORD": "playground-warehouse-password",
    "EVENTS_DB_PASSWORD": "playground-events-password",
    "PAYROLL_DB_PASSWORD": "playground-payroll-password",
}
QUICK = {"TELL_GRACE": "3s", "SWEEP_INTERVAL": "1s", "EXECUTION_LEASE": "12s", "DBS_TIMEOUT": "8s"}
"""What would be patience in production is waiting in front of a screen."""

COMMANDS = [
    {
        "command": "/backup-plan",
        "description": "Ask for a change of a backup plan",
        "usage_hint": "configure [plan id [Name=value …]] | policy <plan id> | help",
    }
]
"""The slash commands of manifest.yml, which a composer offers to complete."""
SHORTCUTS = [{"name": "Configure backup plan", "callback_id": "configure"}]
"""The message shortcuts of manifest.yml."""
GROUPS = {"S0DBA": "dba"}
PARTNER = "T0ACME"
FIRST_PLAN = "dbsmysqlrds01"
FULL_NAMES = {
    "rita": "Rita Chen",
    "ana": "Ana Weber",
    "ben": "Ben Carter",
    "olga": "Olga Novak",
    "gus": "Gus Moreau",
}
ROLES = {
    "U0RITA": "asks for changes",
    "U0ANA": "approver, in @dba",
    "U0BEN": "approver, in @dba",
    "U0OLGA": "on call, no approver",
    "U0GUS": "guest",
    "U0MILA": "of another company",
}


class Setting(Stage):
    """A stage with more people and channels; `settings` are further environment variables of the bot."""

    mila: Person

    def __init__(self, folder: Path, *, socket_mode: bool = False, **settings: str) -> None:
        super().__init__(folder, policy=POLICY, socket_mode=socket_mode, **{**PASSWORDS, **QUICK, **settings})
        for person in self.slack.people.values():
            person.member.full_name = FULL_NAMES[person.name]
        app = self.slack.world.app
        self.slack.world.workspace.members[app.bot_user].full_name = app.name
        staff = [self.rita, self.ana, self.ben, self.olga]
        self.mila = self.slack.add_person(
            "mila", id="U0MILA", team_id=PARTNER, tz="Asia/Tokyo", full_name="Mila Tanaka", stranger=True
        )
        self.slack.add_channel("C0GENERAL", "general", [*staff, self.gus], bot_is_member=False)
        self.slack.add_channel("C0DBA", "dba", staff, private=True)
        self.slack.add_channel("C0ACME", "acme-support", [*staff, self.mila], ext_shared=True)
        for person in self.slack.people.values():
            self.slack.world.workspace.dm(person.id)
        self.welcome()

    @property
    def roles(self) -> Mapping[str, str]:
        """What somebody is in this play: user id → a few words."""
        return ROLES

    def welcome(self) -> None:
        """Let the channels look lived in."""
        post, channels = self.slack.world.workspace.post, self.slack.world.workspace.channels
        for channel, person, text in (
            ("C0GENERAL", self.olga, "Good morning! I am on call this week."),
            ("C0ACME", self.mila, "Hello from Acme: this channel is shared between our two companies."),
            (
                CHANNEL,
                self.olga,
                "Disk usage of the backup bucket is at 81 %. Do we really keep *orders* for two years?",
            ),
            (
                CHANNEL,
                self.rita,
                "400 days are enough, says finance. I will ask for the change of the backup plan here.",
            ),
        ):
            message = {"type": "message", "user": person.id, "team": person.member.team_id, "text": text}
            post(channels[channel], message)
