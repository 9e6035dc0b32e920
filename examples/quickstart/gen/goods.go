package main

// product is something on the shelf; the price is in euro cents, and often is
// how many people buy it.
type product struct {
	sku, name string
	cents     int64
	often     int
	most      int // the largest quantity that one buys
}

var goods = []product{
	{"COF-0101", "Espresso beans, dark roast, 1 kg", 1890, 90, 6},
	{"COF-0102", "Filter coffee, medium roast, 500 g", 1090, 80, 6},
	{"COF-0103", "Decaf espresso beans, 500 g", 1190, 30, 4},
	{"COF-0110", "Paper filters no. 4, 100 pieces", 390, 70, 8},
	{"COF-0121", "Hand coffee grinder, steel burrs", 5990, 18, 2},
	{"COF-0130", "Moka pot, 6 cups", 3450, 22, 2},
	{"COF-0140", "Espresso machine, single boiler", 64900, 5, 1},
	{"COF-0141", "Espresso machine, dual boiler", 154900, 3, 1},
	{"COF-0150", "Milk frothing jug, 600 ml", 1990, 25, 2},
	{"TEA-0201", "Sencha, loose leaf, 100 g", 1290, 45, 5},
	{"TEA-0202", "Earl Grey, 50 bags", 790, 60, 6},
	{"TEA-0203", "Rooibos, loose leaf, 250 g", 890, 30, 4},
	{"TEA-0210", "Cast-iron teapot, 0.8 l", 4990, 12, 1},
	{"TEA-0220", "Glass infuser mug, 350 ml", 1690, 24, 4},
	{"KIT-0301", "Chef's knife, 20 cm", 7990, 14, 1},
	{"KIT-0302", "Paring knife, 9 cm", 2490, 20, 2},
	{"KIT-0310", "Cutting board, oak, 40 x 30 cm", 3990, 18, 2},
	{"KIT-0320", "Cast-iron pan, 28 cm", 5490, 15, 1},
	{"KIT-0321", "Stainless saucepan set, 5 pieces", 17900, 6, 1},
	{"KIT-0330", "Digital kitchen scale, 5 kg", 2490, 22, 1},
	{"KIT-0340", "Mixing bowls, steel, set of 4", 3290, 16, 1},
	{"KIT-0350", "Linen tea towels, set of 3", 1950, 28, 4},
	{"KIT-0360", "Stand mixer, 4.8 l", 52900, 5, 1},
	{"TAB-0401", "Dinner plate, stoneware, 27 cm", 1450, 26, 12},
	{"TAB-0402", "Soup bowl, stoneware, 18 cm", 1250, 24, 12},
	{"TAB-0403", "Espresso cup with saucer", 990, 30, 12},
	{"TAB-0410", "Water carafe, 1 l", 2290, 16, 2},
	{"TAB-0420", "Cutlery set, 24 pieces", 8990, 8, 2},
	{"OFF-0501", "Notebook, dotted, A5", 1290, 55, 10},
	{"OFF-0502", "Gel pens, black, pack of 12", 1090, 48, 6},
	{"OFF-0503", "Desk pad, felt, 80 x 35 cm", 2990, 16, 2},
	{"OFF-0510", "Desk lamp, dimmable", 6990, 14, 2},
	{"OFF-0520", "Monitor arm, single", 8990, 10, 3},
	{"OFF-0530", "Sit-stand desk, 160 x 80 cm", 57900, 5, 2},
	{"OFF-0540", "Office chair, mesh back", 32900, 6, 2},
	{"OFF-0550", "Copy paper, A4, 2,500 sheets", 2790, 26, 10},
	{"ELE-0601", "USB-C cable, 2 m", 1290, 65, 6},
	{"ELE-0602", "USB-C charger, 65 W", 3990, 34, 3},
	{"ELE-0603", "Power bank, 20,000 mAh", 4490, 24, 2},
	{"ELE-0610", "Wireless mouse", 2990, 28, 2},
	{"ELE-0611", "Mechanical keyboard, 75 %", 10900, 12, 1},
	{"ELE-0620", "Noise-cancelling headphones", 22900, 9, 1},
	{"ELE-0630", "4K monitor, 27 inch", 34900, 6, 2},
	{"ELE-0640", "Projector, 4K", 189900, 2, 1},
	{"HOM-0701", "Cotton bath towel, 70 x 140 cm", 2290, 30, 8},
	{"HOM-0702", "Percale bed linen, 135 x 200 cm", 7990, 12, 2},
	{"HOM-0703", "Wool blanket, 150 x 200 cm", 11900, 7, 1},
	{"HOM-0710", "Scented candle, cedar", 2450, 26, 4},
	{"HOM-0720", "Wall clock, 30 cm", 4590, 9, 1},
	{"HOM-0730", "Houseplant, rubber fig, 60 cm", 3490, 12, 2},
	{"GAR-0801", "Pruning shears", 3290, 14, 1},
	{"GAR-0802", "Watering can, zinc, 9 l", 3990, 10, 1},
	{"GAR-0803", "Wildflower seeds, 250 g", 1490, 20, 5},
	{"GAR-0810", "Raised bed, larch, 120 x 80 cm", 18900, 5, 2},
	{"OUT-0901", "Insulated bottle, 750 ml", 2990, 36, 4},
	{"OUT-0902", "Head torch, rechargeable", 4990, 14, 2},
	{"OUT-0903", "Trekking poles, pair", 7990, 9, 1},
	{"OUT-0910", "Two-person tent, 2.1 kg", 32900, 5, 1},
	{"OUT-0920", "Down sleeping bag", 24900, 5, 2},
	{"OUT-0930", "Cargo bicycle, electric", 389900, 2, 1},
}

// currency has what a euro cent costs in it, and how many of its smallest units
// prices are rounded to.
type currency struct {
	code     string
	perCent  float64 // smallest units
	roundsTo int64
}

var (
	eur = currency{"EUR", 1, 10}
	usd = currency{"USD", 1.1, 10}
	gbp = currency{"GBP", 0.86, 10}
	chf = currency{"CHF", 0.95, 10}
	sek = currency{"SEK", 11.2, 500}
	dkk = currency{"DKK", 7.46, 500}
	pln = currency{"PLN", 4.3, 50}
	cad = currency{"CAD", 1.5, 10}
	aud = currency{"AUD", 1.65, 10}
	jpy = currency{"JPY", 1.6, 10}   // no smaller unit
	krw = currency{"KRW", 14.5, 500} // no smaller unit
	kwd = currency{"KWD", 3.35, 50}  // 1,000 fils
)

// price is what so many euro cents are in the currency.
func (c currency) price(cents int64) int64 {
	n := int64(float64(cents)*c.perCent+0.5) / c.roundsTo * c.roundsTo
	return max(n, c.roundsTo)
}
