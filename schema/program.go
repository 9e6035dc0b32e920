package schema

type program struct{}

func compile(*node) *program { return nil }
