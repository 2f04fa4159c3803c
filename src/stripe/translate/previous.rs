//! Putting `previous_attributes` back into an object: what it was before its event.
//!
//! They hold the old values of the top-level attributes that changed; of an object only the members
//! that changed; of a list the whole old list, though up to API 2017-04-06 only the elements that
//! changed.

use super::Json;

/// The attributes that a [`State`](crate::mrr::State) is read from.
const READ: &[&str] = &[
    "status",
    "pause_collection",
    "items",
    "plan",
    "price",
    "quantity",
    "currency",
    "discount",
    "discounts",
    "default_tax_rates",
    "trial_end",
    "cancel_at",
    "cancel_at_period_end",
    "current_period_end",
    "canceled_at",
    "ended_at",
    "cancellation_details",
];

/// The last version that sent only the changed elements of a list.
const LAST_WITH_PARTIAL_LISTS: &str = "2017-04-06";

/// Whether any attribute that changed is one that a state is read from.
pub(super) fn touches(before: &Json<'_>) -> bool {
    before.members().iter().any(|(name, _)| READ.contains(&name.as_ref()))
}

/// The object as it was before.
pub(super) fn put_back<'a>(object: &Json<'a>, before: &Json<'a>, api_version: Option<&str>) -> Json<'a> {
    let lists_are_partial = api_version.is_some_and(|version| version <= LAST_WITH_PARTIAL_LISTS);
    let mut old = object.clone();
    for (name, value) in before.members() {
        if !READ.contains(&name.as_ref()) {
            continue;
        }
        let now = object.get(name).unwrap_or(&Json::Null);
        let was = if name == "items" { items(now, value, lists_are_partial) } else { merged(now, value) };
        old.set(name, was);
    }
    if before.present("items").is_none() {
        only_item(&mut old, before);
    }
    old
}

/// A value put back: an object's members into the object, unless it is another object altogether;
/// anything else whole.
fn merged<'a>(now: &Json<'a>, was: &Json<'a>) -> Json<'a> {
    let (Json::Object(_), Json::Object(members)) = (now, was) else {
        return was.clone();
    };
    let id = |json: &Json<'_>| json.get("id").and_then(Json::as_text).map(str::to_owned);
    if id(was).is_some_and(|was| id(now).is_none_or(|now| now != was)) {
        return was.clone();
    }
    let mut old = now.clone();
    for (name, value) in members {
        old.set(name, merged(now.get(name).unwrap_or(&Json::Null), value));
    }
    old
}

/// The list of items put back, each element into the one it was.
fn items<'a>(now: &Json<'a>, was: &Json<'a>, is_partial: bool) -> Json<'a> {
    let (Some(now_data), Some(was_data)) = (now.get("data"), elements_of(was)) else {
        return merged(now, was);
    };
    let now_elements = now_data.elements();
    let mut left: Vec<Option<&Json<'a>>> = now_elements.iter().map(Some).collect();
    let mut old: Vec<(usize, Json<'a>)> = Vec::with_capacity(was_data.len());
    for (index, element) in was_data.iter().enumerate() {
        let counterpart = counterpart(now_elements, element, index);
        if let Some(at) = counterpart {
            left[at] = None;
        }
        let now = counterpart.and_then(|at| now_elements.get(at)).unwrap_or(&Json::Null);
        old.push((counterpart.unwrap_or(usize::MAX), merged(now, element)));
    }
    if is_partial {
        let unchanged = left.into_iter().enumerate();
        old.extend(unchanged.filter_map(|(at, element)| Some((at, element?.clone()))));
        old.sort_by_key(|(at, _)| *at);
    }
    let mut list = match was {
        Json::Object(_) => merged(now, was),
        _ => now.clone(),
    };
    list.set("data", Json::List(old.into_iter().map(|(_, element)| element).collect()));
    list
}

/// The elements of a list object or of a plain list.
fn elements_of<'j, 'a>(list: &'j Json<'a>) -> Option<&'j [Json<'a>]> {
    match list {
        Json::List(elements) => Some(elements),
        _ => list.get("data").map(Json::elements),
    }
}

/// Which element now is the one of before: the one of its id, or without an id of its place.
fn counterpart(now: &[Json<'_>], element: &Json<'_>, index: usize) -> Option<usize> {
    match element.get("id") {
        Some(id) => now.iter().position(|other| other.get("id") == Some(id)),
        None => (index < now.len()).then_some(index),
    }
}

/// An old top-level `plan` or `quantity` told without items is that of the only item.
fn only_item<'a>(old: &mut Json<'a>, before: &Json<'a>) {
    let Some([item]) = old.get("items").and_then(|items| items.get("data")).map(Json::elements) else {
        return;
    };
    let mut item = item.clone();
    if let Some(quantity) = before.get("quantity") {
        item.set("quantity", quantity.clone());
    }
    for name in ["plan", "price"] {
        if let Some(terms) = before.present(name) {
            let own = item.present(name).map(|now| merged(now, terms));
            let was = own.or_else(|| old.get(name).cloned()).unwrap_or(Json::Null);
            // The other form of it tells the terms of now.
            let other = if name == "plan" { "price" } else { "plan" };
            item.set(other, Json::Null);
            item.set(name, was);
        }
    }
    let mut items = old.get("items").cloned().unwrap_or(Json::Null);
    items.set("data", Json::List(vec![item]));
    old.set("items", items);
}
