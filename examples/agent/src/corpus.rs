//! Markdown files, cut into sections at their headings.

use std::fs;
use std::io;
use std::path::Path;

/// Build results, and the page that quotes the questions, which would be found before any answer.
const LEFT_OUT: [&str; 2] = ["target", "examples"];

/// A heading with what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `README.md#install`
    pub uri: String,
    pub text: String,
}

/// The sections of every Markdown file below `root`, in the order of their paths.
pub fn read(root: &Path) -> io::Result<Vec<Section>> {
    let mut sections = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !LEFT_OUT.contains(&&*name) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        sections.extend(cut(&name, &fs::read_to_string(&file)?));
    }
    Ok(sections)
}

/// The sections of one file. A line with a hash in a block of code is no heading.
fn cut(file: &str, markdown: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut section = Section { uri: file.to_owned(), text: String::new() };
    let mut in_code = false;
    for line in markdown.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if !in_code && heading.len() < line.len() && heading.starts_with(' ') {
            let uri = format!("{file}#{}", anchor(heading));
            let before = std::mem::replace(&mut section, Section { uri, text: String::new() });
            sections.push(before);
        }
        section.text.push_str(line);
        section.text.push('\n');
    }
    sections.push(section);
    sections.retain(|section| !section.text.trim().is_empty());
    sections
}

/// The end of a link to a heading, as code forges make it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_at_its_headings() {
        let markdown =
            "before\n# Title: here!\nfirst\n```sh\n# no heading\n```\n## Next_one\nlast\n";
        let sections = cut("a.md", markdown);
        let pairs: Vec<_> = sections.iter().map(|s| (s.uri.as_str(), s.text.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("a.md", "before\n"),
                ("a.md#title-here", "# Title: here!\nfirst\n```sh\n# no heading\n```\n"),
                ("a.md#next_one", "## Next_one\nlast\n"),
            ]
        );
    }

    #[test]
    fn this_repository_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sections = read(&root).unwrap();
        for uri in ["README.md#install", "CONTRIBUTING.md#tests", "docs/BENCHMARKS.md#"] {
            assert!(sections.iter().any(|section| section.uri.starts_with(uri)), "{uri}");
        }
        let left_out = |uri: &str| uri.split('/').any(|part| LEFT_OUT.contains(&part));
        assert!(!sections.iter().any(|section| left_out(&section.uri)));
    }
}
