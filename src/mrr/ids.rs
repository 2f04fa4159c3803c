//! Identifiers, each its own type so that a price can't stand where a product is meant.

use std::fmt;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A customer, the unit of order, of locking and of derivation.
    CustomerId,
    /// A subscription of a customer.
    SubscriptionId,
    /// An item of a subscription; a subscription without items is its own only item.
    ItemId,
    /// A product.
    ProductId,
    /// A price, or a legacy plan.
    PriceId,
    /// An invoice.
    InvoiceId,
    /// A coupon, the terms behind a discount.
    CouponId,
    /// A discount, a coupon in use.
    DiscountId,
    /// A currency's lower-case code, as it stands in a payload.
    Currency,
}
