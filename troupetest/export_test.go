package troupetest

// NewClient is for tests that need a client with more options.
var NewClient = newClient
