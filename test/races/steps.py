"""Random steps of a sequence: requests with good and bad bodies, the worker's moves, deaths of brokers. Plain data, so that steps can be left out."""
from model import OTHER_PLAN, PLAN, VERSION

INSTANCES, BINDINGS = ("i0", "i1", "i2"), ("b0", "b1", "b2")
CREATE = (None, {}, {"kafka_config": {"log.retention.ms": 1000}}, {"kafka_config": {"log.retention.ms": 2000, "compression.type": "lz4"}})
CREATE_BAD = ({"kafka_config": {"log.retention.ms": -5}}, {"kafka_config": {}}, {"kafka_config": {"log.retention.ms": None}}, {"nope": 1},
              {"kafka_config": {"broker.id": 1}})
UPDATE = CREATE + ({"kafka_config": {"log.retention.ms": None}}, {"kafka_config": {"compression.type": None, "log.retention.ms": 3000}})
UPDATE_BAD = ({"kafka_config": {"compression.type": "lz5"}}, {"kafka_config": []}, {"other": {}})
BIND = (None, {}, {"lifetime_seconds": 3600}, {"topics": [{"prefix": "a-", "rights": ["read"]}]})
BIND_BAD = ({"lifetime_seconds": 1}, {"topics": {}}, {"kafka_config": {}})
CONTEXTS = ({"platform": "cloudfoundry", "instance_name": "demo"}, {"platform": "cloudfoundry", "instance_name": "renamed"}, None)
WEIGHTS = {"put_instance": 14, "patch_instance": 12, "get_instance": 5, "delete_instance": 5, "put_binding": 16, "get_binding": 5, "delete_binding": 8,
           "last_operation": 10, "pair": 10, "sync": 6, "work": 16, "claim": 20, "describe": 10, "end": 12, "lapse": 4, "steal": 6, "expire": 1, "kill": 0.3, "again": 12}


def mostly(rng, values, *, first):
    """The first of the values with that probability, else any other."""
    return values[0] if rng.random() < first else rng.choice(values[1:])


def instance(rng):
    return rng.choices(INSTANCES, (8, 2, 1))[0]


def parameters(rng, good, bad):
    return rng.choice(bad) if rng.random() < 0.06 else rng.choice(good)


def request(rng, call):
    r = {"call": call, "instance": instance(rng), "minor": mostly(rng, (17, 13, 14, 15, 16, None), first=0.7),
         "asynchronous": rng.random() > 0.06}
    if rng.random() < 0.02:
        r["auth"] = False
    if call.startswith(("put", "patch")):
        r["parameters"] = parameters(rng, *{"put_instance": (CREATE, CREATE_BAD), "patch_instance": (UPDATE, UPDATE_BAD), "put_binding": (BIND, BIND_BAD)}[call])
        if rng.random() < 0.05:
            r["broken"] = rng.choice(("json", "array", "type", "missing"))
    if call == "put_instance":
        r.update(plan=mostly(rng, (PLAN, OTHER_PLAN, OTHER_PLAN, "no such plan"), first=0.85), space=mostly(rng, ("space", "elsewhere"), first=0.9))
    if call == "patch_instance":
        r["plan"] = mostly(rng, (None, PLAN, PLAN, PLAN, OTHER_PLAN, "no such plan"), first=0.6)
    if call in ("put_instance", "patch_instance"):
        r["context"] = rng.choice(CONTEXTS)
        if rng.random() < 0.15:
            r["maintenance"] = mostly(rng, (VERSION, "9.9.9"), first=0.7)
    if "binding" in call:
        r.update(binding=rng.choices(BINDINGS, (5, 2, 1))[0], asynchronous=True)
    if call == "put_binding":
        r.update(plan=mostly(rng, (PLAN, OTHER_PLAN, None, "no such plan"), first=0.9), app=mostly(rng, ("app", "other", ""), first=0.9))
        if rng.random() < 0.25:
            r.update(predecessor=rng.choice((*BINDINGS, "unknown")), plan=rng.choice((None, PLAN)), app=rng.choice(("", "app")))
            if rng.random() < 0.8:
                r["parameters"] = None
    if call.startswith("delete") and rng.random() < 0.05:
        r["no_ids"] = True
    if call == "last_operation":
        r["binding"] = rng.choice((None, None, *BINDINGS))
    return r


CALLS = [c for c in WEIGHTS if "_" in c]


def step(rng, before):
    kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if kind == "again":
        earlier = [s for s in before if s[0] == "request"]
        return rng.choice(earlier) if earlier else ("lapse", 0)
    if kind in CALLS:
        return ("request", rng.randrange(2), request(rng, kind))
    if kind == "pair":
        one = request(rng, rng.choices(CALLS, [WEIGHTS[c] for c in CALLS])[0])
        two = dict(one) if rng.random() < 0.3 else request(rng, rng.choices(CALLS, [WEIGHTS[c] for c in CALLS])[0])
        return ("pair", rng.randrange(2), one, two)
    if kind == "sync":
        return ("sync", rng.randrange(2), {**request(rng, rng.choice(("put_binding", "put_binding", "delete_binding"))), "asynchronous": False}, rng.random() < 0.8)
    if kind in ("work", "claim"):
        return (kind, rng.randrange(12), rng.random() < 0.8) if kind == "work" else (kind, rng.randrange(12), rng.randrange(2))  # which open one
    if kind == "end":
        return (kind, rng.randrange(2), rng.random() < 0.7)
    if kind == "expire":
        return (kind, rng.choice(BINDINGS))
    if kind == "kill":
        return (kind, rng.randrange(2), rng.choice((None, "store.commit.before", "store.commit.after")))
    return (kind, rng.randrange(2))  # describe, lapse, steal


def sequence(rng):
    """Most begin with an instance that is ready, many with a binding too."""
    steps, fate = [], rng.random()
    if fate < 0.85:
        steps += [("request", 0, {"call": "put_instance", "instance": "i0", "minor": 17, "asynchronous": True, "plan": PLAN, "space": "space",
                                  "parameters": rng.choice(CREATE), "context": CONTEXTS[0]}), ("work", 0, True)]
    if fate < 0.5:
        steps += [("request", 1, {"call": "put_binding", "instance": "i0", "binding": "b0", "minor": 17, "asynchronous": True, "plan": PLAN, "app": "app",
                                  "parameters": rng.choice(BIND)}), ("work", 0, True)]
    for _ in range(rng.randint(10, 40)):
        steps.append(step(rng, steps))
    return steps
