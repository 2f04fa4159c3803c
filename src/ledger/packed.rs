//! Bodies and facts as they lie in the store: compressed, where that makes them smaller.
//!
//! An event is a few KiB of the same names over and over, a fact some hundred bytes of them. Alone they compress
//! badly, with a dictionary of invented ones to a sixth and less, and the disk has that much less to write.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// As it came.
const PLAIN: i64 = 0;
/// More costs time on every delivery and gains a few bytes.
const LEVEL: i32 = 1;
/// No body is larger; a damaged one that claims to be takes no memory.
const MOST_BYTES: u64 = 1 << 30;

/// A body or a fact as it is stored. Digests are always of the bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// How it is to be read.
    pub(super) codec: i64,
    /// What is stored.
    pub(super) bytes: Vec<u8>,
}

impl Packed {
    /// Packs a body; as it came if it gets no smaller.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        BODIES.with_borrow_mut(|bodies| bodies.pack(body))
    }

    /// Packs a fact's stored form; as it is if it gets no smaller.
    pub(super) fn of_fact(text: &str) -> Self {
        FACTS.with_borrow_mut(|facts| facts.pack(text.as_bytes()))
    }

    /// Whether it lies there as it came.
    pub(super) fn is_plain(&self) -> bool {
        self.codec == PLAIN
    }

    /// The body as it came. What can't be unpacked is given as it lies there: it does not have the digest
    /// that it came with, by which `verify` names it.
    pub(super) fn unpack(self) -> Vec<u8> {
        self.other_bytes().unwrap_or(self.bytes)
    }

    /// The same, of one that is still needed.
    pub(super) fn unpacked(&self) -> Cow<'_, [u8]> {
        self.other_bytes().map_or(Cow::Borrowed(&self.bytes), Cow::Owned)
    }

    /// The body, where it is not what lies there.
    fn other_bytes(&self) -> Option<Vec<u8>> {
        let codecs = [&BODIES, &FACTS];
        codecs.iter().find_map(|codec| codec.with_borrow_mut(|codec| codec.unpack(self)))
    }
}

/// A way to pack, by zstd with a dictionary. What was stored with a dictionary is read with it for as long as a
/// ledger lives: it is never replaced, another one gets the next number.
struct Codec {
    number: i64,
    compressor: Option<Compressor<'static>>,
    decompressor: Option<Decompressor<'static>>,
}

/// A dictionary as both sides of zstd read it.
type Dictionary = (Option<EncoderDictionary<'static>>, Option<DecoderDictionary<'static>>);

static DICTIONARY_1: LazyLock<Dictionary> =
    LazyLock::new(|| dictionary(include_bytes!("../../dictionary/1.zdict")));
static DICTIONARY_2: LazyLock<Dictionary> =
    LazyLock::new(|| dictionary(include_bytes!("../../dictionary/2.zdict")));

thread_local! {
    static BODIES: RefCell<Codec> = RefCell::new(Codec::new(1, &DICTIONARY_1));
    static FACTS: RefCell<Codec> = RefCell::new(Codec::new(2, &DICTIONARY_2));
}

fn dictionary(bytes: &[u8]) -> Dictionary {
    (EncoderDictionary::try_copy(bytes, LEVEL).ok(), DecoderDictionary::try_copy(bytes).ok())
}

impl Codec {
    fn new(number: i64, (encoder, decoder): &'static Dictionary) -> Self {
        let compressor = encoder.as_ref().and_then(|to| Compressor::with_prepared_dictionary(to).ok());
        let decompressor =
            decoder.as_ref().and_then(|from| Decompressor::with_prepared_dictionary(from).ok());
        Self { number, compressor, decompressor }
    }

    fn pack(&mut self, bytes: &[u8]) -> Packed {
        let smaller = self.compressor.as_mut().and_then(|compressor| {
            let packed = compressor.compress(bytes).ok()?;
            (packed.len() < bytes.len()).then_some(packed)
        });
        match smaller {
            Some(bytes) => Packed { codec: self.number, bytes },
            None => Packed { codec: PLAIN, bytes: bytes.to_vec() },
        }
    }

    /// What was packed in this way; `None` of another one, and of what is damaged.
    fn unpack(&mut self, packed: &Packed) -> Option<Vec<u8>> {
        let Packed { codec, bytes } = packed;
        let decompressor = self.decompressor.as_mut().filter(|_| *codec == self.number)?;
        let size = zstd::zstd_safe::get_frame_content_size(bytes).ok()??;
        let size = usize::try_from(size).ok().filter(|_| size <= MOST_BYTES)?;
        decompressor.decompress(bytes, size).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    const EVENT: &[u8] =
        include_bytes!("../../fixtures/events/2025-03-31.basil/customer.subscription.updated.json");

    #[test]
    fn an_event_is_stored_in_a_fraction_of_its_bytes_and_comes_back_as_it_was() {
        let packed = Packed::of(EVENT);
        assert_eq!(packed.codec, 1);
        assert!(packed.bytes.len() * 4 < EVENT.len(), "{} of {}", packed.bytes.len(), EVENT.len());
        assert_eq!(packed.unpack(), EVENT);
    }

    #[test]
    fn a_fact_is_stored_in_a_fraction_of_its_bytes_and_comes_back_as_it_was() {
        let text = r#"{"usage":{"customer":"cus_1","subscription":"sub_1","invoice":"in_1","at":1782218731,"status":"billed","is_cycle":true,"period_end":1782218730,"lines":[{"item":"si_1","price":"price_calls","period_start":1779540330,"period_end":1782218730,"amount":53756000000}],"evidence":{"grade":"event","event":"evt_1","sha256":"0ca089ce5f5c369f07c5f7819c64212346fdfc0545f9c7fb9a16b1297d7103c5"}}}"#;
        let packed = Packed::of_fact(text);
        assert_eq!(packed.codec, 2);
        assert!(packed.bytes.len() * 3 < text.len(), "{} of {}", packed.bytes.len(), text.len());
        assert_eq!(packed.unpack(), text.as_bytes());
    }

    #[test]
    fn a_body_that_is_broken_does_not_come_back_as_another_and_takes_no_memory() {
        let packed = Packed::of(EVENT);
        for at in 0..packed.bytes.len() {
            let mut broken = packed.clone();
            broken.bytes[at] ^= 0x55;
            // Some bits mean nothing to the reader; whatever comes back is judged by its digest.
            let _ = broken.unpack();
        }
        let cut = Packed { bytes: packed.bytes[..packed.bytes.len() / 2].to_vec(), ..packed };
        assert_ne!(cut.unpack(), EVENT);
        let unknown = Packed { codec: 99, bytes: b"x".to_vec() };
        assert_eq!(unknown.unpack(), b"x");
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_are_what_is_read(body in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert_eq!(Packed::of(&body).unpack(), body.clone());
            let text = String::from_utf8_lossy(&body);
            prop_assert_eq!(Packed::of_fact(&text).unpack(), text.as_bytes());
        }
    }
}
