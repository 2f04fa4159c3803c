//! Which discounts bear on an item, and why the others do not (R6).

use super::{
    Discount, DiscountPolicy, Duration, Instant, Item, Known, NotApplied, Off, Scope, SetAside, State, Terms,
    UsageType,
};

impl Terms {
    /// The discounts of a state, of its item at `index` and of the customer, that take nothing off that
    /// item, and why (R6).
    #[must_use]
    pub fn set_aside(
        &self,
        index: usize,
        (state, at): (&State, Instant),
        known: &Known<'_>,
        policy: DiscountPolicy,
    ) -> Vec<SetAside> {
        let Some(item) = self.items.get(index) else { return Vec::new() };
        let of_item = state.items.get(index).map_or(&[][..], |item| &item.discounts);
        let of_customer = known.customer.at(at);
        let all = (of_item.iter().map(|own| (Scope::Item, own)))
            .chain(state.discounts.iter().map(|shared| (Scope::Shared, shared)))
            .chain(of_customer.map(|own| (Scope::Customer, own)));
        let has_own =
            state.discounts.iter().any(|own| left_out(&known.discount(own, at), at, policy).is_none());
        all.filter_map(|(scope, discount)| {
            let discount = known.discount(discount, at);
            let aside = (scope == Scope::Customer && has_own).then_some(NotApplied::StandsAside);
            let why = left_out(&discount, at, policy).or(aside).or_else(|| bar(&discount, item))?;
            Some(SetAside { scope, discount, why })
        })
        .collect()
    }
}

/// Why a discount does not count at an instant (R6); `None` if it does.
fn left_out(discount: &Discount, at: Instant, policy: DiscountPolicy) -> Option<NotApplied> {
    let over = discount.end.filter(|end| *end <= at).map(NotApplied::Over);
    let duration = discount.coupon.as_ref().map(|coupon| coupon.duration);
    match policy {
        DiscountPolicy::None => Some(NotApplied::Policy),
        DiscountPolicy::All => over,
        DiscountPolicy::Recurring => over.or((duration == Some(Duration::Once)).then_some(NotApplied::Once)),
    }
}

/// Whether a discount counts at an instant (R6).
pub(super) fn runs(discount: &Discount, at: Instant, policy: DiscountPolicy) -> bool {
    left_out(discount, at, policy).is_none()
}

/// Why a discount's coupon takes nothing off an item: it is limited to other products, or its amount is
/// in another currency.
fn bar(discount: &Discount, item: &Item) -> Option<NotApplied> {
    if item.price.usage_type == UsageType::Metered {
        return Some(NotApplied::Metered);
    }
    let coupon = discount.coupon.as_ref()?;
    // An empty list limits nothing.
    let is_eligible = coupon
        .applies_to
        .as_ref()
        .is_none_or(|products| products.is_empty() || products.contains(&item.price.product));
    // Where its amounts in other currencies are not known, it may have one in this (R4).
    let is_payable = match &coupon.off {
        Off::Percent(_) => true,
        Off::Amount { .. } => coupon.options.is_empty() || coupon.amount_in(&item.price.currency).is_some(),
    };
    match (is_eligible, is_payable) {
        (false, _) => Some(NotApplied::OtherProducts),
        (true, false) => Some(NotApplied::OtherCurrency),
        (true, true) => None,
    }
}

/// Whether a discount's coupon takes something off an item.
pub(super) fn covers(discount: &Discount, item: &Item) -> bool {
    bar(discount, item).is_none()
}
