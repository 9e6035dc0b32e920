// Package server is a schema registry with the Confluent HTTP API.
package server
