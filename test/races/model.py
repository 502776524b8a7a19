"""
What a broker may answer, written from the rules of the Open Service Broker API 2.17 and what this broker promises beyond it. A world is one possible
truth; a request in a world has one effect and a set of permitted answers. Where a broker was killed, several worlds are possible until seen.
"""
import re
from typing import NamedTuple, Optional

ASYNC = "This service plan requires client support for asynchronous service operations."
BUSY = "The Service Broker does not support concurrent requests that mutate the same resource."
SERVICE, PLAN, OTHER_PLAN = "service", "plan", "other plan"  # replaced by the catalog's ids when sent
VERSION = "1.0.0"
QUOTA = 2  # instances of one organization


class Instance(NamedTuple):
    state: str
    plan: str
    space: str
    parameters: Optional[dict]
    context: Optional[dict]


class Binding(NamedTuple):
    state: str
    instance: str
    app: Optional[str]
    parameters: Optional[dict]
    predecessor: Optional[str]
    expired: bool = False


class Operation(NamedTuple):
    serial: int
    kind: str
    state: str = "in progress"
    text: Optional[str] = None     # None: the broker's own
    id: Optional[str] = None       # None: nobody has been told yet
    holder: Optional[int] = None   # the hand that may write
    leased: bool = False
    ask: Optional[tuple] = None    # of an update: (what was asked, parameters or None, context or None)


class World:
    """
    instances and bindings by id; last: the newest operation by (instance, binding or None); hands of the worker: {hand: (that pair, serial)};
    letting_go: {serial: (instance, hand)} of cancelled operations whose worker may still be at them.
    """

    def __init__(self):
        self.instances, self.bindings, self.last, self.letting_go, self.hands, self.count = {}, {}, {}, {}, {}, 0

    def copy(self):
        other = World()
        other.instances, other.bindings, other.last = dict(self.instances), dict(self.bindings), dict(self.last)
        other.letting_go, other.hands, other.count = dict(self.letting_go), dict(self.hands), self.count
        return other

    def key(self):
        return repr((sorted(self.instances.items()), sorted(self.bindings.items()), sorted(self.last.items(), key=repr), self.letting_go, self.hands, self.count))

    def start(self, key, kind, ask=None):
        old = self.last.get(key)
        if old and old.state == "in progress":
            if old.leased:
                self.letting_go[old.serial] = (key[0], old.holder)
        self.count += 1
        self.last[key] = Operation(self.count, kind, ask=ask)

    def binding_busy(self, instance):
        return any(k[0] == instance and k[1] and o.state == "in progress" for k, o in self.last.items())


class Answer(NamedTuple):
    """statuses that are permitted; word: what `error` may be; key: whose operation a 202 names; look: body → complaint or None; waits: it ends with the operation."""
    statuses: tuple
    words: tuple = ()
    text: Optional[str] = None
    key: Optional[tuple] = None
    look: Optional[object] = None
    waits: bool = False


def refuse(status, *words, text=None):
    return Answer((status,), words, text)


BAD = refuse(400, "BadRequest")
NO_ASYNC = refuse(422, "AsyncRequired", text=ASYNC)
BUSY_NOW = refuse(422, "ConcurrencyError", text=BUSY)
CONFLICT = refuse(409, "Conflict")
GONE = refuse(410, "Gone")
NOT_FOUND = refuse(404, "NotFound")

SETTINGS = {"log.retention.ms": lambda v: type(v) is int and v >= -1,
            "compression.type": lambda v: v in ("producer", "uncompressed", "gzip", "lz4", "snappy", "zstd")}
BIND_PARAMETERS = {"topics": lambda v: type(v) is list, "lifetime_seconds": lambda v: type(v) is int and 60 <= v <= 315360000}


def settings_fit(parameters, null_too=False):
    if not parameters:
        return True
    config = parameters.get("kafka_config")
    return set(parameters) == {"kafka_config"} and type(config) is dict and len(config) > 0 and all(
        k in SETTINGS and (null_too and v is None or v is not None and SETTINGS[k](v)) for k, v in config.items())


def binding_fits(parameters):
    return not parameters or all(k in BIND_PARAMETERS and BIND_PARAMETERS[k](v) for k, v in parameters.items())


def merged(old, change):
    config = {**((old or {}).get("kafka_config") or {}), **((change or {}).get("kafka_config") or {})}
    config = {k: v for k, v in config.items() if v is not None}
    return {"kafka_config": config} if config else None


def unreadable(r):
    """What is refused before anything is looked at; None when nothing is wrong."""
    if r.get("auth") is False:
        return refuse(401)
    if r["minor"] is None:
        return refuse(412)
    return BAD if r.get("broken") else None


def labels_from(minimum, r):
    def look(body):
        has = isinstance(body.get("metadata", {}).get("labels"), dict)
        return None if has == (r["minor"] >= minimum) else f"labels at 2.{r['minor']}: {has}"
    return look


def put_instance(w, r):
    key, known = (r["instance"], None), w.instances.get(r["instance"])
    if r["plan"] not in (PLAN, OTHER_PLAN):
        return BAD
    labels = labels_from(16, r)
    if known:
        same = (known.plan, known.space, known.parameters) == (r["plan"], r["space"], r["parameters"] or None)
        if known.state == "deleting":
            return BUSY_NOW
        if not same or known.state in ("create failed", "delete failed"):
            return CONFLICT
        if known.state != "creating":
            return Answer((200,), look=labels)
        return Answer((202,), key=key, look=labels) if r["asynchronous"] else NO_ASYNC
    if r.get("maintenance", VERSION) != VERSION:
        return refuse(422, "MaintenanceInfoConflict")
    if not r["asynchronous"]:
        return NO_ASYNC
    if not settings_fit(r["parameters"]):
        return BAD
    if len(w.instances) >= QUOTA:
        return refuse(400, "QuotaExceeded")
    w.instances[r["instance"]] = Instance("creating", r["plan"], r["space"], r["parameters"] or None, r.get("context"))
    w.start(key, "provision")
    return Answer((202,), key=key, look=labels)


def not_repeatable(r):
    return lambda body: None if body.get("update_repeatable", True) == (r["minor"] < 16) else "update_repeatable"


def patch_instance(w, r):
    key, known = (r["instance"], None), w.instances.get(r["instance"])
    if r.get("plan") not in (None, PLAN, OTHER_PLAN):
        return BAD
    if not known:
        return NOT_FOUND
    if r.get("maintenance", VERSION) != VERSION:
        return refuse(422, "MaintenanceInfoConflict")
    if not r["asynchronous"]:
        return NO_ASYNC
    if known.state in ("create failed", "delete failed"):
        return Answer((422,), ("InstanceNotUsable",), look=not_repeatable(r))
    labels, parameters, context = labels_from(16, r), r["parameters"] or None, r.get("context")
    ask = repr((r.get("plan"), parameters, context, r.get("maintenance")))
    if known.state == "updating" and w.last[key].ask[0] == ask:
        return Answer((202,), key=key, look=labels)
    if known.state != "ready" or w.binding_busy(r["instance"]):
        return BUSY_NOW
    if not settings_fit(parameters, null_too=True):
        return BAD
    if (r.get("plan") or known.plan) != known.plan:
        return Answer((422,), ("PlanChangeNotSupported",), look=not_repeatable(r))
    after = merged(known.parameters, parameters)
    renamed = context is not None and context.get("instance_name") != (known.context or {}).get("instance_name")
    if after == known.parameters and not renamed:
        w.instances[r["instance"]] = known._replace(context=context or known.context)
        return Answer((200,), look=labels)
    w.instances[r["instance"]] = known._replace(state="updating")
    w.start(key, "update", (ask, (after,) if parameters else None, context))
    return Answer((202,), key=key, look=labels)


def get_instance(w, r):
    known = w.instances.get(r["instance"])
    if not known or known.state in ("creating", "create failed"):
        return NOT_FOUND

    def look(body):
        wanted = {"service_id": SERVICE, "plan_id": known.plan, **({"parameters": known.parameters} if known.parameters else {})}
        if r["minor"] >= 17:
            wanted["maintenance_info"] = {"version": VERSION}
        got = {k: v for k, v in body.items() if k != "metadata"}
        return (None if got == wanted else f"wanted {wanted}") or labels_from(17, r)(body)
    return Answer((200,), look=look)


def delete_instance(w, r):
    key, known = (r["instance"], None), w.instances.get(r["instance"])
    if r.get("no_ids"):
        return BAD
    if not r["asynchronous"]:
        return NO_ASYNC
    if not known:
        return GONE
    if known.state == "updating" or (known.state in ("ready", "create failed", "delete failed") and w.binding_busy(r["instance"])):
        return BUSY_NOW
    if known.state != "deleting":
        w.instances[r["instance"]] = known._replace(state="deleting")
        w.start(key, "deprovision")
    return Answer((202,), key=key)


def credentials(b, r):
    def look(body):
        if not isinstance(body.get("credentials"), dict) or ("endpoints" in body) != (r["minor"] >= 15):
            return "credentials or endpoints"
        lives = bool((b.parameters or {}).get("lifetime_seconds"))
        told = [m for m in ("expires_at", "renew_before") if m in body.get("metadata", {})]
        wanted = [m for m, minor in (("expires_at", 16), ("renew_before", 17)) if lives and r["minor"] >= minor]
        if r["call"] == "get_binding" and body.get("parameters") != (b.parameters or None):
            return f"parameters, not {b.parameters}"
        return None if told == wanted else f"metadata with {told}, not {wanted}"
    return look


def same_binding(known, r, plan):
    rotates = bool(r.get("predecessor"))
    parameters = r["parameters"] or None
    return ((known.instance, known.predecessor) == (r["instance"], r.get("predecessor")) and (r.get("plan") or plan) == plan
            and (rotates and not r.get("app") or known.app == (r.get("app") or None)) and (rotates and not parameters or known.parameters == parameters))


def put_binding(w, r):
    key, known, instance = (r["instance"], r["binding"]), w.bindings.get(r["binding"]), w.instances.get(r["instance"])
    if r.get("plan") not in (None, PLAN, OTHER_PLAN) or (r.get("plan") is None and not r.get("predecessor")):
        return BAD
    if not instance:
        return NOT_FOUND
    if instance.state in ("creating", "deleting", "updating"):
        return BUSY_NOW
    if instance.state != "ready":
        return BAD
    if known:
        if known.state == "deleting":
            return BUSY_NOW
        if not same_binding(known, r, instance.plan) or known.state in ("create failed", "delete failed"):
            return CONFLICT
        if known.state == "ready":
            return Answer((200,), look=credentials(known, r))
        return Answer((202,) if r["asynchronous"] else (200, 201), key=key, waits=not r["asynchronous"], look=None if r["asynchronous"] else credentials(known, r))
    parameters, app = r["parameters"] or None, r.get("app") or None
    if r.get("predecessor"):
        old = w.bindings.get(r["predecessor"])
        if not old or old.instance != r["instance"] or old.state != "ready" or old.expired or (parameters and parameters != old.parameters):
            return BAD
        parameters, app = old.parameters, app or old.app
    if (r.get("plan") or instance.plan) != instance.plan or not binding_fits(parameters):
        return BAD
    made = Binding("creating", r["instance"], app, parameters, r.get("predecessor"))
    w.bindings[r["binding"]] = made
    w.start(key, "bind")
    return Answer((202,) if r["asynchronous"] else (200, 201), key=key, waits=not r["asynchronous"], look=None if r["asynchronous"] else credentials(made, r))


def get_binding(w, r):
    known = w.bindings.get(r["binding"])
    if not known or known.instance != r["instance"] or known.state != "ready":
        return NOT_FOUND
    return Answer((200, 404) if known.expired else (200,), ("NotFound",), look=credentials(known, r))


def delete_binding(w, r):
    key, known, instance = (r["instance"], r["binding"]), w.bindings.get(r["binding"]), w.instances.get(r["instance"])
    if not known or known.instance != r["instance"]:
        return GONE
    if r.get("no_ids"):
        return BAD
    if instance.state in ("creating", "deleting", "updating"):
        return BUSY_NOW
    if known.state != "deleting":
        w.bindings[r["binding"]] = known._replace(state="deleting")
        w.start(key, "unbind")
    return Answer((202,) if r["asynchronous"] else (200,), key=key, waits=not r["asynchronous"])


def last_operation(w, r):
    op = w.last.get((r["instance"], r.get("binding")))
    if not op:
        return NOT_FOUND

    def look(body):
        wanted = {"state": op.state, "description": op.text or body["description"]}
        if op.state == "failed" and r["minor"] >= 16 and op.kind in ("deprovision", "update"):
            wanted["instance_usable"] = op.kind == "update"
            if op.kind == "update":
                wanted["update_repeatable"] = True
        return None if body == wanted and body["description"] else f"wanted {wanted}"
    return Answer((200,), look=look)


CALLS = {f.__name__: f for f in (put_instance, patch_instance, get_instance, delete_instance, put_binding, get_binding, delete_binding, last_operation)}


def apply(world, r):
    """(the permitted answer, the world after the request)."""
    early = unreadable(r)
    if early:
        return early, world
    after = world.copy()
    return CALLS[r["call"]](after, r), after


def match(answer, world, reply):
    """(complaint or None, the world in which the operation's id is known)."""
    body = reply.body
    if not isinstance(body, dict):
        return f"{reply}: no object", world
    if reply.status not in answer.statuses:
        return f"{reply}: permitted are {answer.statuses} {answer.words}", world
    if reply.status >= 400:
        good = re.fullmatch("[A-Z][A-Za-z]+", body.get("error", "")) and body.get("description", "").strip()
        if not good or (answer.words and body["error"] not in answer.words) or (answer.text and body["description"] != answer.text):
            return f"{reply}: wanted {answer.words} {answer.text or ''}", world
    if reply.status == 202:
        op = world.last[answer.key]
        if not body.get("operation") or (op.id and op.id != body["operation"]):
            return f"{reply}: operation of {op}", world
        world = world.copy()
        world.last[answer.key] = op._replace(id=body["operation"])
    complaint = answer.look(body) if answer.look and (reply.status < 300 or reply.status == 422) else None
    return (f"{reply}: {complaint}" if complaint else None), world


# --- The worker. ---

def is_open(w, key):
    return key in w.last and w.last[key].state == "in progress"


def claimable(w, key):
    waiting = any(instance == key[0] for instance, _ in w.letting_go.values())
    return is_open(w, key) and not w.last[key].leased and not waiting


def claim(w, key, hand):
    """What the hand gets, and the world after it."""
    if not claimable(w, key):
        return "none", w
    w = w.copy()
    op = w.last[key] = w.last[key]._replace(holder=hand, leased=True)
    w.hands[hand] = (key, op.serial)
    return op.kind, w


def holds(w, hand):
    key, serial = w.hands[hand]
    op = w.last.get(key)
    return op.serial == serial and op.state == "in progress" and op.holder == hand


def lapse(w, hand):
    """The lease of what the hand holds runs out."""
    w, (key, serial) = w.copy(), w.hands[hand]
    if w.letting_go.get(serial, (None, None))[1] == hand:
        del w.letting_go[serial]
    if holds(w, hand):
        w.last[key] = w.last[key]._replace(leased=False)
    return w


def describe(w, hand, text):
    """What the hand is told, and the world after it."""
    if not holds(w, hand):
        return "lost", w
    w, (key, _) = w.copy(), w.hands[hand]
    w.last[key] = w.last[key]._replace(text=text)
    return "done", w


def end(w, hand, succeeded, text):
    """What the hand is told, and the world after it; a hand that has lost its operation lets go of it."""
    held, w = holds(w, hand), w.copy()
    key, serial = w.hands.pop(hand)
    if held:
        finish(w, key, succeeded, text)
    elif w.letting_go.get(serial, (None, None))[1] == hand:
        del w.letting_go[serial]
    return ("done" if held else "lost"), w


def finish(w, key, succeeded, text):
    op = w.last[key]
    instance, binding = key
    w.last[key] = op._replace(state="succeeded" if succeeded else "failed", text=text, leased=False, holder=None)
    if op.kind in ("bind", "unbind"):
        if op.kind == "unbind" and succeeded:
            del w.bindings[binding]
        else:
            state = "ready" if succeeded else "create failed" if op.kind == "bind" else "delete failed"
            w.bindings[binding] = w.bindings[binding]._replace(state=state)
    elif op.kind == "deprovision" and succeeded:
        del w.instances[instance]
        w.bindings = {b: v for b, v in w.bindings.items() if v.instance != instance}
    else:
        known = w.instances[instance]
        if op.kind == "update":
            known = known._replace(state="ready")
            if succeeded:
                _, parameters, context = op.ask
                known = known._replace(parameters=parameters[0] if parameters else known.parameters, context=context or known.context)
        else:
            known = known._replace(state="ready" if succeeded else "create failed" if op.kind == "provision" else "delete failed")
        w.instances[instance] = known


def expire(w, binding):
    w = w.copy()
    if binding in w.bindings and (w.bindings[binding].parameters or {}).get("lifetime_seconds"):
        w.bindings[binding] = w.bindings[binding]._replace(expired=True)
    return w
