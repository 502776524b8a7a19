"""What only a broker can show that the suite starts: restarts, other catalogs and settings, a database that is away, the log."""
import http.client
import os
import re
import ssl
import subprocess
import uuid

from cases_http import IDENTITIES
from client import Client
from rows import ABSENT, expect
from suite import case
from world import LOG, SETTINGS, until


def change(folder, name, pattern, text):
    """Replaces in a file of a catalog; the pattern must be there."""
    path = os.path.join(folder, name)
    with open(path) as file:
        old = file.read()
    new = re.sub(pattern, text, old, count=1, flags=re.M)
    if new == old:
        raise ValueError(f"{path} has no {pattern}")
    with open(path, "w") as file:
        file.write(new)


@case("CAT-03 LOI-13 CAT-04 CAT-05 CAT-35 BND-25", needs=SETTINGS)
def restart_with_another_catalog(t, w):
    """A restart; then one with a plan that is gone, and one that cannot be bound any more."""
    folder = {}
    with w.own.another(w, "restarted", folder.setdefault("catalog", "") or (lambda f: folder.update(catalog=f))) as (broker, own):
        c, before = own.client, own.client.catalog()
        instance = c.create()
        binding, answer = c.bind(instance)
        broker.stop()
        broker.start()
        c = w.own.client(broker, w.client.observer).use((c.service_id, c.plan_id))
        t.equal("CAT-03", "the same catalog after a restart", c.catalog(), before)
        expect(t, w, "LOI-13", "the end is remembered over a restart", c.ask("LOI", instance), 200, see={"state": "succeeded"})
        t.equal("LOI-13", "the binding too", c.ask("GBN", instance, binding).body, answer.body)
        broker.stop()
        change(folder["catalog"], "catalog.yml", r"^plans:.*$", "plans: [standard, bare-minimum]")
        change(folder["catalog"], "plans/standard.yml", "^bindable: true", "bindable: false")
        broker.start()
        c = w.own.client(broker, w.client.observer).use((c.service_id, c.plan_id))
        t.equal("CAT-04", "the other catalog", [p["name"] for s in c.catalog() for p in s["plans"]], ["standard", "bare-minimum"])
        expect(t, w, "PRV-03", "a provision of the plan that is gone", c.ask("PRV", str(uuid.uuid4())), 400)
        expect(t, w, "CAT-05", "a fetch of its instance", c.ask("GIN", instance), 200, see={"plan_id": c.plan_id})
        expect(t, w, "CAT-05", "a fetch of its binding", c.ask("GBN", instance, binding), 200, see={"credentials": answer.body["credentials"]})
        expect(t, w, "CAT-05 UNB-03", "an unbind", c.ask("UNB", instance, binding), 200)
        t.equal("CAT-05", "a deprovision", c.delete(instance), "succeeded")
        c.use((c.service_id, c.plan("standard")[1]))
        instance = str(uuid.uuid4())
        t.equal("CAT-35", "a plan that cannot be bound is provisioned", c.end(c.ask("PRV", instance), instance), "succeeded")
        expect(t, w, "CAT-35 BND-25", "but not bound", c.ask("BND", instance, "b"), 400)
        expect(t, w, "BND-25 ERR-06", "nothing is made", c.ask("GBN", instance, "b"), 404)
        c.drop(instance)


@case("ERR-07", needs=SETTINGS)
def database_away(t, w):
    """Without its database the broker answers 503 and has done nothing."""
    with w.own.another(w, "away", faulty=True) as (broker, own):
        c, psql = own.client, w.own.pg.psql
        instance = c.create()
        binding, _ = c.bind(instance)
        fresh = str(uuid.uuid4())
        before = [own.client.ask(*call).body for call in (("GIN", instance), ("GBN", instance, binding))]
        psql("alter database away allow_connections false", superuser=True)
        psql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'away'", superuser=True)
        for call, at in (("PRV", fresh), ("UPD", instance), ("DEP", instance), ("BND", instance), ("UNB", instance), ("GIN", instance), ("LOI", instance)):
            answer = c.ask(call, at, binding if call == "UNB" else "new")
            expect(t, w, "ERR-07", f"{call} without a database", answer, 503, see={"description": str})
            t.check("ERR-07 KCL-06", f"{call} says when to come back", answer.headers.get("Retry-After", "").isdigit(), answer.headers.items())
        expect(t, w, "ERR-07", "the catalog is served", c.ask("CAT"), 200)
        psql("alter database away allow_connections true", superuser=True)
        t.check("ERR-07", "with its database it is ready", until(lambda: c.call("GET", "/readyz").status == 200, 30))
        expect(t, w, "ERR-07", "the provision has made nothing", c.ask("LOI", fresh), 404)
        t.equal("ERR-07", "the rest is as before", [c.ask(*call).body for call in (("GIN", instance), ("GBN", instance, binding))], before)
        c.drop(instance)


@case("DEP-10 LOI-11", needs=SETTINGS)
def failed_delete(t, w):
    """Something in the namespace does not go away in the time that the plan allows."""
    with w.own.another(w, "stuck", lambda f: change(f, "plans/developer.yml", "deprovision: [0-9]+", "deprovision: 10")) as (_, own):
        c = own.client
        instance = c.create()
        kubectl, ns = w.own.testbed.kubectl, w.own.namespace(instance)
        kubectl("-n", ns, "create", "configmap", "held")
        kubectl("-n", ns, "patch", "configmap", "held", "-p", '{"metadata": {"finalizers": ["example.com/held"]}}')
        t.equal("LOI-02", "a delete that fails", c.delete(instance), "failed")
        for minor in (15, 16, 17):
            seen = {"instance_usable": False if minor >= 16 else ABSENT, "update_repeatable": ABSENT}
            expect(t, w, "DEP-10 LOI-11 LOI-12 ERR-05 VER-06", f"2.{minor}", c.with_version(f"2.{minor}").ask("LOI", instance), 200, see=seen)
        kubectl("-n", ns, "patch", "configmap", "held", "-p", '{"metadata": {"finalizers": null}}')
        t.check("DEP-10 ORP-01", "the delete again, until the namespace has gone", until(lambda: c.delete(instance) == "succeeded", 120))
        expect(t, w, "DEP-05", "once", c.ask("DEP", instance), 410)


@case("PRV-08", needs=SETTINGS)
def plan_without_maintenance(t, w):
    def drop(folder):
        path = os.path.join(folder, "plans", "developer.yml")
        with open(path) as file:
            text = re.sub(r"^maintenance_info:.*\n(  .*\n)*", "", file.read(), flags=re.M)
        with open(path, "w") as file:
            file.write(text)
    with w.own.another(w, "bare", drop) as (_, own):
        instance = str(uuid.uuid4())
        t.check("AMB-09", "the plan has no maintenance_info", "maintenance_info" not in own.plan)
        for version in ("1.0.0", "x"):
            answer = own.client.ask("PRV", instance, body={"maintenance_info": {"version": version}})
            expect(t, w, "AMB-09 PRV-08", f"version {version}", answer, 422, "MaintenanceInfoConflict")
        expect(t, w, "AMB-09 PRV-21", "nothing is made", own.client.ask("DEP", instance), 410)
        expect(t, w, "PRV-09", "an empty maintenance_info", own.client.ask("PRV", instance, body={"maintenance_info": {}}), 202)
        expect(t, w, "GIN-07", "a fetch of the instance", own.client.ask("GIN", own.client.create()), 200, see={"maintenance_info": ABSENT})
        own.client.drop(instance)


AUDITED = [  # action, call, on, status, changes
    ("provision", "PRV", "ready", 409, {"body": {"space_guid": "another"}}), ("provision", "PRV", "ready", 200, {}), ("provision", "PRV", "new", 400, {"raw": b"{"}),
    ("update", "UPD", "ready", 200, {}), ("update", "UPD", "new", 404, {}), ("deprovision", "DEP", "new", 410, {}), ("bind", "BND", "ready", 200, {}),
    ("bind", "BND", "new", 404, {}), ("unbind", "UNB", "new", 410, {})]


@case("HDR-10 AUD-01 AUD-02 AUD-03", needs=LOG)
def audit(t, w):
    c, asked = w.client, {}
    for action, call, on, status, more in AUDITED:
        mark, (instance, binding) = str(uuid.uuid4()), w.target(on)
        headers = {"X-Broker-API-Request-Identity": mark, **IDENTITIES[0][1]}
        expect(t, w, "ERR-01", f"{call} to be audited", c.ask(call, instance, binding, headers=headers, **more), status)
        asked[mark] = {"action": action, "instance": instance, "status": str(status), "platform": "cloudfoundry", "user": c.username, "client": "127.0.0.1",
                       "platform_user": "683ea748-3092-4ff4-b656-39cacc4d5360", **({"binding": binding} if call in ("BND", "UNB") else {})}
    quiet = [(call, {}) for call in ("CAT", "GIN", "LOI", "GBN", "LOB")] + [("PRV", {"Authorization": None}), ("DEP", {"Authorization": "Bearer x"})]
    for call, headers in quiet:
        mark = str(uuid.uuid4())
        c.ask(call, w.ready, w.bound, headers={"X-Broker-API-Request-Identity": mark, **headers})
        asked[mark] = None
    t.check("AUD-01", "every write is in the log", until(lambda: all(mark in str(w.own.log_lines()) for mark, want in asked.items() if want), 10))
    lines = [line for line in w.own.log_lines() if line.get("event") == "audit"]
    for mark, want in asked.items():
        found = [line for line in lines if line.get("request_identity") == mark]
        if want is None:
            t.equal("AUD-02", "no audit line for a read or a failed login", found, [])
        else:
            t.equal("AUD-01", f"one audit line for {want['action']} {want['status']}", len(found), 1)
            t.equal("AUD-01 HDR-10", f"what it says of {want['action']} {want['status']}", {k: (found or [{}])[0].get(k) for k in want}, want)
    text = str(w.own.log_lines())
    bound = c.ask("GBN", w.ready, w.bound).body["credentials"]
    for name, secret in (("the broker's password", c.password), ("its login", c.headers["Authorization"]), ("a binding's password", bound["password"])):
        t.check("AUD-03 ERR-03", f"the log does not hold {name}", secret not in text)


@case("UPD-13 GIN-07", needs=SETTINGS)
def newer_version(t, w):
    """The plan gets a new maintenance version; the instance keeps its own."""
    folder = {}
    with w.own.another(w, "newer", lambda f: folder.update(catalog=f)) as (broker, own):
        instance, old = own.client.create(), own.names["$version"]
        broker.stop()
        change(folder["catalog"], "plans/developer.yml", f"version: {re.escape(old)}", "version: 99.1.0-rc.1+build.5")
        broker.start()
        c = w.own.client(broker, w.client.observer).use((own.client.service_id, own.client.plan_id))
        maintenance = [p["maintenance_info"]["version"] for s in c.catalog() for p in s["plans"] if p["id"] == c.plan_id]
        t.equal("CAT-60", "the new version in the catalog", maintenance, ["99.1.0-rc.1+build.5"])
        expect(t, w, "GIN-07", "the instance's own version", c.ask("GIN", instance), 200, see={"maintenance_info.version": old})
        new = {"maintenance_info": {"version": "99.1.0-rc.1+build.5"}}
        expect(t, w, "UPD-13", "an upgrade that cannot be done", c.ask("UPD", instance, body=new), 422, "MaintenanceNotSupported", {"update_repeatable": False})
        expect(t, w, "UPD-11", "an upgrade to the old version", c.ask("UPD", instance, body={"maintenance_info": {"version": old}}), 422, "MaintenanceInfoConflict")
        expect(t, w, "PRV-08", "a provision of the old version", c.ask("PRV", str(uuid.uuid4()), body={"maintenance_info": {"version": old}}), 422,
               "MaintenanceInfoConflict")
        expect(t, w, "PRV-13 AMB-10", "the same provision of the old instance", c.ask("PRV", instance), 200)
        expect(t, w, "GIN-07 UPD-17", "the instance's own version", c.ask("GIN", instance), 200, see={"maintenance_info.version": old})
        fresh = str(uuid.uuid4())
        t.equal("PRV-09", "a provision of the new version", c.end(c.ask("PRV", fresh, body=new), fresh), "succeeded")
        expect(t, w, "GIN-07", "its version", c.ask("GIN", fresh), 200, see={"maintenance_info.version": "99.1.0-rc.1+build.5"})
        for each in (instance, fresh):
            c.drop(each)


@case("AUT-04", needs=SETTINGS)
def over_tls(t, w):
    w.own.require("tls_certificate")
    key, certificate = (os.path.join(w.own.folder, name) for name in ("key.pem", "cert.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    trusting = ssl.create_default_context(cafile=certificate)
    with w.own.another(w, "tls", tls_certificate=certificate, tls_key=key, secure=trusting) as (_, own):
        c = own.client
        t.equal("AUT-04", "a whole life over TLS: provision", c.end(c.ask("PRV", "over-tls"), "over-tls"), "succeeded")
        t.equal("AUT-04", "bind", c.bind("over-tls")[1].status, 201)
        t.equal("AUT-04", "deprovision", c.delete("over-tls"), "succeeded")
        expect(t, w, "AUT-04 AUT-01", "no credentials over TLS", c.ask("CAT", headers={"Authorization": None}), 401)
        try:
            status = Client(c.url, c.username, c.password).ask("CAT").status
        except ssl.SSLCertVerificationError as problem:
            status = problem.reason
        t.equal("AUT-04", "who does not know the CA does not get through", status, "CERTIFICATE_VERIFY_FAILED")
        try:
            status = Client(c.url.replace("https", "http"), c.username, c.password).ask("CAT").status
        except (OSError, http.client.HTTPException):
            status = "dropped"
        t.equal("AUT-04", "plain HTTP to it", status, "dropped")


@case("SET-01", needs=SETTINGS)
def delete_is_forgotten(t, w):
    w.own.require("last_operation_after_delete")
    with w.own.another(w, "gone", last_operation_after_delete="gone") as (_, own):
        c, instance, binding = own.client, own.client.create(), str(uuid.uuid4())
        c.bind(instance, binding=binding)
        expect(t, w, "SET-01 LOB-05", "a poll after a bind", c.ask("LOB", instance, binding), 200, see={"state": "succeeded"})
        c.ask("UNB", instance, binding)
        expect(t, w, "SET-01 LOB-05", "a poll after an unbind", c.ask("LOB", instance, binding), 410)
        c.ask("DEP", instance)
        t.check("SET-01 LOI-07 LOI-06", "the polls end with 410", until(lambda: c.ask("LOI", instance).status == 410, 60))
        expect(t, w, "SET-01 LOI-05", "an unknown instance", c.ask("LOI", str(uuid.uuid4())), 404)


@case("SET-02", needs=SETTINGS)
def without_endpoints(t, w):
    w.own.require("endpoints")
    with w.own.another(w, "noends", endpoints=False) as (_, own):
        c, instance, binding = own.client, own.client.create(), str(uuid.uuid4())
        for call, status in (("BND", 201), ("BND", 200), ("GBN", 200)):
            expect(t, w, "SET-02", f"{call} {status}", c.ask(call, instance, binding), status, see={"endpoints": ABSENT, "credentials": dict})
        c.drop(instance)


@case("SET-03", needs=SETTINGS)
def labels_for_older(t, w):
    w.own.require("metadata_from_minor")
    for first in (15, 17):
        with w.own.another(w, f"labels{first}", metadata_from_minor=first) as (_, own):
            c = own.client
            instance = c.create()
            for minor in (13, 14, 15, 16, 17):
                seen = {"metadata.labels": dict} if minor >= first else {"metadata": ABSENT}
                expect(t, w, "SET-03", f"from 2.{first}, asked with 2.{minor}", c.with_version(f"2.{minor}").ask("PRV", instance), 200, see=seen)
            c.drop(instance)


QUOTAS = """global: {instances: 5}
plans: {standard: {instances: 1}}
organization: {instances: 3}
space: {instances: 2}
organizations: {big: {instances: 4}, none: {instances: 0}}
spaces: {wide: {instances: 4}}
"""


@case("QUO-01 QUO-02 QUO-03 QUO-04 QUO-05 AMB-13", needs=SETTINGS)
def quotas(t, w):
    w.own.require("quotas")
    path = os.path.join(w.own.folder, "quotas.yml")
    with open(path, "w") as file:
        file.write(QUOTAS)
    with w.own.another(w, "quotas", quotas=path) as (_, own):
        c, made = own.client, []

        def create(rule, what, organization, space, fits=True, plan="developer"):
            instance = str(uuid.uuid4())
            answer = c.ask("PRV", instance, body={"organization_guid": organization, "space_guid": space, "plan_id": c.plan(plan)[1]})
            if fits:
                expect(t, w, rule, what, answer, 202)
                made.append(instance)
            else:
                expect(t, w, f"{rule} AMB-13 CFR-07", what, answer, 400, "QuotaExceeded", {"description": str})
                expect(t, w, f"{rule} PRV-21", f"{what}: makes nothing", c.ask("LOI", instance), 404)
            return answer

        create("QUO-02", "an organization that may have none", "none", "n", fits=False)
        create("QUO-03", "the first of a space", "a", "a1")
        create("QUO-03", "the second of a space", "a", "a1")
        create("QUO-03", "the third of a space", "a", "a1", fits=False)
        create("QUO-02", "the third of an organization", "a", "a2")
        refused = create("QUO-02", "the fourth of an organization", "a", "a2", fits=False)
        t.check("QUO-02", "says what is allowed and used", "3" in refused.body["description"] and "a" in refused.body["description"], refused.body)
        create("QUO-04", "the first of a plan", "big", "wide", plan="standard")
        create("QUO-04", "the second of a plan", "big", "wide", fits=False, plan="standard")
        create("QUO-01", "the fifth of all", "big", "wide")
        create("QUO-01", "the sixth of all", "big", "wide", fits=False)
        expect(t, w, "QUO-01 PRV-14", "another provision of a known id", c.ask("PRV", made[0], body={"space_guid": "x"}), 409)
        t.equal("QUO-05", "a delete", c.delete(made.pop()), "succeeded")
        create("QUO-05", "in its place another", "big", "wide")
        for instance in made:
            c.drop(instance)
