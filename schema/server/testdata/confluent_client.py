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

# What the checker says, and how the client shows it.
order = '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}%s]}'
checked = "checked-value"
v1 = Schema(order % "", "AVRO")
v2 = Schema(order % ',{"name":"note","type":["null","string"],"default":null}', "AVRO")
bad = Schema(order % ',{"name":"total","type":"long"}', "AVRO")
out["checked"] = [registry.register_schema(checked, s) > 0 for s in (v1, v2)]
out["compatible"] = [
    registry.test_compatibility(checked, v2),
    registry.test_compatibility(checked, bad),
    registry.test_compatibility(checked, bad, 1),
    registry.test_compatibility_all_versions(checked, bad),
    registry.test_compatibility("absent", bad),
]
try:
    registry.register_schema(checked, bad)
except SchemaRegistryError as e:
    out["refused"] = [e.http_status_code, e.error_code, e.error_message]
try:  # a serializer that registers sees the same
    AvroSerializer(registry, bad)({"id": "1", "total": 1}, SerializationContext("checked", MessageField.VALUE))
except SchemaRegistryError as e:
    out["not_serialized"] = [e.http_status_code, e.error_code]
out["forward"] = registry.set_config(checked, ServerConfig(compatibility=ConfigCompatibilityLevel.FORWARD_TRANSITIVE))["compatibility"]
out["forward_read"] = registry.get_config(checked).compatibility_level
out["forward_compatible"] = registry.test_compatibility(checked, bad)
out["forward_registered"] = registry.register_schema(checked, bad) > 0
out["global"] = [
    registry.get_config().compatibility_level,
    registry.set_config(config=ServerConfig(compatibility=ConfigCompatibilityLevel.FULL))["compatibility"],
    registry.get_config().compatibility_level,
    registry.delete_config().compatibility_level,
    registry.get_config().compatibility_level,
]
out["config_deleted"] = [registry.delete_config(checked).compatibility_level, code(lambda: registry.get_config(checked))]

# Deletes, soft and hard, and what a deleted version still blocks.
out["deletes"] = [
    code(lambda: registry.delete_version(checked, 3, permanent=True)),
    registry.delete_version(checked, 3),
    registry.get_versions(checked),
    registry.get_versions(checked, deleted=True),
    registry.test_compatibility(checked, v1),
    registry.delete_version(checked, 3, permanent=True),
    registry.get_versions(checked, deleted=True),
    registry.delete_subject(checked),
    code(lambda: registry.delete_subject(checked)),
    code(lambda: registry.get_versions(checked)),
    registry.delete_subject(checked, permanent=True),
]
out["referenced_by"] = len(registry.get_referenced_by("money", 1))

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
