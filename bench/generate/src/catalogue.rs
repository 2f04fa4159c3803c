//! What is sold: three plans of seats, by month and by year, an add-on, and metered calls.

/// A price of the catalogue.
pub struct Price {
    pub id: &'static str,
    pub product: &'static str,
    pub nickname: &'static str,
    /// Minor units a unit and period.
    pub unit_amount: u64,
    pub interval: &'static str,
    pub is_metered: bool,
}

const fn price(
    id: &'static str,
    product: &'static str,
    nickname: &'static str,
    unit_amount: u64,
    interval: &'static str,
) -> Price {
    Price { id, product, nickname, unit_amount, interval, is_metered: false }
}

/// Plans from small to large, each by month and then by year.
pub const PLANS: [[Price; 2]; 3] = [
    [
        price("price_basic_month", "prod_basic", "Basic, monthly", 1_200, "month"),
        price("price_basic_year", "prod_basic", "Basic, yearly", 12_000, "year"),
    ],
    [
        price("price_pro_month", "prod_pro", "Pro, monthly", 2_900, "month"),
        price("price_pro_year", "prod_pro", "Pro, yearly", 29_000, "year"),
    ],
    [
        price("price_business_month", "prod_business", "Business, monthly", 5_900, "month"),
        price("price_business_year", "prod_business", "Business, yearly", 59_000, "year"),
    ],
];

/// The add-on, by month and by year.
pub const ADD_ON: [Price; 2] = [
    price("price_audit_month", "prod_audit", "Audit log, monthly", 9_900, "month"),
    price("price_audit_year", "prod_audit", "Audit log, yearly", 99_000, "year"),
];

/// What is billed by use, a month at a time.
pub const METERED: Price =
    Price { is_metered: true, ..price("price_calls", "prod_calls", "Calls", 2, "month") };
