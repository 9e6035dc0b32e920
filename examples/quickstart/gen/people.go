package main

// country is where customers live; share is how many, names are theirs.
type country struct {
	code     string
	currency currency
	share    int
	names    namesOf
	pays     []string // payment methods, the usual first
}

// namesOf are given and family names, each with its letters for an address.
type namesOf struct {
	given, family [][2]string
	familyFirst   bool
}

func same(names ...string) [][2]string {
	pairs := make([][2]string, len(names))
	for i, n := range names {
		pairs[i] = [2]string{n, n}
	}
	return pairs
}

var (
	german = namesOf{
		given:  append(same("Anna", "Jonas", "Lena", "Felix", "Clara", "Moritz", "Greta"), [2]string{"Jürgen", "juergen"}, [2]string{"Käthe", "kaethe"}),
		family: append(same("Brandt", "Vogel", "Lindner", "Seidel", "Hartmann", "Ziegler"), [2]string{"Köhler", "koehler"}, [2]string{"Weiß", "weiss"}),
	}
	french = namesOf{
		given:  append(same("Camille", "Louis", "Manon", "Hugo", "Lucie"), [2]string{"Élise", "elise"}, [2]string{"François", "francois"}),
		family: append(same("Marchand", "Roussel", "Perrin", "Giraud", "Colin"), [2]string{"Lefèvre", "lefevre"}),
	}
	dutch = namesOf{
		given:  same("Sanne", "Daan", "Femke", "Bram", "Lotte"),
		family: append(same("Kuipers", "Dekker", "Hoekstra", "Postma"), [2]string{"van der Wal", "vanderwal"}),
	}
	spanish = namesOf{
		given:  append(same("Lucía", "Carmen", "Pablo")[1:], [2]string{"Lucía", "lucia"}, [2]string{"Álvaro", "alvaro"}, [2]string{"Íñigo", "inigo"}),
		family: append(same("Navarro", "Campos", "Vidal"), [2]string{"Núñez", "nunez"}, [2]string{"Gutiérrez", "gutierrez"}),
	}
	italian = namesOf{
		given:  append(same("Giulia", "Matteo", "Chiara", "Davide"), [2]string{"Niccolò", "niccolo"}),
		family: same("Fontana", "Marchetti", "Serra", "Bassi", "Gallo"),
	}
	english = namesOf{
		given:  same("Emily", "Oliver", "Grace", "Henry", "Maya", "Samuel", "Hannah", "Caleb", "Nora", "Isaac", "Ruby", "Theo"),
		family: append(same("Whitfield", "Barker", "Ellison", "Marsh", "Thornton", "Keane", "Holloway", "Prescott", "Dalton"), [2]string{"O'Rourke", "orourke"}),
	}
	nordic = namesOf{
		given:  append(same("Astrid", "Emil", "Freja", "Nils"), [2]string{"Søren", "soeren"}, [2]string{"Åsa", "asa"}),
		family: append(same("Lindqvist", "Holm", "Nyberg", "Dahl"), [2]string{"Sjögren", "sjoegren"}, [2]string{"Ødegaard", "oedegaard"}),
	}
	polish = namesOf{
		given:  append(same("Zofia", "Jakub", "Hanna"), [2]string{"Łukasz", "lukasz"}, [2]string{"Małgorzata", "malgorzata"}),
		family: append(same("Nowicki", "Sikora", "Zając")[:2], [2]string{"Zając", "zajac"}, [2]string{"Wróbel", "wrobel"}),
	}
	japanese = namesOf{
		given:       [][2]string{{"美咲", "misaki"}, {"健太", "kenta"}, {"さくら", "sakura"}, {"大輔", "daisuke"}, {"陽子", "yoko"}},
		family:      [][2]string{{"佐々木", "sasaki"}, {"中村", "nakamura"}, {"小川", "ogawa"}, {"藤田", "fujita"}},
		familyFirst: true,
	}
	korean = namesOf{
		given:       [][2]string{{"서연", "seoyeon"}, {"민준", "minjun"}, {"지우", "jiwoo"}},
		family:      [][2]string{{"박", "park"}, {"최", "choi"}, {"윤", "yoon"}},
		familyFirst: true,
	}
	arabic = namesOf{
		given:  [][2]string{{"نورة", "noura"}, {"يوسف", "yousef"}, {"مريم", "maryam"}},
		family: [][2]string{{"الراشد", "alrashed"}, {"الخالد", "alkhaled"}, {"المنصور", "almansour"}},
	}
)

var countries = []country{
	{"DE", eur, 22, german, []string{"invoice", "direct_debit", "card", "wallet"}},
	{"FR", eur, 12, french, []string{"card", "wallet", "bank_transfer"}},
	{"NL", eur, 9, dutch, []string{"bank_transfer", "card", "invoice"}},
	{"ES", eur, 7, spanish, []string{"card", "wallet"}},
	{"IT", eur, 7, italian, []string{"card", "wallet", "cash_on_delivery"}},
	{"AT", eur, 4, german, []string{"invoice", "card", "bank_transfer"}},
	{"IE", eur, 2, english, []string{"card", "wallet"}},
	{"US", usd, 17, english, []string{"card", "wallet"}},
	{"GB", gbp, 12, english, []string{"card", "wallet", "direct_debit"}},
	{"CH", chf, 5, german, []string{"invoice", "card"}},
	{"SE", sek, 4, nordic, []string{"invoice", "card", "wallet"}},
	{"DK", dkk, 3, nordic, []string{"card", "wallet"}},
	{"PL", pln, 4, polish, []string{"bank_transfer", "card"}},
	{"CA", cad, 3, english, []string{"card", "wallet"}},
	{"AU", aud, 2, english, []string{"card", "wallet"}},
	{"JP", jpy, 4, japanese, []string{"card", "cash_on_delivery", "wallet"}},
	{"KR", krw, 1, korean, []string{"card", "wallet"}},
	{"KW", kwd, 1, arabic, []string{"card"}},
}

// antarctica is where one customer winters on a research station. No acquirer
// takes payments from there, so that the payment service can't handle the orders.
var antarctica = country{"AQ", usd, 0, english, []string{"card"}}
