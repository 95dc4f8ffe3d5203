//! The wholesaler's rows.

use crate::random::Random;

pub(crate) const CUSTOMERS: usize = 2_000;
pub(crate) const PRODUCTS: usize = 240;
pub(crate) const ORDERS: usize = 9_000;
pub(crate) const TICKETS: usize = 5_000;

const FIRST_NAMES: &[&str] = &[
    "Ada", "Amir", "Anika", "Bea", "Bruno", "Carla", "Chen", "Dario", "Elif", "Emil", "Farah", "Finn", "Greta", "Hana",
    "Ines", "Ivo", "Jana", "Kofi", "Lena", "Luca", "Maja", "Milan", "Nadia", "Noor", "Otto", "Petra", "Quinn", "Rosa",
    "Sami", "Tess", "Uma", "Yara",
];
const LAST_NAMES: &[&str] = &[
    "Abel", "Bakker", "Costa", "Dietz", "Eriksen", "Faber", "Gruber", "Haas", "Ivanova", "Jensen", "Keller", "Lindt",
    "Moreau", "Novak", "Okafor", "Petit", "Quast", "Ricci", "Santos", "Thaler", "Urban", "Vogel", "Weiss", "Yilmaz",
    "Zeller",
];
const COMPANY_STARTS: &[&str] = &[
    "Alder", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Lantern", "Meadow", "North", "Orchard", "Pebble", "Quarry", "River", "Summit", "Timber", "Union", "Valley",
    "Willow", "Zenith",
];
const COMPANY_ENDS: &[&str] = &[
    "Bakeries",
    "Cafes",
    "Canteens",
    "Catering",
    "Foods",
    "Grocers",
    "Hotels",
    "Kitchens",
    "Market",
    "Restaurants",
    "Stores",
    "Traders",
];
const CITIES: &[(&str, &str)] = &[
    ("Aarhus", "Denmark"),
    ("Basel", "Switzerland"),
    ("Bremen", "Germany"),
    ("Brno", "Czechia"),
    ("Ghent", "Belgium"),
    ("Graz", "Austria"),
    ("Leipzig", "Germany"),
    ("Lyon", "France"),
    ("Malmo", "Sweden"),
    ("Porto", "Portugal"),
    ("Tampere", "Finland"),
    ("Turin", "Italy"),
    ("Utrecht", "Netherlands"),
    ("Wroclaw", "Poland"),
    ("Zaragoza", "Spain"),
];
const SEGMENTS: &[&str] = &["Hospitality", "Retail", "Public sector", "Healthcare"];
const CATEGORIES: &[(&str, &[&str], usize)] = &[
    ("Beverages", &["Apple juice", "Cold brew", "Ginger ale", "Herbal tea", "Mineral water", "Oat drink"], 180),
    ("Dairy", &["Aged cheese", "Butter", "Cream", "Goat cheese", "Yoghurt"], 420),
    ("Dry goods", &["Basmati rice", "Chickpeas", "Flour", "Lentils", "Pasta", "Polenta"], 260),
    ("Frozen", &["Berries", "Peas", "Puff pastry", "Spinach"], 540),
    ("Household", &["Dish soap", "Napkins", "Paper towels", "Waste bags"], 310),
    ("Produce", &["Apples", "Carrots", "Lemons", "Onions", "Tomatoes"], 220),
];
const SIZES: &[&str] = &["small", "medium", "large", "crate", "pallet", "trial", "organic", "value"];
const SUBJECTS: &[&str] = &[
    "Delivery arrived late",
    "Invoice does not match the order",
    "Please change our delivery window",
    "Damaged packaging",
    "Question about an organic certificate",
    "Wrong quantity delivered",
    "New contact person",
    "Credit note missing",
];
const MONTH_DAYS: [usize; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A row of `orders` with its lines and invoice.
pub(crate) struct Order {
    pub(crate) id: usize,
    pub(crate) customer: usize,
    pub(crate) ordered_on: String,
    pub(crate) status: &'static str,
    /// Product, quantity, unit price in cents.
    pub(crate) lines: Vec<(usize, usize, usize)>,
    /// Issued on, due on, paid on.
    pub(crate) invoice: Option<(String, String, Option<String>)>,
}

impl Order {
    /// The sum of its lines, in cents.
    pub(crate) fn total_cents(&self) -> usize {
        self.lines.iter().map(|(_, quantity, price)| quantity * price).sum()
    }
}

/// `id, name, contact, email, city, country, segment, since`.
pub(crate) fn customer(random: &mut Random, id: usize) -> [String; 8] {
    let (first, last) = (random.pick(FIRST_NAMES), random.pick(LAST_NAMES));
    let company = format!("{} {}", random.pick(COMPANY_STARTS), random.pick(COMPANY_ENDS));
    let (city, country) = CITIES[random.below(CITIES.len())];
    let domain = company.to_lowercase().replace(' ', "-");
    let email = format!("{}.{}{id}@{domain}.example", first.to_lowercase(), last.to_lowercase());
    let since = day(random, 2019, 2023);
    [
        id.to_string(),
        company,
        format!("{first} {last}"),
        email,
        city.into(),
        country.into(),
        random.pick(SEGMENTS).into(),
        since,
    ]
}

/// `id, sku, name, category, price in cents`.
pub(crate) fn product(random: &mut Random, id: usize) -> (String, String, &'static str, usize) {
    let (category, names, base) = CATEGORIES[id % CATEGORIES.len()];
    let name = format!("{}, {}", names[(id / CATEGORIES.len()) % names.len()], SIZES[(id / 30) % SIZES.len()]);
    (format!("{}-{id:04}", category[..2].to_uppercase()), name, category, base + random.below(base * 6))
}

/// One order. Recent years and the months before the holidays have more of them.
pub(crate) fn order(random: &mut Random, id: usize, prices: &[usize]) -> Order {
    let year = 2024 + [0, 0, 1, 1, 1, 2, 2][random.below(7)];
    let month = match random.below(14) {
        late @ 12.. => late - 2,
        month => month,
    };
    // 2026 is only half over in this story.
    let month = if year == 2026 { month % 6 } else { month };
    let date = random.between(1, MONTH_DAYS[month]);
    let ordered_on = format!("{year}-{:02}-{date:02}", month + 1);
    let lines = (0..random.between(1, 4))
        .map(|_| {
            let product = random.below(prices.len());
            (product + 1, random.between(1, 24), prices[product])
        })
        .collect();
    let cancelled = random.chance(4);
    let invoice = (!cancelled).then(|| {
        let paid = random.chance(82);
        let (issued, due) = (plus_days(&ordered_on, 3), plus_days(&ordered_on, 33));
        let paid_on = paid.then(|| plus_days(&ordered_on, 3 + random.below(45)));
        (issued, due, paid_on)
    });
    let status = if cancelled { "cancelled" } else { "delivered" };
    Order { id, customer: 1 + skewed(random, CUSTOMERS), ordered_on, status, lines, invoice }
}

/// `id, customer, opened on, subject, priority, status`.
pub(crate) fn ticket(random: &mut Random, id: usize) -> [String; 6] {
    let priority = random.pick(&["low", "normal", "normal", "high"]);
    let status = random.pick(&["closed", "closed", "closed", "open", "waiting"]);
    let customer = 1 + skewed(random, CUSTOMERS);
    [
        id.to_string(),
        customer.to_string(),
        day(random, 2024, 2025),
        random.pick(SUBJECTS).into(),
        priority.into(),
        status.into(),
    ]
}

/// Small numbers more often than large ones: a few customers order most.
fn skewed(random: &mut Random, bound: usize) -> usize {
    random.below(bound).min(random.below(bound))
}

fn day(random: &mut Random, from_year: usize, to_year: usize) -> String {
    let (year, month) = (random.between(from_year, to_year), random.below(12));
    format!("{year}-{:02}-{:02}", month + 1, random.between(1, MONTH_DAYS[month]))
}

/// `YYYY-MM-DD` so many days later; every February here has 28 days, as in the years that invoices fall in but for 2024.
fn plus_days(date: &str, days: usize) -> String {
    let part = |range: std::ops::Range<usize>| date[range].parse::<usize>().unwrap_or(1);
    let (mut year, mut month, mut at) = (part(0..4), part(5..7), part(8..10) + days);
    while at > MONTH_DAYS[month - 1] {
        at -= MONTH_DAYS[month - 1];
        month += 1;
        if month > 12 {
            month = 1;
            year += 1;
        }
    }
    format!("{year}-{month:02}-{at:02}")
}
