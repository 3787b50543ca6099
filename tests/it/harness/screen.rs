//! What a terminal shows after all that was written to it.

/// The rows of a terminal of this many columns, from the first that was ever written to the last, without the
/// blanks at their ends. It knows what gox uses, and fails on anything else.
pub(crate) fn screen(written: &[u8], columns: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(written);
    let mut rows: Vec<Vec<char>> = vec![vec![]];
    let (mut row, mut column) = (0, 0);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                assert_eq!(chars.next(), Some('['), "an unknown escape in {text:?}");
                let mut number = String::new();
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    number.push(digit);
                }
                match chars.next() {
                    Some('K') => rows[row].truncate(column),
                    Some('J') => {
                        rows[row].truncate(column);
                        rows.truncate(row + 1);
                    }
                    Some('A') => row = row.saturating_sub(number.parse().unwrap_or(1)),
                    other => panic!("an unknown escape {other:?} in {text:?}"),
                }
            }
            c => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                rows.resize(rows.len().max(row + 1), vec![]);
                let line = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), vec![]);
    }
    let mut shown: Vec<String> =
        rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect();
    while shown.last().is_some_and(String::is_empty) {
        shown.pop();
    }
    shown
}
