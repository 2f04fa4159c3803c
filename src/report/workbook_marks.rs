//! What the spreadsheet draws into a table's own cells: shades where the page has a map of cohorts, small columns beside
//! segments' months.

use rust_xlsxwriter::{
    Color, ConditionalFormat2ColorScale, ConditionalFormatType, Sparkline, SparklineType, Worksheet,
    XlsxError,
};

use super::sheet::Section;

/// The first column of shares in a table of cohorts.
const SHARES: u16 = 3;

/// Between which shares a cell darkens, as on the page: what is below looks alike, and so does what is above.
const LIGHTEST: f64 = 0.7;
const DARKEST: f64 = 1.05;

/// Dark enough to tell, light enough to read figures on.
const SHADE: Color = Color::RGB(0x0066_B8AE);
const LINE: Color = Color::RGB(0x000F_766E);

/// Marks a section's cells, its head being in a row of the worksheet; gives the column that was drawn in beside it.
pub(super) fn mark(
    worksheet: &mut Worksheet,
    name: &str,
    section: &Section,
    head: u32,
) -> Result<Option<u16>, XlsxError> {
    let (Ok(rows), Ok(columns)) = (u32::try_from(section.rows.len()), u16::try_from(section.columns.len()))
    else {
        return Ok(None);
    };
    if rows == 0 {
        return Ok(None);
    }
    if ["retention_net", "retention_gross"].contains(&section.key.as_str()) && columns > SHARES {
        let scale = ConditionalFormat2ColorScale::new()
            .set_minimum(ConditionalFormatType::Number, LIGHTEST)
            .set_maximum(ConditionalFormatType::Number, DARKEST)
            .set_minimum_color(Color::White)
            .set_maximum_color(SHADE);
        worksheet.add_conditional_format(head + 1, SHARES, head + rows, columns - 1, &scale)?;
    }
    if !section.key.starts_with("segment_months_") {
        return Ok(None);
    }
    // A run has all months together behind them.
    let total = section.columns.iter().rposition(|column| column.name == "total");
    let behind = total.and_then(|total| u16::try_from(total).ok()).unwrap_or(columns);
    if behind < 2 {
        return Ok(None);
    }
    for row in head + 1..=head + rows {
        let months = Sparkline::new()
            .set_range((name, row, 1, row, behind - 1))
            .set_type(SparklineType::Column)
            .show_negative_points(true)
            .set_negative_points_color(Color::RGB(0x00B4_3A3A))
            .set_sparkline_color(LINE);
        worksheet.add_sparkline(row, columns, &months)?;
    }
    Ok(Some(columns))
}
