//! Events as Stripe writes them: of version 2024-06-20, and of 2025-09-30.clover, which keeps periods on
//! items and the price of a line behind `pricing`.

use std::fmt::Write as _;

use crate::business::{Customer, Item};
use crate::catalogue::Price;

/// An event that is being written.
pub struct Event<'a> {
    pub number: u64,
    pub at: i64,
    pub is_newer: bool,
    pub into: &'a mut String,
}

impl Event<'_> {
    pub fn customer_created(&mut self, customer: &Customer) {
        self.open("customer.created");
        self.customer(customer);
        self.close(None);
    }

    pub fn customer_updated(&mut self, customer: &Customer) {
        self.open("customer.updated");
        self.customer(customer);
        self.close(Some(r#""balance":0"#));
    }

    pub fn subscribed(&mut self, customer: &Customer) {
        self.open("customer.subscription.created");
        self.subscription(customer);
        self.close(None);
    }

    pub fn updated(&mut self, customer: &Customer, before: &Customer) {
        self.open("customer.subscription.updated");
        self.subscription(customer);
        let mut previous = String::new();
        if before.status != customer.status {
            _ = write!(previous, r#","status":"{}""#, before.status);
        }
        if before.period != customer.period && !self.is_newer {
            let (from, until) = before.period;
            _ = write!(previous, r#","current_period_start":{from},"current_period_end":{until}"#);
        }
        let is_other = before.items.len() != customer.items.len()
            || before.items.iter().zip(&customer.items).any(|(old, new)| {
                old.price.id != new.price.id || old.quantity != new.quantity && !new.price.is_metered
            });
        if is_other || self.is_newer && before.period != customer.period {
            let mut items = String::new();
            std::mem::swap(self.into, &mut items);
            let start = self.into.len();
            self.items(before);
            let old = self.into.split_off(start);
            std::mem::swap(self.into, &mut items);
            _ = write!(previous, r#","items":{{"data":[{old}]}}"#);
        }
        self.close(Some(previous.trim_start_matches(',')));
    }

    pub fn ended(&mut self, customer: &Customer) {
        self.open("customer.subscription.deleted");
        self.subscription(customer);
        self.close(None);
    }

    pub fn invoiced(&mut self, customer: &Customer, kind: &str, status: &str) {
        self.open(kind);
        self.invoice(customer, status);
        self.close(None);
    }

    fn open(&mut self, kind: &str) {
        let version = if self.is_newer { "2025-09-30.clover" } else { "2024-06-20" };
        let (number, at) = (self.number, self.at);
        _ = write!(
            self.into,
            r#"{{"id":"evt_1{number:023}","object":"event","api_version":"{version}","created":{at},"livemode":true,"pending_webhooks":1,"request":{{"id":"req_{number:014}","idempotency_key":"{:016x}-{:016x}"}},"type":"{kind}","data":{{"object":"#,
            number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            number.wrapping_mul(0xbf58_476d_1ce4_e5b9),
        );
    }

    fn close(&mut self, previous: Option<&str>) {
        if let Some(previous) = previous {
            _ = write!(self.into, r#","previous_attributes":{{{previous}}}"#);
        }
        self.into.push_str("}}\n");
    }

    fn customer(&mut self, customer: &Customer) {
        let Customer { number, created, currency, country, .. } = customer;
        _ = write!(
            self.into,
            r#"{{"id":"cus_{number:014}","object":"customer","address":{{"city":"Springfield","country":"{country}","line1":"{number} Long Street","line2":null,"postal_code":"{:05}","state":null}},"balance":0,"created":{created},"currency":"{currency}","default_source":null,"delinquent":false,"description":"Customer number {number} of a business that never was","discount":null,"email":"accounts+{number}@customer-{number}.example","invoice_prefix":"{number:08X}","invoice_settings":{{"custom_fields":null,"default_payment_method":"pm_{number:024}","footer":null,"rendering_options":null}},"livemode":true,"metadata":{{"owner":"owner_{}","region":"{}","plan_at_signup":"{}"}},"name":"Customer {number} Ltd","next_invoice_sequence":{},"phone":null,"preferred_locales":["en"],"shipping":null,"tax_exempt":"none","test_clock":null}}"#,
            number % 100_000,
            number % 12,
            ["north", "south", "east", "west"][usize::try_from(number % 4).unwrap_or(0)],
            ["basic", "pro", "business"][customer.plan],
            customer.invoices + 1,
        );
    }

    fn subscription(&mut self, customer: &Customer) {
        let Customer { number, times, started, status, currency, .. } = customer;
        let ended = customer.ended.map_or("null".to_owned(), |at| at.to_string());
        _ = write!(
            self.into,
            r#"{{"id":"sub_{times:04}{number:020}","object":"subscription","application":null,"application_fee_percent":null,"automatic_tax":{{"disabled_reason":null,"enabled":false,"liability":null}},"billing_cycle_anchor":{started},"billing_cycle_anchor_config":null,"cancel_at":null,"cancel_at_period_end":false,"canceled_at":{ended},"cancellation_details":{{"comment":null,"feedback":null,"reason":{}}},"collection_method":"charge_automatically","created":{started},"currency":"{currency}","customer":"cus_{number:014}","days_until_due":null,"default_payment_method":"pm_{number:024}","default_source":null,"default_tax_rates":[],"description":null,"discounts":[],"ended_at":{ended},"invoice_settings":{{"account_tax_ids":null,"issuer":{{"type":"self"}}}},"items":{{"object":"list","data":["#,
            if customer.ended.is_some() { r#""cancellation_requested""# } else { "null" },
        );
        self.items(customer);
        let (from, until) = customer.period;
        _ = write!(
            self.into,
            r#"],"has_more":false,"total_count":{},"url":"/v1/subscription_items?subscription=sub_{times:04}{number:020}"}},"latest_invoice":"in_{:08}{number:016}","livemode":true,"metadata":{{"workspace":"ws_{number}","source":"signup"}},"next_pending_invoice_item_invoice":null,"on_behalf_of":null,"pause_collection":null,"payment_settings":{{"payment_method_options":{{"acss_debit":null,"bancontact":null,"card":{{"network":null,"request_three_d_secure":"automatic"}},"customer_balance":null,"konbini":null,"sepa_debit":null,"us_bank_account":null}},"payment_method_types":["card"],"save_default_payment_method":"off"}},"pending_invoice_item_interval":null,"pending_setup_intent":null,"pending_update":null,"schedule":null,"start_date":{started},"status":"{status}","test_clock":null,"transfer_data":null,"trial_end":null,"trial_settings":{{"end_behavior":{{"missing_payment_method":"create_invoice"}}}},"trial_start":null"#,
            customer.items.len(),
            customer.invoices,
        );
        if !self.is_newer {
            _ = write!(
                self.into,
                r#","current_period_start":{from},"current_period_end":{until},"discount":null"#
            );
            match customer.items.as_slice() {
                [only] => {
                    self.into.push_str(r#","plan":"#);
                    self.plan(only.price, customer.currency);
                    _ = write!(self.into, r#","quantity":{}"#, only.quantity);
                }
                _ => self.into.push_str(r#","plan":null,"quantity":null"#),
            }
        }
        self.into.push('}');
    }

    fn items(&mut self, customer: &Customer) {
        for (index, item) in customer.items.iter().enumerate() {
            if index > 0 {
                self.into.push(',');
            }
            self.item(customer, item);
        }
    }

    fn item(&mut self, customer: &Customer, item: &Item) {
        let Customer { number, times, currency, period: (from, until), .. } = customer;
        _ = write!(
            self.into,
            r#"{{"id":"si_{:06}{number:012}","object":"subscription_item","billing_thresholds":null,"created":{},"metadata":{{}},"discounts":[],"subscription":"sub_{times:04}{number:020}","tax_rates":[]"#,
            item.number, item.created,
        );
        if self.is_newer {
            _ = write!(self.into, r#","current_period_start":{from},"current_period_end":{until}"#);
        }
        if !item.price.is_metered {
            _ = write!(self.into, r#","quantity":{}"#, item.quantity);
        }
        self.into.push_str(r#","plan":"#);
        self.plan(item.price, currency);
        self.into.push_str(r#","price":"#);
        self.price(item.price, currency);
        self.into.push('}');
    }

    fn plan(&mut self, price: &Price, currency: &str) {
        let Price { id, product, nickname, unit_amount, interval, is_metered } = price;
        let usage = usage_of(*is_metered);
        let meter = meter_of(*is_metered);
        _ = write!(
            self.into,
            r#"{{"id":"{id}_{currency}","object":"plan","active":true,"aggregate_usage":null,"amount":{unit_amount},"amount_decimal":"{unit_amount}","billing_scheme":"per_unit","created":1680000000,"currency":"{currency}","interval":"{interval}","interval_count":1,"livemode":true,"metadata":{{}},"meter":{meter},"nickname":"{nickname}","product":"{product}","tiers_mode":null,"transform_usage":null,"trial_period_days":null,"usage_type":"{usage}"}}"#
        );
    }

    fn price(&mut self, price: &Price, currency: &str) {
        let Price { id, product, nickname, unit_amount, interval, is_metered } = price;
        let usage = usage_of(*is_metered);
        let meter = meter_of(*is_metered);
        _ = write!(
            self.into,
            r#"{{"id":"{id}_{currency}","object":"price","active":true,"billing_scheme":"per_unit","created":1680000000,"currency":"{currency}","custom_unit_amount":null,"livemode":true,"lookup_key":null,"metadata":{{}},"nickname":"{nickname}","product":"{product}","recurring":{{"aggregate_usage":null,"interval":"{interval}","interval_count":1,"meter":{meter},"trial_period_days":null,"usage_type":"{usage}"}},"tax_behavior":"unspecified","tiers_mode":null,"transform_quantity":null,"type":"recurring","unit_amount":{unit_amount},"unit_amount_decimal":"{unit_amount}"}}"#
        );
    }

    fn invoice(&mut self, customer: &Customer, status: &str) {
        let Customer { number, times, currency, country, started, period: (from, _), invoices, .. } =
            customer;
        let is_first = started == from;
        // Nothing was used before it began.
        let items = || customer.items.iter().filter(move |item| !(is_first && item.price.is_metered));
        let total: u64 = items().map(|item| item.price.unit_amount * item.quantity).sum();
        let is_paid = status == "paid";
        let (paid, due) = if is_paid { (total, 0) } else { (0, total) };
        let reason = if is_first { "subscription_create" } else { "subscription_cycle" };
        let at = self.at;
        let id = format!("in_{invoices:08}{number:016}");
        _ = write!(
            self.into,
            r#"{{"id":"{id}","object":"invoice","account_country":"US","account_name":"A business that never was","account_tax_ids":null,"amount_due":{total},"amount_overpaid":0,"amount_paid":{paid},"amount_remaining":{due},"amount_shipping":0,"application":null,"attempt_count":1,"attempted":true,"auto_advance":false,"automatic_tax":{{"disabled_reason":null,"enabled":false,"liability":null,"provider":null,"status":null}},"automatically_finalizes_at":null,"billing_reason":"{reason}","collection_method":"charge_automatically","created":{from},"currency":"{currency}","custom_fields":null,"customer":"cus_{number:014}","customer_address":{{"city":"Springfield","country":"{country}","line1":"{number} Long Street","line2":null,"postal_code":"{:05}","state":null}},"customer_email":"accounts+{number}@customer-{number}.example","customer_name":"Customer {number} Ltd","customer_phone":null,"customer_shipping":null,"customer_tax_exempt":"none","customer_tax_ids":[],"default_payment_method":null,"default_source":null,"default_tax_rates":[],"description":null,"discounts":[],"due_date":null,"effective_at":{at},"ending_balance":0,"footer":null,"from_invoice":null,"hosted_invoice_url":"https://invoice.example/i/{id}","invoice_pdf":"https://pay.example/invoice/{id}/pdf","issuer":{{"type":"self"}},"last_finalization_error":null,"latest_revision":null,"lines":{{"object":"list","data":["#,
            number % 100_000,
        );
        for (index, item) in items().enumerate() {
            if index > 0 {
                self.into.push(',');
            }
            self.line(customer, item, &id);
        }
        let subscription = format!("sub_{times:04}{number:020}");
        let paid_at = if is_paid { at.to_string() } else { "null".to_owned() };
        _ = write!(
            self.into,
            r#"],"has_more":false,"total_count":{},"url":"/v1/invoices/{id}/lines"}},"livemode":true,"metadata":{{}},"next_payment_attempt":null,"number":"{number:08X}-{invoices:04}","on_behalf_of":null,"payment_settings":{{"default_mandate":null,"payment_method_options":null,"payment_method_types":null}},"period_end":{},"period_start":{},"post_payment_credit_notes_amount":0,"pre_payment_credit_notes_amount":0,"receipt_number":null,"rendering":null,"shipping_cost":null,"shipping_details":null,"starting_balance":0,"statement_descriptor":null,"status":"{status}","status_transitions":{{"finalized_at":{from},"marked_uncollectible_at":null,"paid_at":{paid_at},"voided_at":null}},"subtotal":{total},"subtotal_excluding_tax":{total},"test_clock":null,"total":{total},"total_discount_amounts":[],"total_excluding_tax":{total},"webhooks_delivered_at":{at}"#,
            items().count(),
            from,
            customer.was_since,
        );
        if self.is_newer {
            _ = write!(
                self.into,
                r#","confirmation_secret":null,"parent":{{"quote_details":null,"subscription_details":{{"metadata":{{"workspace":"ws_{number}","source":"signup"}},"subscription":"{subscription}"}},"type":"subscription_details"}},"total_pretax_credit_amounts":[],"total_taxes":[]}}"#
            );
        } else {
            _ = write!(
                self.into,
                r#","charge":null,"discount":null,"paid":{is_paid},"paid_out_of_band":false,"payment_intent":"pi_{number:012}{invoices:012}","quote":null,"subscription":"{subscription}","subscription_details":{{"metadata":{{"workspace":"ws_{number}","source":"signup"}}}},"tax":null,"total_tax_amounts":[],"transfer_data":null}}"#
            );
        }
    }

    /// A line for the period that begins, of a metered price for the one that ends.
    fn line(&mut self, customer: &Customer, item: &Item, invoice: &str) {
        let Customer { number, times, currency, period: (from, until), .. } = customer;
        let price = item.price;
        let amount = price.unit_amount * item.quantity;
        let (start, end) = if price.is_metered { (customer.was_since, *from) } else { (*from, *until) };
        let subscription = format!("sub_{times:04}{number:020}");
        let item_id = format!("si_{:06}{number:012}", item.number);
        let words = price.nickname;
        _ = write!(
            self.into,
            r#"{{"id":"il_{:06}{number:012}{:06}","object":"line_item","amount":{amount},"currency":"{currency}","description":"{} × {words} (at {}.{:02} each)","discount_amounts":[],"discountable":true,"discounts":[],"invoice":"{invoice}","livemode":true,"metadata":{{"workspace":"ws_{number}"}},"period":{{"end":{end},"start":{start}}},"pretax_credit_amounts":[],"quantity":{}"#,
            item.number,
            customer.invoices,
            item.quantity,
            price.unit_amount / 100,
            price.unit_amount % 100,
            item.quantity,
        );
        if self.is_newer {
            _ = write!(
                self.into,
                r#","parent":{{"invoice_item_details":null,"subscription_item_details":{{"invoice_item":null,"proration":false,"proration_details":{{"credited_items":null}},"subscription":"{subscription}","subscription_item":"{item_id}"}},"type":"subscription_item_details"}},"pricing":{{"price_details":{{"price":"{}_{currency}","product":"{}"}},"type":"price_details","unit_amount_decimal":"{}"}},"taxes":[]}}"#,
                price.id, price.product, price.unit_amount,
            );
        } else {
            _ = write!(
                self.into,
                r#","amount_excluding_tax":{amount},"proration":false,"proration_details":{{"credited_items":null}},"subscription":"{subscription}","subscription_item":"{item_id}","tax_amounts":[],"tax_rates":[],"type":"subscription","unit_amount_excluding_tax":"{}","plan":"#,
                price.unit_amount,
            );
            self.plan(price, currency);
            self.into.push_str(r#","price":"#);
            self.price(price, currency);
            self.into.push('}');
        }
    }
}

fn usage_of(is_metered: bool) -> &'static str {
    if is_metered { "metered" } else { "licensed" }
}

fn meter_of(is_metered: bool) -> &'static str {
    if is_metered { r#""mtr_calls""# } else { "null" }
}
