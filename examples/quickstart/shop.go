package main

// paymentLimits are the amounts that are paid without asking, 600 euro and what
// that is elsewhere, in the smallest unit of each currency.
var paymentLimits = map[string]int64{
	"EUR": 600_00,
	"USD": 660_00,
	"GBP": 516_00,
	"CHF": 570_00,
	"SEK": 6_720_00,
	"DKK": 4_476_00,
	"PLN": 2_580_00,
	"CAD": 900_00,
	"AUD": 990_00,
	"JPY": 96_000,
	"KRW": 870_000,
	"KWD": 201_000,
}

// acquirers are the countries in which payments can be made. One customer of the
// sample lives in Antarctica.
var acquirers = map[string]bool{
	"AT": true, "AU": true, "CA": true, "CH": true, "DE": true, "DK": true, "ES": true, "FR": true, "GB": true,
	"IE": true, "IT": true, "JP": true, "KR": true, "KW": true, "NL": true, "PL": true, "SE": true, "US": true,
}
