"""What the real process sends or does not send under a policy, settings or an environment of its own."""

from collections.abc import Awaitable, Callable

from flow.carrying_out import DESCRIBE, SHORTER, WITH_PASSWORD, approve, carried_out, effects, found, sends, waits

from bot.playground.acts import ask, buttons, outcome, said
from bot.playground.dbs.faults import Gate, cut, fail, hold, lose_answer, slow, throttle
from bot.playground.slack.server import plain_text
from bot.playground.stage import PASSWORD, POLICY, Stage

RDS, REDIS = "dbsmysqlrds01", "dbsredisecs01"

OpenStage = Callable[..., Awaitable[Stage]]


async def test_req26_an_answer_that_takes_too_long_is_no_outcome(open_stage: OpenStage) -> None:
    stage = await open_stage(EXECUTION_LEASE="4s", DBS_TIMEOUT="1s")
    await stage.start_bot()
    told = await carried_out(stage, REDIS, slow(3))
    assert said(told)["state"] == "applied"
    assert len({one.params["ClientToken"] for one in sends(stage, REDIS)}) == 1
    assert effects(stage, REDIS) == 1


async def test_req30_with_parameters_in_the_query_the_password_is_in_the_url_and_a_warning_said_so(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(DBS_PARAMETERS="query", EXECUTION_LEASE="4s", DBS_TIMEOUT="3s")
    bot = await stage.start_bot(LOG_LEVEL="debug")
    assert "DBS_PARAMETERS=query puts the database password into the URL" in bot.log
    told = await carried_out(stage, RDS, lose_answer(), values=WITH_PASSWORD)
    assert said(told)["state"] == "applied"
    for sent in sends(stage, RDS):
        assert (sent.raw_body, sent.params["SourceEndpointPassword"]) == (b"", PASSWORD)
    assert (len(sends(stage, RDS)), effects(stage, RDS)) == (2, 1)
    assert found(stage, PASSWORD) == []


async def test_req35_a_secret_whose_binding_changed_since_the_request_goes_nowhere(open_stage: OpenStage) -> None:
    stage = await open_stage()
    bot = await stage.start_bot()
    card = await ask(stage.slack, stage.rita, RDS, WITH_PASSWORD)
    await bot.end()
    stage.policy_file.write_text(POLICY.replace("rm-uf6orders01", "rm-another"), encoding="utf-8")
    await stage.start_bot()
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert said(told)["state"] == "stale"
    assert "does not allow the secret 'orders-db' for instance:rm-uf6orders01" in plain_text(told)
    assert sends(stage, RDS) == []


async def test_a_secret_that_is_not_there_refuses_and_is_named(open_stage: OpenStage) -> None:
    stage = await open_stage(ORDERS_DB_PASSWORD="")
    await stage.start_bot()
    told = await carried_out(stage, RDS, values=WITH_PASSWORD)
    assert said(told)["state"] == "refused"
    assert "The secret orders-db cannot be had: its environment variable is not set, or empty." in plain_text(told)
    assert "Fix the secret" in plain_text(told)
    assert sends(stage, RDS) == []


async def test_a_password_from_kms_is_fetched_when_it_is_needed_though_kms_fails_the_first_time(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(policy=POLICY.replace("env:ORDERS_DB_PASSWORD", "kms:prod/orders"))
    stage.dbs.kms.secrets["prod/orders"] = "from-kms-7Q"
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, RDS, WITH_PASSWORD)
    assert stage.dbs.calls("GetSecretValue") == []
    stage.dbs.next("GetSecretValue", fail())
    await approve(stage, card)
    assert said(await outcome(stage.slack, card))["state"] == "applied"
    (sent,) = sends(stage, RDS)
    assert sent.params["SourceEndpointPassword"] == "from-kms-7Q"
    assert found(stage, "from-kms-7Q") == []


async def test_what_dbs_keeps_from_being_sent_expires_and_says_why(open_stage: OpenStage) -> None:
    stage = await open_stage(policy=POLICY.replace('execute_within = "30m"', 'execute_within = "2s"'))
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    stage.dbs.next(DESCRIBE, *[cut()] * 50, plan_id=REDIS)
    await approve(stage, card)
    told = await outcome(stage.slack, card)
    assert said(told)["state"] == "expired"
    assert "could not be sent within 2s" in plain_text(told)
    assert "The plan could not be read:" in plain_text(told)
    assert sends(stage, REDIS) == []


async def test_req26_what_went_unanswered_is_sent_again_ever_later(open_stage: OpenStage) -> None:
    stage = await open_stage(EXECUTION_LEASE="2s", DBS_TIMEOUT="1s")
    await stage.start_bot()
    told = await carried_out(stage, REDIS, fail(), fail())
    assert said(told)["state"] == "applied"
    first, second = waits(stage, told)
    assert 0.5 <= first < 1.5
    assert 2 <= second < 3


async def test_req27_what_is_throttled_all_the_time_was_not_sent_and_expires_saying_so(open_stage: OpenStage) -> None:
    stage = await open_stage(policy=POLICY.replace('execute_within = "30m"', 'execute_within = "4s"'))
    await stage.start_bot()
    told = await carried_out(stage, REDIS, *[throttle(100)] * 99)
    assert said(told)["state"] == "expired"
    assert "DBS asks to wait: Throttling.User" in plain_text(told)
    assert len(sends(stage, REDIS)) > 5
    assert effects(stage, REDIS) == 0


async def test_a_secret_that_is_slow_does_not_stand_between_the_reading_and_the_send(open_stage: OpenStage) -> None:
    """What the console does while KMS is asked is seen, and not overwritten."""
    stage = await open_stage(policy=POLICY.replace("env:ORDERS_DB_PASSWORD", "kms:prod/orders"))
    stage.dbs.kms.secrets["prod/orders"] = PASSWORD
    gate = Gate()
    stage.dbs.next("GetSecretValue", hold(gate))
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, RDS, WITH_PASSWORD)
    await approve(stage, card)
    await gate.reached.wait()
    stage.dbs.change(RDS, BackupRetentionPeriod=1825)
    gate.release()
    told = await outcome(stage.slack, card)
    assert said(told)["state"] == "stale"
    assert sends(stage, RDS) == []


async def test_req36_a_channel_that_is_shared_after_the_approvals_is_not_written_to_and_nothing_is_sent(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(SWEEP_INTERVAL="1s")
    await stage.start_bot()
    card = await ask(stage.slack, stage.rita, REDIS, SHORTER)
    await stage.ana.click(card, "approve")
    ops = stage.slack.channel("C0OPS")
    await stage.slack.wait_for(lambda: "1 of 2" in plain_text(ops.messages[-1]))
    before = [dict(one) for one in ops.messages]
    ops.ext_shared = True
    await stage.ben.click(card, "approve")
    channels = stage.slack.world.workspace.channels
    direct = lambda: [one for channel in channels.values() if channel.dm_of for one in channel.messages]  # noqa: E731
    (told,) = await stage.slack.wait_for(direct)
    assert said(told)["state"] == "stale"
    assert "now shared with another organisation" in plain_text(told)
    assert buttons(told) == ["new_request"]
    assert (ops.messages, sends(stage, REDIS)) == (before, [])
