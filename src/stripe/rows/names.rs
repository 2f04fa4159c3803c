//! The names of columns: however an export spells, orders and translates them, one key.

use chrono_tz::Tz;

/// The clock that a column's times are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// UTC, which columns mean that say nothing.
    Utc,
    /// A zone that the column names in brackets.
    Zone(Tz),
}

/// A column as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// One of the object's own.
    Own {
        /// Lower case, words joined by `_`, in Stripe's English.
        key: String,
        /// Of its times.
        clock: Clock,
    },
    /// A key of the object's metadata.
    Metadata(String),
}

/// Other words for the same: what Stripe's exports have called it, and what it is called where the
/// Dashboard, or who saved the file again, speaks another language.
const SAME: &[(&str, &[&str])] = &[
    (
        "customer_id",
        &["kunden_id", "kundennummer", "id_client", "identifiant_client", "id_de_cliente", "id_cliente"],
    ),
    ("customer_email", &["kunden_e_mail", "e_mail_client", "correo_del_cliente"]),
    ("email", &["e_mail", "e_mail_adresse", "adresse_e_mail", "correo_electrónico"]),
    ("subscription_id", &["abonnement_id", "abo_id", "id_d_abonnement", "id_de_suscripción"]),
    ("quantity", &["menge", "anzahl", "quantité", "cantidad"]),
    ("currency", &["währung", "waehrung", "devise", "moneda", "divisa"]),
    ("amount", &["betrag", "montant", "importe", "monto"]),
    ("interval", &["intervall", "intervalle", "intervalo"]),
    ("interval_count", &["intervallanzahl", "nombre_d_intervalles", "número_de_intervalos"]),
    ("plan", &["tarif", "forfait"]),
    ("price_id", &["preis_id", "id_de_prix", "id_du_prix", "id_de_precio", "id_del_precio"]),
    ("product_id", &["produkt_id", "id_produit", "id_du_produit", "id_de_producto", "id_del_producto"]),
    ("product_name", &["produktname", "nom_du_produit", "nombre_del_producto"]),
    ("status", &["statut", "estado"]),
    (
        "created",
        &[
            "created_at",
            "created_date",
            "date_created",
            "erstellt",
            "erstellt_am",
            "créé",
            "créé_le",
            "date_de_création",
            "creado",
            "creado_el",
            "fecha_de_creación",
        ],
    ),
    (
        "canceled_at",
        &["cancelled_at", "canceled", "gekündigt_am", "storniert_am", "annulé_le", "cancelado_el"],
    ),
    ("ended_at", &["ended", "beendet_am", "terminé_le", "finalizado_el"]),
    ("trial_end", &["trial_ends", "testphase_ende", "fin_de_l_essai", "fin_de_prueba"]),
];

/// The name of a column.
pub(super) fn name(column: &str) -> Name {
    let column = column.trim();
    let bracketed = column.strip_suffix(')').and_then(|inner| inner.rsplit_once('('));
    let (own, clock) = match bracketed.map(|(own, inside)| (own.trim(), inside.trim())) {
        Some((own, inside)) if inside.eq_ignore_ascii_case("metadata") => {
            return Name::Metadata(own.to_owned());
        }
        Some((own, inside)) if inside.eq_ignore_ascii_case("utc") => (own, Clock::Utc),
        Some((own, inside)) => match inside.parse() {
            Ok(zone) => (own, Clock::Zone(zone)),
            Err(_) => (column, Clock::Utc),
        },
        None => (column, Clock::Utc),
    };
    Name::Own { key: key(own), clock }
}

fn key(own: &str) -> String {
    let words = own.split(|c: char| !c.is_alphanumeric() && !matches!(c, '(' | ')'));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let spelt = words.join("_");
    let known = SAME.iter().find(|(_, others)| others.contains(&spelt.as_str()));
    known.map_or(spelt, |(key, _)| (*key).to_owned())
}

/// Whether columns are spelt as Sigma's tables spell them, whose amounts are of minor units: plain words joined by
/// `_`, all in capitals where a warehouse wrote them. The Dashboard's exports have capitals here and there, blanks
/// or brackets, and amounts of major units.
pub(super) fn are_sigma_s(columns: &[String]) -> bool {
    let are_plain = |is_letter: fn(&char) -> bool| {
        let is_plain = |c: char| is_letter(&c) || c.is_ascii_digit() || c == '_';
        columns.iter().all(|column| column.trim().chars().all(is_plain))
    };
    are_plain(char::is_ascii_lowercase) || are_plain(char::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn own(key: &str, clock: Clock) -> Name {
        Name::Own { key: key.to_owned(), clock }
    }

    #[test]
    fn a_column_has_one_name_however_it_is_spelt() {
        for spelt in
            ["Created (UTC)", "created", " Created At (UTC) ", "Created date (UTC)", "Erstellt (UTC)"]
        {
            assert_eq!(name(spelt), own("created", Clock::Utc), "{spelt}");
        }
        for spelt in ["Customer ID", "customer_id", "Customer Id", "Kunden-ID"] {
            assert_eq!(name(spelt), own("customer_id", Clock::Utc), "{spelt}");
        }
        assert_eq!(
            name("Created (Europe/Berlin)"),
            own("created", Clock::Zone("Europe/Berlin".parse().unwrap()))
        );
        assert_eq!(name("upswell_ladder (metadata)"), Name::Metadata("upswell_ladder".to_owned()));
        // A clock that is not known is no UTC.
        assert_ne!(name("Created (CEST)"), own("created", Clock::Utc));
    }

    #[test]
    fn the_spelling_tells_sigma_from_the_dashboard() {
        let of = |columns: &[&str]| {
            are_sigma_s(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>())
        };
        assert!(of(&["id", "unit_amount"]) && of(&["ID", "UNIT_AMOUNT"]));
        assert!(!of(&["id", "Amount"]) && !of(&["id", "created (utc)"]));
    }
}
