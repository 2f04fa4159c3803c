//! The tables that are read, and how each is known by its header.

/// What a row of a table tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// A subscription as it stands.
    Subscription,
    /// A price.
    Price,
    /// A product.
    Product,
    /// A coupon.
    Coupon,
    /// A customer.
    Customer,
    /// A change of an item.
    Change,
    /// Something that a row alone does not tell enough of.
    Nothing(&'static str),
}

/// One kind of table.
#[derive(Debug)]
pub(super) struct Form {
    /// The kind of its rows' envelopes.
    pub(super) kind: &'static str,
    /// For people.
    pub(super) name: &'static str,
    pub(super) of: Of,
    /// Whether it is Sigma's; `None` where it does not matter.
    pub(super) is_sigma: Option<bool>,
    /// Of each of these, one column shows that it is this table.
    marks: &'static [&'static [&'static str]],
    /// None of these is in it.
    without: &'static [&'static str],
    /// Of each of these, one column has to be there.
    needs: &'static [&'static [&'static str]],
    /// Where amounts stand.
    pub(super) amounts: &'static [&'static str],
}

pub(super) const PLAN: &[&str] = &["plan", "price", "price_id", "plan_id"];
pub(super) const PRODUCT: &[&str] = &["product_id", "price_product_id", "plan_product_id"];
pub(super) const CURRENCY: &[&str] = &["currency", "price_currency", "plan_currency"];
pub(super) const ENDED: &[&str] = &["ended_at", "canceled_at"];

const NONE: Form = Form {
    kind: "",
    name: "",
    of: Of::Nothing(""),
    is_sigma: None,
    marks: &[],
    without: &[],
    needs: &[],
    amounts: &[],
};

/// The tables, the more telling headers first.
pub(super) const FORMS: [Form; 13] = [
    Form {
        kind: "row.sigma.subscription_item_change_event",
        name: "Sigma's subscription_item_change_events",
        of: Of::Change,
        marks: &[&["mrr_change"]],
        needs: &[
            &["customer_id"],
            &["subscription_id"],
            &["subscription_item_id"],
            &["price_id"],
            &["currency"],
            &["quantity_change"],
            &["event_timestamp"],
        ],
        ..NONE
    },
    Form {
        kind: "row.invoice_line_item",
        name: "invoice line items",
        of: Of::Nothing(
            "line of an invoice without the invoice: feed invoices as lists of Stripe's API show them",
        ),
        marks: &[&["invoice_id", "invoice"], &["source_type", "source_id", "proration", "line_item_id"]],
        needs: &[&["id", "line_item_id"]],
        ..NONE
    },
    Form {
        kind: "row.invoice",
        name: "invoices",
        of: Of::Nothing("invoice without its lines: feed invoices as lists of Stripe's API show them"),
        marks: &[&["amount_due"], &["id", "number", "invoice_id"]],
        needs: &[&["id", "invoice_id"]],
        ..NONE
    },
    Form {
        kind: "row.dashboard.subscription",
        name: "the Dashboard's subscriptions",
        of: Of::Subscription,
        is_sigma: Some(false),
        marks: &[&["id", "subscription_id"], &["customer_id"], &["status"]],
        without: &["amount_refunded", "captured", "payment_intent_id"],
        needs: &[
            PLAN,
            &["quantity"],
            &["currency"],
            &["amount"],
            &["interval"],
            &["created", "start", "start_date"],
        ],
        amounts: &["amount"],
    },
    Form {
        kind: "row.sigma.subscription",
        name: "Sigma's subscriptions",
        of: Of::Subscription,
        is_sigma: Some(true),
        marks: &[&["id"], &["customer_id"], &["status"]],
        needs: &[PLAN, &["quantity"], CURRENCY, &["created", "start_date"]],
        ..NONE
    },
    Form {
        kind: "row.sigma.subscription_item",
        name: "Sigma's subscription_items",
        of: Of::Nothing(
            "item of a subscription by itself: feed the list of all its items as it comes from Stripe's API",
        ),
        marks: &[&["id"], &["subscription_id"], &["price_id", "plan_id", "price_product_id"]],
        ..NONE
    },
    Form {
        kind: "row.dashboard.price",
        name: "the Dashboard's prices",
        of: Of::Price,
        is_sigma: Some(false),
        marks: &[&["price_id"], &["amount"]],
        without: &["customer_id", "status"],
        needs: &[&["product_id"], &["currency"], &["interval"], &["created"]],
        amounts: &["amount"],
    },
    Form {
        kind: "row.sigma.price",
        name: "Sigma's prices",
        of: Of::Price,
        is_sigma: Some(true),
        marks: &[&["id"], &["unit_amount", "unit_amount_decimal"]],
        without: &["invoice_id", "subscription_id"],
        needs: &[&["product_id"], &["currency"], &["recurring_interval"], &["created"]],
        ..NONE
    },
    Form {
        kind: "row.dashboard.coupon",
        name: "the Dashboard's coupons",
        of: Of::Coupon,
        is_sigma: Some(false),
        marks: &[&["id", "coupon_id"], &["duration"], &["percent_off", "amount_off"]],
        needs: &[&["created"]],
        amounts: &["amount_off"],
        ..NONE
    },
    Form {
        kind: "row.sigma.coupon",
        name: "Sigma's coupons",
        of: Of::Coupon,
        is_sigma: Some(true),
        marks: &[&["id"], &["duration"], &["percent_off", "amount_off"]],
        needs: &[&["created"]],
        ..NONE
    },
    Form {
        kind: "row.dashboard.customer",
        name: "the Dashboard's customers",
        of: Of::Customer,
        is_sigma: Some(false),
        marks: &[&["id", "customer_id"], &["email", "customer_email"]],
        without: &["subscription_id", "payment_intent_id", "captured", "amount"],
        needs: &[&["created"]],
        ..NONE
    },
    Form {
        kind: "row.sigma.customer",
        name: "Sigma's customers",
        of: Of::Customer,
        is_sigma: Some(true),
        marks: &[&["id"], &["email"]],
        without: &["customer_id"],
        needs: &[&["created"]],
        ..NONE
    },
    Form {
        kind: "row.product",
        name: "products",
        of: Of::Product,
        marks: &[&["id", "product_id"], &["name", "product_name"]],
        without: &["email", "customer_id", "amount", "status"],
        needs: &[&["created"]],
        ..NONE
    },
];

impl Form {
    /// Whether columns show that a table is this one.
    pub(super) fn is_shown_by(&self, keys: &[&str], is_sigma: bool) -> bool {
        self.is_sigma.is_none_or(|sigma| sigma == is_sigma)
            && self.marks.iter().all(|mark| mark.iter().any(|key| keys.contains(key)))
            && !self.without.iter().any(|key| keys.contains(key))
    }

    /// The first column that has to be there and is not: its names.
    pub(super) fn missing(&self, keys: &[&str]) -> Option<&'static [&'static str]> {
        self.needs.iter().copied().find(|need| !need.iter().any(|key| keys.contains(key)))
    }

    /// The columns that are looked for, for a message; of several names for one the first.
    pub(super) fn looked_for(&self) -> String {
        let columns = self.marks.iter().chain(self.needs).filter_map(|names| names.first());
        let mut told: Vec<String> = Vec::new();
        for column in columns.map(|name| format!("`{name}`")) {
            if !told.contains(&column) {
                told.push(column);
            }
        }
        told.join(", ")
    }

    /// The form of a kind of envelope.
    pub(super) fn of_kind(kind: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.kind == kind)
    }
}
