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
    /// An invoice, where its lines are beside it.
    Invoice,
    /// A change of an item.
    Change,
    /// Something that a row alone does not tell enough of.
    Nothing(&'static str),
}

/// An object that rows of several tables tell of together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whole {
    /// An invoice with its lines.
    Invoice,
    /// A subscription with its items.
    Subscription,
}

/// What a row is to such an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The object itself.
    Head,
    /// What stands under it, in the member of this name.
    Under(&'static str),
}

/// How the rows of a table are joined with those of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) whole: Whole,
    pub(super) role: Role,
    /// The columns that may hold the object's id.
    pub(super) key: &'static [&'static str],
    /// Of each of these, one column has to be there.
    wants: &'static [&'static [&'static str]],
}

/// The members that rows under an object stand in.
pub(super) const LINES: &str = "lines";
pub(super) const LINE_DISCOUNTS: &str = "line_discounts";
pub(super) const LINE_TAXES: &str = "line_taxes";
pub(super) const ITEMS: &str = "items";

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
    /// How its rows are joined with those of other tables, where Sigma spells it.
    pub(super) part: Option<Part>,
}

pub(super) const PLAN: &[&str] = &["plan", "price", "price_id", "plan_id"];
pub(super) const PRODUCT: &[&str] = &["product_id", "price_product_id", "plan_product_id"];
/// Where a currency stands; Sigma's own table of subscriptions has none.
pub(super) const CURRENCY: &[&str] = &["currency", "price_currency", "plan_currency"];
pub(super) const ENDED: &[&str] = &["ended_at", "canceled_at"];
pub(super) const LINE_PRICE: &[&str] = &["price_id", "price", "plan_id", "plan"];
pub(super) const LINE_ITEM: &[&str] = &["subscription_item_id", "subscription_item"];
pub(super) const OF_LINE: &[&str] = &["invoice_line_item_id"];
pub(super) const OF_INVOICE: &[&str] = &["invoice_id", "invoice"];
const OF_SUBSCRIPTION: &[&str] = &["subscription_id", "subscription"];

const NONE: Form = Form {
    kind: "",
    name: "",
    of: Of::Nothing(""),
    is_sigma: None,
    marks: &[],
    without: &[],
    needs: &[],
    amounts: &[],
    part: None,
};

/// An invoice's row; `subtotal` shows whether all its lines are there.
const INVOICE: Part = Part {
    whole: Whole::Invoice,
    role: Role::Head,
    key: &["id", "invoice_id"],
    wants: &[&["customer_id", "customer"], OF_SUBSCRIPTION, &["status"], &["date", "created"], &["subtotal"]],
};

const LINE: Part = Part {
    whole: Whole::Invoice,
    role: Role::Under(LINES),
    key: OF_INVOICE,
    wants: &[
        &["amount"],
        &["currency"],
        &["quantity"],
        &["proration"],
        &["period_start"],
        &["period_end"],
        LINE_PRICE,
        LINE_ITEM,
    ],
};

const LINE_DISCOUNT: Part =
    Part { whole: Whole::Invoice, role: Role::Under(LINE_DISCOUNTS), key: OF_INVOICE, wants: &[OF_INVOICE] };

const LINE_TAX: Part = Part { role: Role::Under(LINE_TAXES), ..LINE_DISCOUNT };

const SUBSCRIPTION: Part = Part { whole: Whole::Subscription, role: Role::Head, key: &["id"], wants: &[] };

const ITEM: Part = Part {
    whole: Whole::Subscription,
    role: Role::Under(ITEMS),
    key: OF_SUBSCRIPTION,
    wants: &[&["quantity"], PLAN],
};

/// The tables, the more telling headers first.
pub(super) const FORMS: [Form; 16] = [
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
        kind: "row.sigma.invoice_item",
        name: "Sigma's invoice_items",
        of: Of::Nothing("invoice item: the lines of its invoice tell it"),
        is_sigma: Some(true),
        marks: &[&["id"], &["customer_id"], OF_INVOICE, &["proration"], &["unit_amount", "date"]],
        without: &["source_type", "source_id", "line_item_id"],
        ..NONE
    },
    Form {
        kind: "row.sigma.invoice_line_discount",
        name: "Sigma's invoice_line_item_discount_amounts",
        of: Of::Nothing(
            "discount on an invoice's line without the invoice: feed Sigma's `invoices` and \
             `invoice_line_items` beside it",
        ),
        is_sigma: Some(true),
        marks: &[OF_LINE, &["discount", "discount_id"], &["amount"]],
        part: Some(LINE_DISCOUNT),
        ..NONE
    },
    Form {
        kind: "row.sigma.invoice_line_tax",
        name: "Sigma's invoice_line_item_tax_amounts",
        of: Of::Nothing(
            "tax on an invoice's line without the invoice: feed Sigma's `invoices` and \
             `invoice_line_items` beside it",
        ),
        is_sigma: Some(true),
        marks: &[OF_LINE, &["inclusive"], &["amount"]],
        part: Some(LINE_TAX),
        ..NONE
    },
    Form {
        kind: "row.invoice_line_item",
        name: "invoice line items",
        of: Of::Nothing(
            "line of an invoice without the invoice: feed Sigma's `invoices` beside it, both tables with all \
             their columns, or invoices as lists of Stripe's API show them",
        ),
        marks: &[OF_INVOICE, &["source_type", "source_id", "proration", "line_item_id"]],
        needs: &[&["id", "line_item_id"]],
        part: Some(LINE),
        ..NONE
    },
    Form {
        kind: "row.invoice",
        name: "invoices",
        of: Of::Invoice,
        marks: &[&["amount_due", "billing_reason", "subtotal"], &["id", "number", "invoice_id"]],
        // What a credit note has, whose table has a subtotal too.
        without: &["memo", "reason", "refund_id", "out_of_band_amount", "voided_at"],
        needs: &[&["id", "invoice_id"]],
        part: Some(INVOICE),
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
        part: None,
    },
    Form {
        kind: "row.sigma.subscription",
        name: "Sigma's subscriptions",
        of: Of::Subscription,
        is_sigma: Some(true),
        marks: &[&["id"], &["customer_id"], &["status"]],
        needs: &[PLAN, &["quantity"], &["created", "start_date"]],
        part: Some(SUBSCRIPTION),
        ..NONE
    },
    Form {
        kind: "row.sigma.subscription_item",
        name: "Sigma's subscription_items",
        of: Of::Nothing(
            "item of a subscription by itself: feed Sigma's `subscriptions` beside it, or the list of all its \
             items as it comes from Stripe's API",
        ),
        marks: &[&["id"], OF_SUBSCRIPTION, &["price_id", "plan_id", "price_product_id"]],
        part: Some(ITEM),
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
        part: None,
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

    /// How rows under these columns are joined with those of other tables, and the place of the column that
    /// names what they are joined into.
    pub(super) fn part_in(&self, keys: &[&str], is_sigma: bool) -> Option<(Part, usize)> {
        let part = self.part.filter(|_| is_sigma)?;
        let has_one = |names: &&[&str]| names.iter().any(|name| keys.contains(name));
        let place = part.key.iter().find_map(|name| keys.iter().position(|key| key == name))?;
        part.wants.iter().all(has_one).then_some((part, place))
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
