// Package shop holds generated records for the tests and benchmarks of package schema.
package shop

//go:generate go tool avrogen -pkg shop -encoders -fullschema -o order_placed_gen.go order_placed.avsc
//go:generate go tool avrogen -pkg shop -encoders -fullschema -o stock_moved_gen.go stock_moved.avsc
//go:generate go tool avrogen -pkg shop -encoders -fullschema -o category_gen.go category.avsc
