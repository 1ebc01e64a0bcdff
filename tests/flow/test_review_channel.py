"""The channel in the review: choosing another shows what is asked for there; and a long answer to a command."""

from forms import alerts, review, values

from bot.playground.slack.server import plain_text
from bot.playground.stage import CHANNEL, POLICY, Stage

RDS = "dbsmysqlrds01"
TIGHT = {"BackupRetentionPeriod": "30", "SourceEndpointPassword": "orders-db"}
RULE = '\n[[rules]]\nname = "strict"\nchannels = ["C0STRICT"]\napprovals = 3\n'


async def test_choosing_a_channel_shows_what_it_asks_for(stage: Stage) -> None:
    stage.policy_file.write_text(POLICY + RULE)
    stage.slack.add_channel("C0STRICT")
    stage.slack.add_channel("C0SOLO", bot_is_member=False)
    await stage.start_bot()
    rita = stage.rita
    view = await review(rita, RDS, TIGHT)
    assert "2 people out of" in plain_text(view)
    await rita.type("reason", "Disk is full")
    for channel, words in (("C0SOLO", "not in this channel"), ("C0STRICT", "3 people"), (CHANNEL, "2 people")):
        await rita.choose("channel", channel)
        view = await rita.wait_for_view(lambda view, words=words: words in plain_text(view))  # type: ignore[misc]
        assert values(view)["reason"] == "Disk is full"
        assert view["state"]["values"]["channel"]["channel"]["selected_conversation"] == channel
    assert alerts(view) == [one for one in alerts(view) if "not in this channel" not in one]
    assert (await rita.submit()).action == "clear"


async def test_a_long_answer_is_capped_and_says_how_much_more(stage: Stage) -> None:
    await stage.start_bot()
    line = " ".join(f"wrong{number}=1" for number in range(5000))
    answer = await stage.rita.command(f"/backup-plan configure {RDS} {line}", channel=CHANNEL)
    assert len(answer.text) <= 3000
    assert "“wrong0” is no parameter" in answer.text
    assert "What follows, 4980 more, was not looked at." in answer.text
    assert answer.duration < 1.5
    assert answer.text.count("•") < 50
