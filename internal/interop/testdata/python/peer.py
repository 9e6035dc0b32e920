"""A service that is not written with Troupe: Confluent's Python client with its
Avro serializers, and the CloudEvents SDK.

usage: peer.py produce|consume < task

The task and the answers are JSON, one answer a line, in the order of the
records: see peer_test.go. TROUPE_BROKERS, TROUPE_REGISTRY, TROUPE_TLS_CA and
TROUPE_SASL_* say where the services are.
"""

import json
import os
import sys
import time
from datetime import datetime

from cloudevents.core.bindings import kafka as binding
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.schema_registry import (
    SchemaRegistryClient,
    header_schema_id_serializer,
    topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE = 30  # seconds


class Bytes(JSONFormat):
    """The format of data that is bytes already, and shall stay bytes."""

    def read_data(self, body, datacontenttype):
        return body


def connection():
    env = os.environ
    conf = {"bootstrap.servers": env["TROUPE_BROKERS"]}
    if env.get("TROUPE_TLS_CA"):
        conf["ssl.ca.location"] = env["TROUPE_TLS_CA"]
    if env.get("TROUPE_SASL_MECHANISM"):
        conf["sasl.mechanism"] = env["TROUPE_SASL_MECHANISM"]
        conf["sasl.username"] = env["TROUPE_SASL_USERNAME"]
        conf["sasl.password"] = env["TROUPE_SASL_PASSWORD"]
    security = ("SASL_" if "sasl.mechanism" in conf else "") + ("SSL" if "ssl.ca.location" in conf else "PLAINTEXT")
    return conf | {"security.protocol": security}


def serializer(registry, topic, typ, in_header):
    """What AvroSerializer needs beyond its defaults, and no more."""
    conf = {}
    if typ["subject"] != f"{topic}-value":
        conf["subject.name.strategy"] = topic_record_subject_name_strategy
    if in_header:
        conf["schema.id.serializer"] = header_schema_id_serializer
    return AvroSerializer(registry, typ["schema"], conf=conf)


def produce(task, registry):
    topic, producers, serializers, acks = task["topic"], {}, {}, [None] * len(task["records"])

    def producer(codec):
        if codec not in producers:
            # Java's client partitions like this; librdkafka does only when it is told to.
            conf = {"partitioner": "murmur2_random", "enable.idempotence": True, "compression.type": codec}
            producers[codec] = Producer(connection() | conf)
        return producers[codec]

    def acknowledged(i):
        def done(err, msg):
            if err is not None:
                raise KafkaException(err)
            acks[i] = {"partition": msg.partition(), "offset": msg.offset()}

        return done

    for i, record in enumerate(task["records"]):
        headers, value = [], None
        if record.get("value") is not None:
            name, in_header = record["type"], record.get("guid", False)
            if (name, in_header) not in serializers:
                serializers[name, in_header] = serializer(registry, topic, task["types"][name], in_header)
            context = SerializationContext(topic, MessageField.VALUE, headers)
            value = serializers[name, in_header](record["value"], context)
        if record.get("event"):
            attributes = dict(record["event"])
            attributes["time"] = datetime.fromisoformat(attributes["time"])
            message = binding.to_binary(CloudEvent(attributes, value), Bytes())
            headers += message.headers.items()
        headers += [(name, text.encode("utf-8")) for name, text in record.get("headers") or []]
        producer(record.get("codec", "none")).produce(
            topic, value, record.get("key"), headers=headers, on_delivery=acknowledged(i)
        )
    for codec, p in producers.items():
        if left := p.flush(PATIENCE):
            sys.exit(f"{left} records ({codec}) were not acknowledged within {PATIENCE} s")
    for ack in acks:
        print(json.dumps(ack))


def consume(task, registry):
    topic, deserializers = task["topic"], {}
    consumer = Consumer(connection() | {"group.id": "none", "enable.auto.commit": False, "check.crcs": True})
    partitions = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
    until, left = time.monotonic() + PATIENCE, task["count"]
    while left:
        message = consumer.poll(1)
        if time.monotonic() > until:
            sys.exit(f"{left} of {task['count']} records did not come within {PATIENCE} s")
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        left -= 1
        headers = [(name, value.decode("utf-8")) for name, value in message.headers() or []]
        name = dict(headers)["ce_type"]
        if name not in deserializers:
            deserializers[name] = AvroDeserializer(registry, task["types"][name]["schema"])
        value = deserializers[name](
            message.value(), SerializationContext(topic, MessageField.VALUE, message.headers())
        )
        event = binding.from_binary(
            binding.KafkaMessage(dict(message.headers()), message.key(), message.value()), Bytes()
        )
        attributes = {n: v.isoformat() if isinstance(v, datetime) else v for n, v in event.get_attributes().items()}
        print(
            json.dumps(
                {
                    "partition": message.partition(),
                    "offset": message.offset(),
                    "key": message.key().decode("utf-8") if message.key() is not None else None,
                    "value": value,
                    "headers": headers,
                    "event": attributes,
                }
            )
        )
    consumer.close()


if __name__ == "__main__":
    run = {"produce": produce, "consume": consume}[sys.argv[1]]
    run(json.load(sys.stdin.buffer), SchemaRegistryClient({"url": os.environ["TROUPE_REGISTRY"]}))
