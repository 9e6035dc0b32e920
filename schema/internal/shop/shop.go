// Package shop holds generated records for the tests and benchmarks of package schema.
package shop

//go:generate go run github.com/hamba/avro/v2/cmd/avrogen -pkg shop -encoders -fullschema -o order_placed_gen.go order_placed.avsc
//go:generate go run github.com/hamba/avro/v2/cmd/avrogen -pkg shop -encoders -fullschema -o stock_moved_gen.go stock_moved.avsc
//go:generate go run github.com/hamba/avro/v2/cmd/avrogen -pkg shop -encoders -fullschema -o category_gen.go category.avsc
