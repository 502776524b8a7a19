"""A client of the Open Service Broker API, as a platform is one: calls, polling, the catalog."""
import base64
import http.client
import json
import time
import urllib.parse
import uuid

ORG, SPACE = "0a8b6f7e-1111-4a6e-9f0e-000000000001", "0a8b6f7e-2222-4a6e-9f0e-000000000002"


class Refused(Exception):
    """An answer that is not the expected one."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: HTTP {answer.status} {json.dumps(answer.body)[:600]}")
        self.answer = answer


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Osb:
    """url: http(s)://host:port of the broker; one connection per call, as Cloud Controller does. context: ssl.SSLContext, for https."""

    def __init__(self, url, username, password, version="2.17", context=None):
        parts = urllib.parse.urlsplit(url)
        self.url, self.host, self.port, self.context = url, parts.hostname, parts.port, context
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "X-Broker-API-Version": version}

    def connect(self, timeout=70):
        if self.context:
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.context)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, timeout=70):
        connection = self.connect(timeout)
        try:
            sent = {**self.headers, **(headers or {})}
            data = None
            if body is not None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, data, {k: v for k, v in sent.items() if v is not None})
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, response.headers, json.loads(text) if text else None)
        finally:
            connection.close()

    def catalog(self):
        answer = self.call("GET", "/v2/catalog")
        if answer.status != 200:
            raise Refused("catalog", answer)
        return answer.body["services"]

    def plan(self, name):
        """(service id, plan id) of a plan by its name."""
        for service in self.catalog():
            for plan in service["plans"]:
                if plan["name"] == name:
                    return service["id"], plan["id"]
        raise LookupError(f"the catalog has no plan {name}")

    @staticmethod
    def instance_path(instance):
        return "/v2/service_instances/" + urllib.parse.quote(instance, safe="")

    def binding_path(self, instance, binding):
        return self.instance_path(instance) + "/service_bindings/" + urllib.parse.quote(binding, safe="")

    def put_instance(self, instance, plan, asynchronous=True, **more):
        service_id, plan_id = self.plan(plan) if isinstance(plan, str) else plan
        body = {"service_id": service_id, "plan_id": plan_id, "organization_guid": ORG, "space_guid": SPACE,
                "context": {"platform": "cloudfoundry", "instance_name": "demo"}, **more}
        return self.call("PUT", self.instance_path(instance) + ("?accepts_incomplete=true" if asynchronous else ""), body)

    def patch_instance(self, instance, plan, asynchronous=True, **more):
        service_id, _ = self.plan(plan) if isinstance(plan, str) else plan
        return self.call("PATCH", self.instance_path(instance) + ("?accepts_incomplete=true" if asynchronous else ""),
                         {"service_id": service_id, **more})

    def get_instance(self, instance):
        return self.call("GET", self.instance_path(instance))

    def delete_instance(self, instance, plan, asynchronous=True):
        service_id, plan_id = self.plan(plan) if isinstance(plan, str) else plan
        return self.call("DELETE", f"{self.instance_path(instance)}?service_id={service_id}&plan_id={plan_id}"
                         + ("&accepts_incomplete=true" if asynchronous else ""))

    def put_binding(self, instance, binding, plan, asynchronous=False, **more):
        service_id, plan_id = self.plan(plan) if isinstance(plan, str) else plan
        body = {"service_id": service_id, "plan_id": plan_id, "bind_resource": {"app_guid": str(uuid.uuid4())}, **more}
        return self.call("PUT", self.binding_path(instance, binding) + ("?accepts_incomplete=true" if asynchronous else ""), body)

    def get_binding(self, instance, binding):
        return self.call("GET", self.binding_path(instance, binding))

    def delete_binding(self, instance, binding, plan, asynchronous=False):
        service_id, plan_id = self.plan(plan) if isinstance(plan, str) else plan
        return self.call("DELETE", f"{self.binding_path(instance, binding)}?service_id={service_id}&plan_id={plan_id}"
                         + ("&accepts_incomplete=true" if asynchronous else ""))

    def last_operation(self, instance, binding=None):
        path = self.binding_path(instance, binding) if binding else self.instance_path(instance)
        return self.call("GET", path + "/last_operation")

    def wait(self, instance, binding=None, seconds=600, interval=0.25, seen=None):
        """Polls until the operation ends; calls seen(description) for each new text. Gives the final body."""
        last, until = None, time.monotonic() + seconds
        while True:
            answer = self.last_operation(instance, binding)
            if answer.status != 200:
                raise Refused("last_operation", answer)
            text = answer.body.get("description", "")
            if seen and text != last:
                seen(text)
            last = text
            if answer.body["state"] != "in progress":
                return answer.body
            if time.monotonic() > until:
                raise TimeoutError(f"still in progress after {seconds} s: {text}")
            time.sleep(interval)

    def succeed(self, what, answer, *statuses):
        if answer.status not in statuses:
            raise Refused(what, answer)
        return answer.body
