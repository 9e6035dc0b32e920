package schema

import (
	"slices"
	"strings"
	"unicode"
)

// nameStyle is how a name of several words is written.
type nameStyle uint8

const (
	plainName nameStyle = iota // one word in small letters: any style
	snakeName
	camelName
	otherName
)

func styleOf(name string) nameStyle {
	upper := strings.ToLower(name) != name
	under := strings.Contains(strings.Trim(name, "_"), "_")
	switch {
	case name[0] >= 'A' && name[0] <= 'Z', upper && under:
		return otherName
	case upper:
		return camelName
	case under:
		return snakeName
	}
	return plainName
}

// style finds out whether most fields are in snake_case or in camelCase.
func (l *linter) style(root *node) {
	snakes, camels := 0, 0
	for _, n := range root.namedTypes() {
		for _, f := range n.fields {
			switch styleOf(f.name) {
			case snakeName:
				snakes++
			case camelName:
				camels++
			}
		}
	}
	l.snake = snakes >= camels
}

func isPascal(name string) bool {
	return name[0] >= 'A' && name[0] <= 'Z' && !strings.Contains(name, "_") && (len(name) < 2 || strings.ToUpper(name) != name || len(name) <= 4)
}

// wordsOf splits a name in any style into its words, in small letters.
func wordsOf(name string) (words []string) {
	runes := []rune(name)
	start := 0
	end := func(i int) {
		if word := strings.Trim(string(runes[start:i]), "_"); word != "" {
			words = append(words, strings.ToLower(word))
		}
		start = i
	}
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == '_',
			unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1]),
			unicode.IsUpper(runes[i]) && i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			end(i)
		}
	}
	end(len(runes))
	return words
}

func snake(name string) string { return strings.Join(wordsOf(name), "_") }

func pascal(name string) string {
	words := wordsOf(name)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

func camel(name string) string {
	s := pascal(name)
	if s == "" {
		return name
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

var (
	moneyWords = set("price prices amount amounts subtotal cost costs fee fees tax vat balance salary payment discount revenue charge refund deposit money eur euro euros usd dollars gbp")
	notMoney   = set("rate ratio percent percentage pct count factor weight score share quantity qty items bytes ms millis seconds kg")

	timeWords = set("timestamp ts date datetime time birthday birthdate expiry expires since until deadline")
	notTime   = set("ms millis micros nanos seconds minutes hours days duration elapsed ttl latency timeout zone timezone format response processing count offset spent run running uptime type real wait")
	// What a name ends in is what it is: timestampPolicy is a policy, policyTimestamp is a time.
	noTimes = set("id ids name names topic policy version size key")

	personalWords = set("email mail phone telephone mobile fax firstname lastname fullname surname forename birth birthday birthdate dob iban ssn passport " +
		"creditcard pan street postcode zipcode zip ip gender nationality ethnicity religion salary")
	notPersonal = set("count type status verified enabled template provider kind format size limit delivery queue server domain opt sent code")
	nameOwners  = set("first last full family given middle maiden customer user contact holder owner recipient sender buyer guest passenger patient employee person member cardholder")
	people      = set("customer user contact person people employee patient member passenger guest recipient sender buyer owner holder traveller traveler driver student citizen")
	cardWords   = set("number no holder owner pan cvv cvc expiry")
)

// speaksOf reports whether a word is among those that tell, and none among those that tell otherwise.
func speaksOf(words []string, yes, no map[string]bool) bool {
	is := func(in map[string]bool) bool {
		return slices.ContainsFunc(words, func(word string) bool { return in[word] })
	}
	return is(yes) && !is(no)
}

// lastOf is the last of a field's words, "" for a name like _.
func lastOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// isMoney reports whether a field's words look like a sum. A total is one of what follows, if anything does.
func isMoney(words []string) bool {
	last := lastOf(words)
	return speaksOf(words, moneyWords, notMoney) || (last == "total" || last == "totals") && !speaksOf(words, notMoney, nil)
}

func isTime(words []string) bool {
	last := lastOf(words)
	if noTimes[last] {
		return false
	}
	if speaksOf(words, timeWords, notTime) {
		return true
	}
	return len(words) > 1 && last == "at" && !speaksOf(words, notTime, nil)
}

// isPersonal reports whether a field's words, in a record of those words, look like a person's data.
func (l *linter) isPersonal(words, record []string) bool {
	if slices.ContainsFunc(words, func(word string) bool { return l.words[word] }) {
		return true
	}
	if speaksOf(words, notPersonal, nil) {
		return false
	}
	has := func(word string) bool { return slices.Contains(words, word) }
	switch {
	case speaksOf(words, personalWords, nil):
		return true
	case has("name") && (speaksOf(words, nameOwners, nil) || len(words) == 1 && speaksOf(record, people, nil)):
		return true
	case has("card") && (len(words) == 1 || speaksOf(words, cardWords, nil)),
		slices.Contains(record, "card") && speaksOf(words, cardWords, nil):
		return true
	case has("address"):
		return true
	}
	return false
}
