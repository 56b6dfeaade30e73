"""python3-redis (redis-py) as a client of the server on the port that is the first word."""
import sys
import time

import redis

PORT = int(sys.argv[1])
EVERY_BYTE = bytes(range(256))
checks = 0


def equal(actual, expected):
    global checks
    assert actual == expected, f"{actual!r} is not {expected!r}"
    checks += 1


def fails(call, words):
    global checks
    try:
        call()
    except redis.RedisError as error:
        assert words in str(error), f"{error} lacks {words}"
        checks += 1
        return
    raise AssertionError(f"no error with {words}")


def eventually(ask, timeout_s=40):
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return ask()
        except redis.RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def commands(db):
    equal(db.ping(), True)
    equal(db.set("a", 1), True)
    equal(db.get("a"), b"1")
    equal(db.get("missing"), None)
    equal(db.incr("a"), 2)
    equal(db.incrbyfloat("f", 1.5), 1.5)
    equal(db.set("t", "v", ex=100), True)
    equal(db.set("t", "w", nx=True), None)
    equal(db.set("t", "w", keepttl=True, get=True), b"v")
    equal(70 < db.ttl("t") <= 100, True)  # Some may have passed.
    equal(db.mset({"m1": "x", "m2": "y"}), True)
    equal(db.mget("m1", "missing", "m2"), [b"x", None, b"y"])
    equal(db.exists("m1", "m2", "missing"), 2)
    equal(db.delete("m1", "m2"), 2)
    equal(db.append("s", "hello"), 5)
    equal(db.getrange("s", 1, -2), b"ell")
    equal(db.setbit("b", 7, 1), 0)
    equal(db.bitcount("b"), 1)
    equal(db.bitfield("b").get("u8", 0).incrby("u8", 0, 5).execute(), [1, 6])
    equal(db.type("s"), b"string")
    equal(db.expire("s", 50), True)
    equal(db.persist("s"), True)
    equal(db.object("encoding", "a"), b"int")
    equal(isinstance(db.time()[0], int), True)
    fails(lambda: db.incr("s"), "value is not an integer or out of range")
    fails(lambda: db.execute_command("NOSUCH", "a"), "unknown command 'NOSUCH'")
    fails(lambda: db.rename("{r}a", "{r}b"), "no such key")


def server(db):
    equal("redis_version" in db.info(), True)
    equal(list(db.config_get("maxmemory")), ["maxmemory"])
    equal(db.client_setname("tester"), True)
    equal(db.client_getname(), "tester")
    equal([client["name"] for client in db.client_list() if client["name"]], ["tester"])
    equal(db.client_info()["name"], "tester")
    equal(db.command_count() > 100, True)
    equal(db.command_getkeys("SET", "a", "b"), ["a"])
    equal(isinstance(db.memory_usage("a"), int), True)
    equal(db.slowlog_len() >= 0, True)
    equal(db.dbsize() > 3, True)
    equal(db.role()[0], b"master")


def binary(db):
    equal(db.set(EVERY_BYTE, EVERY_BYTE), True)
    equal(db.get(EVERY_BYTE), EVERY_BYTE)
    equal(db.strlen(EVERY_BYTE), 256)
    payload = db.dump(EVERY_BYTE)
    equal(db.restore("restored", 0, payload), b"OK")
    equal(db.get("restored"), EVERY_BYTE)
    equal(db.getdel(EVERY_BYTE), EVERY_BYTE)


def pipelines(db):
    with db.pipeline(transaction=False) as pipe:
        for i in range(500):
            pipe.set(f"p:{i}", f"v{i}").get(f"p:{i}")
        results = pipe.execute()
    equal(len(results), 1000)
    equal(results[-1], b"v499")


def transactions(db):
    with db.pipeline() as pipe:
        equal(pipe.set("{x}a", 1).incr("{x}a").get("{x}a").execute(), [True, 2, b"2"])
        pipe.watch("{x}a")
        db.set("{x}a", 7)
        pipe.multi()
        pipe.set("{x}a", 9)
        fails(pipe.execute, "Watched variable changed")
    equal(db.get("{x}a"), b"7")
    with db.pipeline() as pipe:
        pipe.incr("{x}s").append("{x}s", "x").incr("{x}s")
        fails(pipe.execute, "value is not an integer or out of range")


def scans(db):
    equal(len(set(db.scan_iter(match="p:*", count=100))), 500)
    equal(len(db.keys("p:49?")), 10)
    equal(set(db.scan_iter(match="{x}*", _type="string")), {b"{x}a", b"{x}s"})


def next_message(subscriber, timeout_s=40):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if message := subscriber.get_message(timeout=0.2):
            return message
    raise AssertionError("no message came")


def messages(db):
    subscriber = db.pubsub()
    subscriber.subscribe("news")
    subscriber.psubscribe("n*s")
    equal([next_message(subscriber)["type"] for _ in range(2)], ["subscribe", "psubscribe"])
    equal(db.publish("news", EVERY_BYTE), 2)
    equal({next_message(subscriber)["type"] for _ in range(2)}, {"message", "pmessage"})
    subscriber.ping("are you there")
    equal(next_message(subscriber)["data"], b"are you there")
    return subscriber


def restarts(db, subscriber):
    equal(db.set("stays", "here"), True)
    print("restart", flush=True)
    assert sys.stdin.readline() == "restarted\n"
    equal(eventually(lambda: db.get("stays")), b"here")
    eventually(lambda: subscriber.get_message(timeout=0.1))  # It subscribes again by itself.
    while db.publish("nets", "again") == 0:
        eventually(lambda: subscriber.get_message(timeout=0.05))
    while next_message(subscriber)["data"] != b"again":
        pass


def main():
    db = redis.Redis("127.0.0.1", PORT, socket_timeout=30, client_name=None)
    equal(db.flushall(), True)
    commands(db)
    server(db)
    binary(db)
    pipelines(db)
    transactions(db)
    scans(db)
    restarts(db, messages(db))
    equal(redis.Redis("127.0.0.1", PORT, client_name="named", db=0).client_getname(), "named")
    print(f"{checks} checks")


main()
