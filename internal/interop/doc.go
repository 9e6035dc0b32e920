// Package interop has no code of its own. Its tests let services that are not
// written with Troupe, nor in Go, share topics with services that are:
//
//	what others publish   handled by a consumer: with CloudEvents headers, without any, and with the
//	                      schema's GUID in a header; published twice; a null key; a tombstone
//	what a producer does  decoded by others value for value, its headers read as text and as a CloudEvent
//	both                  each of Kafka's codecs, one topic for two types, the ends of value ranges,
//	                      a key's partition
//
// The others are programs in testdata, made of their languages' usual libraries,
// in the versions that these tests were run with:
//
//	Python 3.11  confluent-kafka 2.16.0 (librdkafka 2.16.0) with its AvroSerializer and AvroDeserializer, fastavro 1.13.1,
//	             cloudevents 2.2.0
//	Java 17      kafka-clients 4.4.0 and its own partitioner, Apache Avro 1.12.1, cloudevents-kafka 4.0.1;
//	             Confluent's wire format by hand, and by Apicurio's serdes 3.1.7 over that registry's own API
//
// They were run on the embedded services, on Apache Kafka 4.4.0 with Redis 7.0.15
// and Apicurio Registry 3.0.9, and there also through TLS and SCRAM-SHA-512. Apicurio
// has no GUIDs: there the header form is tried with the embedded registry and the real
// Kafka. Confluent's own Java serializers and registry were not tried: they are not on
// Maven Central.
//
// One more Java program, with Avro 1.12.2, is asked what it makes of random pairs of schemas and
// data: schema.Resolve must give the same verdicts and bytes, except where Java is known to be wrong
// (1,000 pairs, or 50,000 with TROUPE_LONG=1). Package pairs makes them.
//
// What a mixed fleet has to know:
//   - librdkafka puts keys on the same partitions as Java and Troupe with
//     partitioner=murmur2_random, which is not its default.
//   - Apicurio's serializer makes artifacts of their own of nested types. With its
//     default strategy that is fine. With one that makes a group of the record's
//     namespace (TopicRecordIdStrategy), nobody who asks the Confluent
//     API can find them there; events are dead-lettered as unknown-schema, until
//     apicurio.registry.dereference-schema is true.
//
// To run them, besides what go test needs:
//
//	python3 -m venv build/venv
//	build/venv/bin/pip install -r internal/interop/testdata/python/requirements.txt
//	TROUPE_PYTHON=$PWD/build/venv/bin/python TROUPE_JAVA=1 go test ./internal/interop
//
// Without TROUPE_PYTHON, python3 is used if it has the packages. Java waits for
// TROUPE_JAVA=1 and needs a JDK of 17 or later and, the first time, mvn. The peers
// know of TROUPE_BROKERS, TROUPE_REGISTRY, TROUPE_TLS_CA and TROUPE_SASL_*, not of a
// registry's credentials.
package interop
