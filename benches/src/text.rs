//! Text of the document, block by block.

use serde::{Deserialize, Serialize};

use crate::table::Table;

/// Blocks with an empty line between them.
#[derive(Default, Serialize, Deserialize)]
pub struct Text(String);

impl Text {
    /// Text that begins with this paragraph.
    pub fn of(paragraph: &str) -> Self {
        let mut text = Self::default();
        text.paragraph(paragraph);
        text
    }

    pub fn heading(&mut self, level: usize, title: &str) {
        self.block(&format!("{} {title}\n", "#".repeat(level)));
    }

    /// A paragraph, its lines broken.
    pub fn paragraph(&mut self, paragraph: &str) {
        self.block(&wrapped(paragraph, ""));
    }

    /// A list, the lines of its items broken.
    pub fn list<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) {
        let items = items.into_iter().map(|item| wrapped(&format!("- {item}"), "  "));
        self.block(&items.collect::<String>());
    }

    pub fn table(&mut self, table: Table) {
        self.block(&table.finish());
    }

    pub fn code(&mut self, language: &str, code: &str) {
        self.block(&format!("```{language}\n{code}\n```\n"));
    }

    /// Blocks that are written already.
    pub fn block(&mut self, block: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(block);
    }

    pub fn add(&mut self, other: &Self) {
        self.block(&other.0);
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// Breaks lines before they get long; all but the first are indented.
fn wrapped(paragraph: &str, indent: &str) -> String {
    const WIDTH: usize = 110;
    let (mut text, mut column) = (String::new(), 0);
    for word in paragraph.split_whitespace() {
        if column + word.chars().count() > WIDTH {
            text.push('\n');
            text.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            text.push(' ');
        }
        text.push_str(word);
        column += word.chars().count() + 1;
    }
    text + "\n"
}
