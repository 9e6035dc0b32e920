"""Confluent's own Python client on the services that TROUPE_* name: an
idempotent producer, a consumer group, and Avro with its serializers. What
passes here shows that any client can use them, embedded or real."""

import os
import sys
import time
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = """{"type": "record", "name": "OrderPlaced", "namespace": "interop", "fields": [
    {"name": "order_id", "type": "string"},
    {"name": "total", "type": "long"},
    {"name": "note", "type": ["null", "string"], "default": null}]}"""
EVENTS = 500


def main():
    brokers = os.environ["TROUPE_BROKERS"]
    registry = SchemaRegistryClient({"url": os.environ["TROUPE_REGISTRY"]})
    topic = "interop-" + uuid.uuid4().hex[:10]
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic(topic, 4, 1)])[topic].result(30)

    serialize = AvroSerializer(registry, SCHEMA)
    deserialize = AvroDeserializer(registry)
    context = SerializationContext(topic, MessageField.VALUE)
    want = {f"o-{i}": {"order_id": f"o-{i}", "total": i * 7, "note": None if i % 2 else "é"} for i in range(EVENTS)}

    refused = []
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "compression.type": "lz4"})
    for key, event in want.items():
        producer.produce(topic, serialize(event, context), key, on_delivery=lambda e, _: refused.append(e) if e else None)
    left = producer.flush(30)
    if left or refused:
        sys.exit(f"produce: {left} not acknowledged, refused: {refused[:3]}")

    consumer = Consumer({"bootstrap.servers": brokers, "group.id": topic, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    got = {}
    deadline = time.monotonic() + 60
    while len(got) < EVENTS and time.monotonic() < deadline:
        m = consumer.poll(1)
        if m is None:
            continue
        if m.error():
            sys.exit(f"consume: {m.error()}")
        got[m.key().decode()] = deserialize(m.value(), context)
    if got != want:
        sys.exit(f"read {len(got)} of {EVENTS} events back, or others than were written")
    committed = sum(p.offset for p in consumer.commit(asynchronous=False) if p.offset > 0)
    consumer.close()
    if committed != EVENTS:
        sys.exit(f"committed {committed} of {EVENTS}")
    admin.delete_topics([topic])[topic].result(30)
    print(f"{EVENTS} events through {topic}: written, read as a group, committed")


main()
