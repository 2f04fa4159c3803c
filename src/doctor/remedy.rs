//! How to supply what a line wants (R4). Whatever arrives heals every customer that asks for it, by itself.

/// The remedy for what a line is incomplete for, by the words it is told in.
pub(super) fn remedy_of(missing: &str) -> String {
    let is = |begins: &str| missing.starts_with(begins);
    if is("the items") {
        return items("SUBSCRIPTION");
    }
    if is("the meaning of") {
        return "upgrade upswell: its version does not know the status".to_owned();
    }
    if is("the coupon behind") {
        let list = "coupons list --expand data.applies_to --expand data.currency_options";
        return supply("customer.discount.created, customer.discount.updated and coupon.created", list);
    }
    if is("the amount of coupon") {
        let list = "coupons list --expand data.applies_to --expand data.currency_options";
        return supply("coupon.created and coupon.updated", list);
    }
    if is("the tiers of") || is("the amount of") || is("the terms of") {
        let list = "prices list --expand data.tiers --expand data.currency_options";
        return supply("price.created and price.updated", list);
    }
    format!("supply {missing}, or upgrade upswell")
}

/// How the items past the tenth are supplied.
pub(super) fn items(subscription: &str) -> String {
    format!(
        "events carry ten items: import `stripe subscription_items list --subscription {subscription} --limit 100` \
         with `upswell backfill`, or set STRIPE_API_KEY"
    )
}

/// How a coupon's products are supplied.
pub(super) const COUPON: &str = "Stripe leaves a coupon's products out of events: it is taken as unrestricted; \
                                 to be sure, import `stripe coupons list --expand data.applies_to --limit 100` \
                                 with `upswell backfill`, or set STRIPE_API_KEY";

fn supply(events: &str, list: &str) -> String {
    format!(
        "send {events} to the endpoint, import `stripe {list} --limit 100` with `upswell backfill`, or set \
         STRIPE_API_KEY"
    )
}

#[cfg(test)]
mod tests {
    use super::remedy_of;

    #[test]
    fn every_gap_has_a_remedy_of_its_own() {
        let has = |missing: &str, word: &str| remedy_of(missing).contains(word);
        assert!(has("the tiers of price price_1", "data.tiers"));
        assert!(has("the amount of price price_1 in eur", "data.currency_options"));
        assert!(has("the coupon behind discount di_1", "coupons list"));
        assert!(has("the items past the tenth", "subscription_items list"));
        assert!(has("the meaning of the subscription's status", "upgrade"));
        assert!(has("something else", "something else"));
    }
}
