// Package batch encodes and decodes Kafka record batches (magic 2, KIP-98).
package batch
