//go:build race

package consumer_test

// The race detector makes the processes of a test, and the embedded services
// that they share, several times as slow.
const parallel = "2"
