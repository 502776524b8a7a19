"""Kafka clients as applications use them: Java's console tools and librdkafka, with nothing but a binding's credentials."""
import base64
import logging
import os
import subprocess
import time

from harness.testbed import CACHE

TOOL = os.path.join(CACHE, "bin", "kafka-tool")
PRODUCER, CONSUMER = "org.apache.kafka.tools.ConsoleProducer", "org.apache.kafka.tools.consumer.ConsoleConsumer"
TOPICS = "org.apache.kafka.tools.TopicCommand"


def write_files(credentials, folder):
    """client.properties, truststore.p12 and ca.pem, as an application would write them from its binding."""
    os.makedirs(folder, exist_ok=True)
    for name, data in (("client.properties", credentials["client_properties"].encode()),
                       ("truststore.p12", base64.b64decode(credentials["truststore"])),
                       ("ca.pem", credentials["ca_certificate"].encode())):
        with open(os.path.join(folder, name), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)


def java(folder, tool, *arguments, text=None, seconds=60):
    """Runs a Java tool inside `folder`, where client.properties lies. Gives the finished process."""
    return subprocess.run([TOOL, tool, *arguments], cwd=folder, input=text, capture_output=True, text=True, timeout=seconds)


def create_topic(folder, servers, topic, partitions=3):
    done = java(folder, TOPICS, "--bootstrap-server", servers, "--command-config", "client.properties", "--create", "--topic",
                topic, "--partitions", str(partitions), "--if-not-exists")
    if done.returncode != 0:
        raise RuntimeError(f"topic {topic} not created: {done.stdout[-400:]}{done.stderr[-400:]}")


def java_produce(folder, servers, topic, count):
    lines = "".join(f"record {i}\n" for i in range(count))
    return java(folder, PRODUCER, "--bootstrap-server", servers, "--producer.config", "client.properties", "--topic", topic,
                "--request-required-acks", "all", text=lines)


def java_consume(folder, servers, topic, count, seconds=30):
    done = java(folder, CONSUMER, "--bootstrap-server", servers, "--consumer.config", "client.properties", "--topic", topic,
                "--from-beginning", "--max-messages", str(count), "--timeout-ms", str(seconds * 1000), seconds=seconds + 30)
    return len(done.stdout.splitlines())


def librdkafka_settings(credentials, **more):
    return {"bootstrap.servers": credentials["bootstrap_servers"], "security.protocol": credentials["security_protocol"],
            "sasl.mechanisms": credentials["sasl_mechanism"], "sasl.username": credentials["username"],
            "sasl.password": credentials["password"], "ssl.ca.pem": credentials["ca_certificate"], **more}


def librdkafka_consume(credentials, topic, count, seconds=30):
    """Reads `topic` from its beginning; gives how many records came, at most `count`."""
    from confluent_kafka import Consumer
    consumer = Consumer(librdkafka_settings(credentials, **{"group.id": "demo", "auto.offset.reset": "earliest"}))
    consumer.subscribe([topic])
    got, until = 0, time.monotonic() + seconds
    while got < count and time.monotonic() < until:
        for message in consumer.consume(min(500, count - got), timeout=1):
            if message.error():
                raise RuntimeError(str(message.error()))
            got += 1
    consumer.close()
    return got


def librdkafka_login_error(credentials, seconds=30):
    """What librdkafka says when it may not log in; None when it may. TimeoutError: it says neither."""
    from confluent_kafka import Consumer, KafkaException
    errors, quiet = [], logging.getLogger("librdkafka")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    consumer = Consumer(librdkafka_settings(credentials, **{"group.id": "probe", "error_cb": errors.append}), logger=quiet)
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            try:
                consumer.list_topics(timeout=0.5)
                return None
            except KafkaException:
                consumer.poll(0.1)
                told = [e.str() for e in errors if "uthentication" in e.str()]
                if told:
                    return told[0].split(": ", 1)[-1].split(" (after")[0]
        raise TimeoutError(f"no answer to a login in {seconds} s: {errors[-1:]}")
    finally:
        consumer.close()
