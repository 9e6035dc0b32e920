//go:build !race

package consumer_test

// Tests in parallel wait much more than they compute.
const parallel = "8"
