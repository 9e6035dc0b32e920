"""What Confluent's Python client does with a registry, as one JSON object on stdout.

usage: confluent_client.py URL < {"avsc": schema, "value": an order, "ours": {"payload": hex, "guid": hex}}
"""

import datetime
import decimal
import json
import sys

from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
    record_subject_name_strategy,
    topic_record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.schema_registry_client import ConfigCompatibilityLevel, ServerConfig
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC = "orders"

registry = SchemaRegistryClient({"url": sys.argv[1]})
given = json.load(sys.stdin)
avsc = given["avsc"]


def value():
    """The order in Python's types."""
    order = dict(given["value"])
    order["total"] = decimal.Decimal(order["total"])
    order["placed_at"] = datetime.datetime.fromisoformat(order["placed_at"])
    order["checksum"] = bytes.fromhex(order["checksum"])
    order["signature"] = bytes.fromhex(order["signature"])
    return order


def plain(order):
    """The order in JSON's types, the inverse of value."""
    order = dict(order)
    order["total"] = str(order["total"])
    order["placed_at"] = order["placed_at"].isoformat()
    order["checksum"] = order["checksum"].hex()
    order["signature"] = order["signature"].hex()
    return order


def context(headers=None):
    return SerializationContext(TOPIC, MessageField.VALUE, headers)


def serialize(headers=None, **conf):
    """The order's bytes, in hex; conf with _ for . in the names."""
    conf = {name.replace("_", "."): v for name, v in conf.items()}
    return AvroSerializer(registry, avsc, conf=conf)(value(), context(headers)).hex()


def code(call):
    """The error code of a call that must fail."""
    try:
        call()
    except SchemaRegistryError as e:
        return e.error_code
    return 0


out = {}

# Serializers: register, look up, use the latest, put the GUID into the header.
out["registered"] = serialize(subject_name_strategy=topic_record_subject_name_strategy)
out["looked_up"] = serialize(auto_register_schemas=False, subject_name_strategy=topic_record_subject_name_strategy)
out["latest"] = serialize(
    auto_register_schemas=False, use_latest_version=True, subject_name_strategy=topic_record_subject_name_strategy
)
out["normalized"] = serialize(normalize_schemas=True, subject_name_strategy=record_subject_name_strategy)
headers = []
out["in_header"] = serialize(headers, schema_id_serializer=header_schema_id_serializer)  # subject orders-value
out["header"] = headers[0][1].hex()

# Deserializers: both forms of ours.
read = AvroDeserializer(registry)
out["ours"] = plain(read(bytes.fromhex(given["ours"]["payload"]), context()))
guid = [("__value_schema_id", bytes.fromhex(given["ours"]["guid"]))]
out["ours_by_guid"] = plain(AvroDeserializer(registry)(bytes.fromhex(given["ours"]["payload"])[5:], context(guid)))

# References, on both sides.
registry.register_schema("money", Schema('{"type":"record","name":"shop.Money","fields":[{"name":"cents","type":"long"}]}', "AVRO"))
price = Schema(
    '{"type":"record","name":"shop.Price","fields":[{"name":"net","type":"shop.Money"}]}',
    "AVRO",
    [SchemaReference("shop.Money", "money", 1)],
)
payload = AvroSerializer(registry, price)({"net": {"cents": 995}}, SerializationContext("prices", MessageField.VALUE))
out["price"] = payload.hex()
out["price_read"] = AvroDeserializer(registry)(payload, SerializationContext("prices", MessageField.VALUE))

# The rest of the client.
subject = "orders-shop.OrderPlaced"
latest = registry.get_latest_version(subject)
out["subjects"] = registry.get_subjects()
out["versions"] = registry.get_versions(subject)
out["version"] = [latest.subject, latest.version, latest.schema_id, latest.guid]
out["lookup"] = registry.lookup_schema(subject, Schema(avsc, "AVRO")).schema_id
out["types"] = registry.get_schema_types()
out["by_id"] = [[v.subject, v.version] for v in registry.get_schema_versions(latest.schema_id)]
out["config"] = registry.set_config("money", ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))["compatibility"]
out["config_read"] = registry.get_config("money").compatibility_level
out["compatible"] = registry.test_compatibility("money", Schema('{"type":"record","name":"shop.Money","fields":[{"name":"cents","type":"long","doc":"."}]}', "AVRO"))
out["unchecked"] = code(lambda: registry.test_compatibility("money", Schema('"string"', "AVRO")))
out["missing"] = [
    code(lambda: registry.get_latest_version("absent")),
    code(lambda: registry.get_version(subject, 99)),
    code(lambda: registry.lookup_schema(subject, Schema('"string"', "AVRO"))),
    code(lambda: registry.register_schema(subject, Schema("nonsense", "AVRO"))),
    code(lambda: registry.delete_subject("money")),
]
registry.register_schema("a/b +c", Schema('"string"', "AVRO"))
out["deleted"] = [registry.delete_subject("a/b +c"), registry.delete_subject("a/b +c", permanent=True)]

json.dump(out, sys.stdout)
