//! `upswell close` and `reopen`, and what they make of reports, as people call them (R24).
