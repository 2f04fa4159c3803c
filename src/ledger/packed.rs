//! Bodies as they lie in the store: compressed, where that makes them smaller.
//!
//! An event is a few KiB of the same names over and over. Alone it compresses badly, with a dictionary of
//! invented events to a tenth and less, and the disk has a tenth to write.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// As it came.
const PLAIN: i64 = 0;
/// By zstd with the first dictionary. What was stored with a dictionary is read with it for as long as a
/// ledger lives: it is never replaced, another one gets the next number.
const ZSTD_1: i64 = 1;

const DICTIONARY_1: &[u8] = include_bytes!("../../dictionary/1.zdict");
/// More costs time on every delivery and gains a few bytes.
const LEVEL: i32 = 1;
/// No body is larger; a damaged one that claims to be takes no memory.
const MOST_BYTES: u64 = 1 << 30;

static ENCODER: LazyLock<Option<EncoderDictionary<'static>>> =
    LazyLock::new(|| EncoderDictionary::try_copy(DICTIONARY_1, LEVEL).ok());
static DECODER: LazyLock<Option<DecoderDictionary<'static>>> =
    LazyLock::new(|| DecoderDictionary::try_copy(DICTIONARY_1).ok());

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(
        ENCODER.as_ref().and_then(|dictionary| Compressor::with_prepared_dictionary(dictionary).ok()),
    );
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = RefCell::new(
        DECODER.as_ref().and_then(|dictionary| Decompressor::with_prepared_dictionary(dictionary).ok()),
    );
}

/// A body as it is stored. Digests are always of the bytes as they came.
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
        let smaller = COMPRESSOR.with_borrow_mut(|compressor| {
            let bytes = compressor.as_mut()?.compress(body).ok()?;
            (bytes.len() < body.len()).then_some(bytes)
        });
        match smaller {
            Some(bytes) => Self { codec: ZSTD_1, bytes },
            None => Self { codec: PLAIN, bytes: body.to_vec() },
        }
    }

    /// The body as it came. What can't be unpacked is given as it lies there: it does not have the digest
    /// that it came with, by which `verify` names it.
    pub(super) fn unpack(self) -> Vec<u8> {
        let unpacked = match self.codec {
            ZSTD_1 => unpack_zstd(&self.bytes),
            _ => None,
        };
        unpacked.unwrap_or(self.bytes)
    }
}

fn unpack_zstd(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok()??;
    let size = usize::try_from(size).ok().filter(|_| size <= MOST_BYTES)?;
    DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.as_mut()?.decompress(bytes, size).ok())
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
        assert_eq!(packed.codec, ZSTD_1);
        assert!(packed.bytes.len() * 4 < EVENT.len(), "{} of {}", packed.bytes.len(), EVENT.len());
        assert_eq!(packed.unpack(), EVENT);
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
            prop_assert_eq!(Packed::of(&body).unpack(), body);
        }
    }
}
