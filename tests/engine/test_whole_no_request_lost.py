"""Requests go on while releases change, and each is answered by an app: reads, writes, and those that take their time."""

from tests.engine.sudden_server import DOCKERFILE, SERVER
from tests.engine.whole_app import WholeApp
from tests.engine.whole_load import READ, SLOW, WRITE, Load

DEPLOYS = 10


def release(app: WholeApp, number: int) -> None:
    app.repository.commit(str(number), Dockerfile=DOCKERFILE, server__py=SERVER, index__html=f"release {number}")
    app.slipyard.git_push(app.repository.path, app.slug)


def test_ten_deploys_in_a_row_lose_no_request(whole_app: WholeApp) -> None:
    release(whole_app, 0)

    with Load(whole_app, READ, WRITE, SLOW) as load:
        for number in range(1, DEPLOYS + 1):
            release(whole_app, number)
            load.more()

    assert load.lost == []
    assert load.texts == {f"release {number}" for number in range(DEPLOYS + 1)}


def test_going_back_and_restarting_lose_no_request(whole_app: WholeApp) -> None:
    release(whole_app, 0)
    release(whole_app, 1)

    with Load(whole_app, READ, WRITE, SLOW) as load:
        whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug)
        load.more()
        whole_app.slipyard.slipyard("restart", whole_app.slug)
        load.more()

    assert load.lost == []
    assert load.texts == {"release 0", "release 1"}
